import type { types } from "mediasoup-client";
import { type RostrumError, asRostrumError, clientError, isPassing } from "./errors";
import type { Source } from "./events";
import { codecOptionsFor, encodingsFor } from "./layers";
import type { Link } from "./link";
import type { Signaling } from "./signaling";
import { type Deferred, backoff, deferred, pause } from "./timing";
import type { LocalTrack } from "./types";

/** What is to be sent from one source: it outlives every transport. */
interface Slot {
  readonly source: Source;
  readonly sent: Deferred<void>;
  track: MediaStreamTrack;
  paused: boolean;
  producer: types.Producer | null;
  producing: boolean;
  unwatch: () => void;
}

export interface PublisherHooks {
  /** A source has begun to be sent; on every link anew. */
  produced(source: Source, producerId: string): void;
  changed(source: Source, track: LocalTrack | null): void;
  /** A track ended by itself: the device went, or the browser's own button stopped the screen. */
  ended(source: Source): void;
}

const mostTries = 6;

/** Sends the local tracks: knows what is wanted, and produces it on whatever link there is. */
export class Publisher {
  readonly #signaling: Signaling;
  readonly #simulcast: boolean;
  readonly #hooks: PublisherHooks;
  readonly #slots = new Map<Source, Slot>();
  #link: Link | null = null;

  constructor(signaling: Signaling, simulcast: boolean, hooks: PublisherHooks) {
    this.#signaling = signaling;
    this.#simulcast = simulcast;
    this.#hooks = hooks;
  }

