import { captureCamera, captureMic, RostrumError } from "@rostrum/sdk";
import { writable, type Readable } from "svelte/store";
import type { Memory } from "../session/memory";

/** The one module that speaks with cameras, microphones and speakers before and beside the room. */

export interface Device {
  id: string;
  label: string;
}

export interface DeviceState {
  cameras: readonly Device[];
  mics: readonly Device[];
  /** Empty where the browser cannot choose an output. */
  speakers: readonly Device[];
  cameraId: string | undefined;
  micId: string | undefined;
  speakerId: string | undefined;
  /** Whether the person wants it on; a device that failed stays wanted and has a problem. */
  cameraOn: boolean;
  micOn: boolean;
  camera: MediaStreamTrack | null;
  mic: MediaStreamTrack | null;
  cameraProblem: string | null;
  micProblem: string | null;
}

type Kind = "camera" | "mic";

/** The browser's side, apart so that tests need no browser. */
export interface DeviceSource {
  capture(kind: Kind, deviceId: string | undefined): Promise<MediaStreamTrack>;
  list(): Promise<MediaDeviceInfo[]>;
  onChange(listener: () => void): () => void;
}

export const browserDevices: DeviceSource = {
  capture: (kind, deviceId) => (kind === "camera" ? captureCamera(deviceId) : captureMic(deviceId)),
  list: async () => (await mediaDevices()?.enumerateDevices()) ?? [],
  onChange: (listener) => {
    mediaDevices()?.addEventListener("devicechange", listener);
    return () => mediaDevices()?.removeEventListener("devicechange", listener);
  },
};

export class Devices {
  readonly #source: DeviceSource;
  readonly #store;
  readonly #stopListening: () => void;
  #state: DeviceState;
  #turn: Record<Kind, number> = { camera: 0, mic: 0 };
  #pending: Record<Kind, Promise<void>> = { camera: Promise.resolve(), mic: Promise.resolve() };
  #closed = false;

  constructor(source: DeviceSource, memory: Memory) {
    this.#source = source;
    const { cameraId, micId, speakerId, cameraOn, micOn } = memory;
    const nothing = { cameras: [], mics: [], speakers: [], camera: null, mic: null, cameraProblem: null, micProblem: null };
    this.#state = { ...nothing, cameraId, micId, speakerId, cameraOn, micOn };
    this.#store = writable(this.#state);
    this.#stopListening = source.onChange(() => void this.refresh());
  }

  get state(): DeviceState {
    return this.#state;
  }

  get subscribe(): Readable<DeviceState>["subscribe"] {
    return this.#store.subscribe;
  }

  /** Starts the previews of what the person wants on, each by itself, so that one refusal does not cost the other. */
  async preview(): Promise<void> {
    await Promise.all([this.#apply("camera"), this.#apply("mic")]);
    await this.refresh();
  }

  setCamera(on: boolean): Promise<void> {
    this.#change({ cameraOn: on });
    return this.#apply("camera");
  }

  setMic(on: boolean): Promise<void> {
    this.#change({ micOn: on });
    return this.#apply("mic");
  }

  /** Chooses a device; a running preview changes over to it. */
  async select(kind: Kind | "speaker", id: string): Promise<void> {
    this.#change({ [`${kind}Id`]: id });
    if (kind !== "speaker" && this.#state[kind]) await this.#apply(kind);
  }

  /**
   * Gives a previewed track away: who takes it stops it. Waits for a preview that is still starting, since the browser may be asking
   * the person for the device just then; null where it is off or does not work.
   */
  async take(kind: Kind): Promise<MediaStreamTrack | null> {
    let waitedFor: Promise<void>;
    do {
      waitedFor = this.#pending[kind];
      await waitedFor;
    } while (waitedFor !== this.#pending[kind]);
    const track = this.#state[kind];
    this.#change({ [kind]: null });
    return track;
  }

  /** Reads the list again; labels appear once the person has allowed a device. */
  async refresh(): Promise<void> {
    const all = await this.#source.list().catch(() => []);
    const of = (kind: MediaDeviceKind, word: string): Device[] =>
      all
        .filter((one) => one.kind === kind && one.deviceId !== "")
        .map((one, index) => ({ id: one.deviceId, label: one.label || `${word} ${index + 1}` }));
    this.#change({ cameras: of("videoinput", "Camera"), mics: of("audioinput", "Microphone"), speakers: of("audiooutput", "Speaker") });
  }

  close(): void {
    this.#closed = true;
    this.#stopListening();
    this.#release("camera");
    this.#release("mic");
  }

  #apply(kind: Kind): Promise<void> {
    return (this.#pending[kind] = this.#start(kind));
  }

  /** Never rejects: what goes wrong is the kind's problem, for the person to read. */
  async #start(kind: Kind): Promise<void> {
    const turn = ++this.#turn[kind];
    this.#release(kind);
    this.#change({ [`${kind}Problem`]: null });
    if (!this.#state[`${kind}On`]) return;
    try {
      const track = await this.#capture(kind);
      // The person may have switched it off, or elsewhere, while the browser was asking.
      if (turn !== this.#turn[kind] || this.#closed) return track.stop();
      this.#change({ [kind]: track, [`${kind}Id`]: track.getSettings().deviceId ?? this.#state[`${kind}Id`] });
    } catch (thrown) {
      if (turn === this.#turn[kind]) this.#change({ [`${kind}Problem`]: deviceProblem(kind, thrown) });
    }
  }

  /** The remembered device may be unplugged today; then any other one will do. */
  async #capture(kind: Kind): Promise<MediaStreamTrack> {
    const wanted = this.#state[`${kind}Id`];
    try {
      return await this.#source.capture(kind, wanted);
    } catch (thrown) {
      if (wanted === undefined || !(thrown instanceof RostrumError) || thrown.code !== "device_not_found") throw thrown;
      return this.#source.capture(kind, undefined);
    }
  }

  #release(kind: Kind): void {
    this.#state[kind]?.stop();
    this.#change({ [kind]: null });
  }

  #change(change: Partial<DeviceState>): void {
    this.#state = { ...this.#state, ...change };
    this.#store.set(this.#state);
  }
}

const problems: Record<string, (what: string) => string> = {
  permission_denied: (what) => `Your browser blocks the ${what}. Allow it in the address bar.`,
  device_not_found: (what) => `No ${what} was found.`,
  device_busy: (what) => `Another program is using the ${what}.`,
  unsupported: () => "Camera and microphone need a secure page: use https or localhost.",
};

/** Why a device does not work, in a sentence for the person before it. */
export function deviceProblem(kind: Kind, thrown: unknown): string {
  const what = kind === "camera" ? "camera" : "microphone";
  const code = thrown instanceof RostrumError ? thrown.code : "";
  return problems[code]?.(what) ?? `The ${what} could not be started.`;
}

function mediaDevices(): MediaDevices | undefined {
  return (navigator as Partial<Navigator>).mediaDevices;
}
