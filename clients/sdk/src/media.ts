import { asRostrumError, clientError, type RostrumError } from "./errors";
import type { JoinAck, JoinMedia, JoinedMedia } from "./events";
import { Link, type LinkOptions } from "./link";
import { Publisher, type PublisherHooks } from "./publisher";
import { Receiver, type ReceiverHooks } from "./receiver";
import type { Signaling } from "./signaling";
import { backoff, pause } from "./timing";
import type { MediaState } from "./types";

export interface MediaHooks extends PublisherHooks {
  received: ReceiverHooks;
  state(state: MediaState): void;
  error(error: RostrumError): void;
}

export interface MediaOptions extends LinkOptions {
  simulcast: boolean;
}

/** So many rebuilds in a row may fail before the page is told; they go on after it. */
const quietFailures = 4;

/** The media of a room: what is sent and what is received, kept alive across links. */
export class Media {
  readonly publisher: Publisher;
  readonly receiver: Receiver;
  readonly #signaling: Signaling;
  readonly #options: MediaOptions;
  readonly #hooks: MediaHooks;
  #link: Link | null = null;
  #attached = false;
  #prepared = false;
  #brought: JoinedMedia | null = null;
  #building = new AbortController();
  #lost = false;
  #failures = 0;
  #closed = false;

  constructor(signaling: Signaling, options: MediaOptions, hooks: MediaHooks) {
    this.#signaling = signaling;
    this.#options = { ...options };
    this.#hooks = hooks;
    this.publisher = new Publisher(signaling, options.simulcast, hooks);
    this.receiver = new Receiver(signaling, hooks.received);
  }

  /** Whether what is here can be used again by a peer that the server still knows. */
  get reusable(): boolean {
    return this.#attached && this.#link !== null && !this.#link.closed && !this.#link.doubtful;
  }

  useIceServers(iceServers: RTCIceServer[] | undefined): void {
    this.#options.iceServers ??= iceServers;
  }

  /** Begins anew: what the join shall bring along, so that it costs no round trips of its own. */
  async invite(): Promise<JoinMedia> {
    this.#lost ||= this.#link !== null;
    this.#discard(false);
    this.#link = this.#newLink();
    this.#prepared = true;
    return this.#link.wish(this.publisher.sources.length > 0);
  }

  /** Hears what the join has brought. An older server brings nothing, a busy one an error: then everything is asked for. */
  bring(media: JoinAck["media"]): void {
    this.#brought = media && "tag" in media && media.recvTransport && this.#prepared ? media : null;
  }

  /** Goes on with the present link after a reconnection that found the peer again, if the server has kept it as well. */
  async resume({ myTransports, myProducers }: Pick<JoinAck, "myTransports" | "myProducers">): Promise<void> {
    const lost = this.#link?.transportIds.some((id) => myTransports && !myTransports.includes(id)) ?? true;
    if (lost) return this.rebuild(true);
    this.#link?.mend();
    if (myProducers) this.publisher.reconcile(myProducers.map((one) => one.producer_id));
    this.publisher.resync();
    await this.receiver.sync();
  }

  /**
   * Closes what there is and builds it anew, again and again until it stands, the socket goes or another rebuild begins.
   * `tellServer`: the server may still hold the old transports.
   */
  async rebuild(tellServer: boolean): Promise<void> {
    if (this.#closed) return;
    this.#building.abort();
    const { signal } = (this.#building = new AbortController());
    // What prepare() has begun is taken up once; anything else is given up.
    if (!this.#prepared || this.#link?.closed) {
      this.#lost ||= this.#link !== null;
      this.#discard(tellServer);
    }
    this.#prepared = false;
    const calledOff = (): boolean => signal.aborted;
    for (let attempt = 0; !calledOff() && this.#signaling.connected; attempt += 1) {
      try {
        await this.#build(signal);
        return;
      } catch (thrown) {
        if (this.#building.signal !== signal) return;
        // Half of a link is of no use to a resumed peer either.
        this.#discard(true);
        if (calledOff()) return;
        const error = asRostrumError(thrown, "media_failed");
        if (error.code === "unsupported") return this.#giveUp(error);
        this.#failed(error);
        await pause(backoff(attempt, 100, 1000), signal);
      }
    }
  }

  /** The socket is gone: what waits for it is called off, what still flows goes on. */
  offline(): void {
    this.#building.abort();
  }

  close(): void {
    this.#closed = true;
    this.#building.abort();
    this.publisher.close();
    this.receiver.close();
    this.#link?.close(false);
    this.#link = null;
  }

  async #build(signal: AbortSignal): Promise<void> {
    const link = (this.#link ??= this.#newLink());
    this.#tellState();
    const mustBeWanted = (): void => {
      if (signal.aborted || link.closed) throw clientError("transport_closed");
    };
    const synced = this.#takeUp(link);
    synced.catch(() => undefined);
    await link.transport("recv");
    mustBeWanted();
    this.publisher.attach(link);
    this.receiver.attach(link);
    await synced;
    mustBeWanted();
    this.#attached = true;
    // With nothing to send or receive no transport will ever connect, and nothing is being recovered.
    if (this.receiver.idle && this.publisher.sources.length === 0) this.#lost = false;
    this.#tellState();
  }

  /** What the join has brought counts once, for the link that it was asked for. */
  async #takeUp(link: Link): Promise<void> {
    const brought = this.#brought;
    this.#brought = null;
    if (!brought) return this.receiver.sync();
    link.adopt(brought);
    this.receiver.take(brought);
  }

  #newLink(): Link {
    const link: Link = new Link(this.#signaling, this.#options, {
      state: () => this.#link === link && this.#tellState(),
      broken: (error) => {
        if (this.#link !== link) return;
        this.#failed(error);
        void this.rebuild(true);
      },
    });
    return link;
  }

  #discard(tellServer: boolean): void {
    this.#link?.close(tellServer);
    this.#link = null;
    this.#attached = this.#prepared = false;
    this.#brought = null;
    this.publisher.detach(tellServer);
    this.receiver.detach();
    this.#tellState();
  }

  #giveUp(error: RostrumError): void {
    this.#failures = quietFailures;
    this.#hooks.error(error);
    this.#tellState();
  }

  #failed(error: RostrumError): void {
    this.#failures += 1;
    if (this.#failures === quietFailures) this.#hooks.error(error);
    this.#tellState();
  }

  #tellState(): void {
    const state = this.#state();
    if (state === "connected") this.#failures = 0;
    if (state === "connected" || state === "none") this.#lost = false;
    this.#hooks.state(state);
  }

  #state(): MediaState {
    const states = this.#link?.states ?? [];
    if (states.length > 0 && states.every((state) => state === "connected")) return "connected";
    if (this.#failures >= quietFailures) return "failed";
    if (this.#lost || states.some((state) => state === "disconnected" || state === "failed")) return "recovering";
    return states.length > 0 ? "connecting" : "none";
  }
}