  get sources(): Source[] {
    return [...this.#slots.keys()];
  }

  track(source: Source): MediaStreamTrack | null {
    return this.#slots.get(source)?.track ?? null;
  }

  /** Begins to send a track, which from now on belongs to the room: it is stopped when it is no longer sent. */
  publish(source: Source, track: MediaStreamTrack): Promise<void> {
    if (this.#slots.has(source)) return this.replace(source, track);
    const slot: Slot = { source, sent: deferred(), track, paused: false, producer: null, producing: false, unwatch: this.#watch(source, track) };
    this.#slots.set(source, slot);
    this.#tell(slot);
    void this.#produce(slot);
    return slot.sent.promise;
  }

  /** Sends another track in the place of the present one, without renegotiation. */
  async replace(source: Source, track: MediaStreamTrack): Promise<void> {
    const slot = this.#slots.get(source);
    if (!slot) throw clientError("not_published");
    if (slot.track === track) return;
    track.enabled = !slot.paused;
    await slot.producer?.replaceTrack({ track });
    slot.unwatch();
    slot.track.stop();
    slot.track = track;
    slot.unwatch = this.#watch(source, track);
    this.#tell(slot);
  }

  async setPaused(source: Source, paused: boolean): Promise<void> {
    const slot = this.#slots.get(source);
    if (!slot) throw clientError("not_published");
    if (slot.paused === paused) return;
    slot.paused = paused;
    this.#applyPause(slot);
    this.#tell(slot);
    await this.#tellPause(slot);
  }

  async unpublish(source: Source): Promise<void> {
    const slot = this.#slots.get(source);
    if (!slot) return;
    const id = slot.producer?.id;
    this.#drop(slot, clientError("unpublished"));
    if (id !== undefined) await this.#closeOnServer(id);
  }

  /** Takes a new link into use and sends everything on it. */
  attach(link: Link): void {
    this.#link = link;
    this.resync();
  }

  /** Compares with what the server still sends of ours: ends here what was ended there, and there what is not known here. */
  reconcile(kept: readonly string[]): void {
    const slots = [...this.#slots.values()];
    for (const { producer } of slots) if (producer && !kept.includes(producer.id)) this.closedByServer(producer.id);
    for (const id of kept) if (!slots.some((slot) => slot.producer?.id === id)) void this.#closeOnServer(id);
  }

  /** Sends what waits, and says again what is muted. */
  resync(): void {
    for (const slot of this.#slots.values()) {
      if (slot.producer) void this.#tellPause(slot).catch(() => undefined);
      else void this.#produce(slot);
    }
  }

  /** The link is gone; what was being sent waits for the next. `tellServer`: it may still send on what nobody feeds any more. */
  detach(tellServer: boolean): void {
    this.#link = null;
    for (const slot of this.#slots.values()) {
      if (tellServer && slot.producer) this.#signaling.tell("producerClosed", { producer_id: slot.producer.id });
      slot.producer?.close();
      slot.producer = null;
      this.#tell(slot);
    }
  }

  /** Stops every track. */
  close(): void {
    for (const slot of [...this.#slots.values()]) this.#drop(slot, clientError("closed"));
    this.#link = null;
  }

  /** The server closed one of ours. */
  closedByServer(producerId: string): Source | null {
    const slot = [...this.#slots.values()].find((one) => one.producer?.id === producerId);
    if (!slot) return null;
    this.#drop(slot, clientError("unpublished"));
    return slot.source;
  }

  /** Produces one slot on the present link; passing errors are tried again, others end the slot. */
  async #produce(slot: Slot): Promise<void> {
    const link = this.#link;
    if (!link || slot.producer || slot.producing || !this.#signaling.connected) return;
    slot.producing = true;
    const error = await this.#tryProduce(slot, link);
    slot.producing = false;
    // A link that came while the old one was still being tried has been passed over: take it now.
    if (this.#link !== link) return this.#produce(slot);
    if (!error || link.closed || !this.#wanted(slot) || error.code === "disconnected") return;
    if (isPassing(error)) return link.fail(error);
    this.#drop(slot, error);
  }

  async #tryProduce(slot: Slot, link: Link): Promise<RostrumError | null> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const producer = await produceOn(link, slot, this.#simulcast);
        this.#adopt(slot, link, producer);
        return null;
      } catch (thrown) {
        const error = link.judge(thrown);
        const hopeless = !isPassing(error) || link.doubtful || attempt >= mostTries;
        if (hopeless || link.closed || !this.#wanted(slot)) return error;
        await pause(backoff(attempt), link.signal);
      }
    }
  }

  #adopt(slot: Slot, link: Link, producer: types.Producer): void {
    if (link.closed || !this.#wanted(slot)) {
      producer.close();
      if (!link.closed) void this.#closeOnServer(producer.id);
      return;
    }
    slot.producer = producer;
    // The track may have been replaced or muted while the server answered.
    if (producer.track !== slot.track) void producer.replaceTrack({ track: slot.track });
    this.#applyPause(slot);
    if (slot.paused) void this.#tellPause(slot).catch(() => undefined);
    this.#tell(slot);
    this.#hooks.produced(slot.source, producer.id);
    slot.sent.resolve();
  }

  #wanted(slot: Slot): boolean {
    return this.#slots.get(slot.source) === slot;
  }

  #drop(slot: Slot, error: RostrumError): void {
    this.#slots.delete(slot.source);
    slot.unwatch();
    slot.producer?.close();
    slot.producer = null;
    slot.track.stop();
    slot.sent.reject(error);
    this.#hooks.changed(slot.source, null);
  }

  #applyPause(slot: Slot): void {
    slot.track.enabled = !slot.paused;
    if (slot.paused) slot.producer?.pause();
    else slot.producer?.resume();
  }

  async #tellPause(slot: Slot): Promise<void> {
    // Without the socket the track itself is muted; resync() tells the server.
    if (!slot.producer || !this.#signaling.connected) return;
    const body = { producer_id: slot.producer.id };
    try {
      await this.#signaling.request(slot.paused ? "videoPaused" : "videoResumed", body);
    } catch (thrown) {
      const error = this.#link?.judge(thrown) ?? asRostrumError(thrown);
      if (!isPassing(error)) throw error;
    }
  }

  async #closeOnServer(producerId: string): Promise<void> {
    await this.#signaling.request("producerClosed", { producer_id: producerId }).catch((thrown: unknown) => this.#link?.judge(thrown));
  }

  #watch(source: Source, track: MediaStreamTrack): () => void {
    const ended = (): void => this.#hooks.ended(source);
    track.addEventListener("ended", ended);
    return () => track.removeEventListener("ended", ended);
  }

  #tell(slot: Slot): void {
    const { source, track, paused, producer } = slot;
    this.#hooks.changed(source, { source, track, paused, producerId: producer?.id ?? null });
  }
}

async function produceOn(link: Link, slot: Slot, simulcast: boolean): Promise<types.Producer> {
  const { source, track } = slot;
  const transport = await link.transport("send");
  const encodings = encodingsFor(source, track.getSettings(), simulcast);
  return transport.produce({
    track,
    ...(encodings ? { encodings } : {}),
    codecOptions: codecOptionsFor(source),
    stopTracks: false,
    // The stream id pairs a camera with its microphone, and a screen with its sound.
    streamId: source.startsWith("screen") ? "screen" : "camera",
    appData: { type: source, paused: slot.paused },
  });
}
