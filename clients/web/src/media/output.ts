import { writable, type Readable } from "svelte/store";

/** What the loudspeaker plays: one audio element for each voice, so that video tiles may come and go in silence. */

export interface OutputState {
  /** The browser wants a tap before it plays sound. */
  blocked: boolean;
  muted: boolean;
}

/** What this module uses of an audio element, so that tests need no browser. */
export type Speaker = Pick<HTMLAudioElement, "srcObject" | "muted" | "play" | "remove"> & { setSinkId?: (id: string) => Promise<void> };

interface Voice {
  track: MediaStreamTrack;
  speaker: Speaker;
}

export class AudioOutput {
  readonly #make: (track: MediaStreamTrack) => Speaker;
  readonly #voices = new Map<string, Voice>();
  readonly #store = writable<OutputState>({ blocked: false, muted: false });
  #state: OutputState = { blocked: false, muted: false };
  #sinkId: string | undefined;

  constructor(make: (track: MediaStreamTrack) => Speaker = makeSpeaker) {
    this.#make = make;
  }

  get subscribe(): Readable<OutputState>["subscribe"] {
    return this.#store.subscribe;
  }

  /** Plays exactly these tracks: new ones start, missing ones end, the others are not touched. */
  play(tracks: ReadonlyMap<string, MediaStreamTrack>): void {
    for (const [id, voice] of this.#voices) if (tracks.get(id) !== voice.track) this.#end(id);
    for (const [id, track] of tracks) if (!this.#voices.has(id)) this.#begin(id, track);
  }

  /** To be called from a tap: plays what the browser held back. */
  async unblock(): Promise<void> {
    await Promise.all([...this.#voices.values()].map((voice) => this.#start(voice)));
  }

  setMuted(muted: boolean): void {
    for (const { speaker } of this.#voices.values()) speaker.muted = muted;
    this.#change({ muted });
  }

  async setSpeaker(deviceId: string): Promise<void> {
    this.#sinkId = deviceId;
    await Promise.all([...this.#voices.values()].map(({ speaker }) => speaker.setSinkId?.(deviceId)));
  }

  close(): void {
    this.play(new Map());
  }

  #begin(id: string, track: MediaStreamTrack): void {
    const speaker = this.#make(track);
    speaker.muted = this.#state.muted;
    // A speaker that was unplugged meanwhile leaves the sound on the default one.
    if (this.#sinkId !== undefined) void speaker.setSinkId?.(this.#sinkId).catch(() => undefined);
    const voice = { track, speaker };
    this.#voices.set(id, voice);
    void this.#start(voice);
  }

  async #start({ speaker }: Voice): Promise<void> {
    try {
      await speaker.play();
      this.#change({ blocked: false });
    } catch (thrown) {
      if (thrown instanceof Error && thrown.name === "NotAllowedError") this.#change({ blocked: true });
    }
  }

  #end(id: string): void {
    const voice = this.#voices.get(id);
    this.#voices.delete(id);
    if (!voice) return;
    voice.speaker.srcObject = null;
    voice.speaker.remove();
  }

  #change(change: Partial<OutputState>): void {
    this.#state = { ...this.#state, ...change };
    this.#store.set(this.#state);
  }
}

function makeSpeaker(track: MediaStreamTrack): Speaker {
  const audio = document.createElement("audio");
  audio.autoplay = true;
  audio.srcObject = new MediaStream([track]);
  document.body.append(audio);
  return audio;
}
