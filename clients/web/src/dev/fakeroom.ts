import type { ReactionKind, RoomEvents, RoomState } from "@rostrum/sdk";
import type { RoomLike } from "../session/roomlike";
import { peer, roomState } from "./sample";

type Listener = (state: RoomState) => void;

/** A room without a server, for tests and for the story page. Never part of the built client. */
export class FakeRoom implements RoomLike {
  state: RoomState;
  /** What was asked of it, in order. */
  readonly calls: unknown[][] = [];
  readonly #listeners = new Set<Listener>();
  readonly #handlers = new Map<string, Set<(body: never) => void>>();
  /** Verbs that shall fail, and with what. */
  readonly failures = new Map<string, Error>();

  constructor(state: Partial<RoomState> = {}) {
    this.state = roomState(state);
  }

  set(change: Partial<RoomState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.#listeners) listener(this.state);
  }

  emit<E extends keyof RoomEvents>(event: E, body: RoomEvents[E]): void {
    for (const handler of this.#handlers.get(event) ?? []) handler(body as never);
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    listener(this.state);
    return () => this.#listeners.delete(listener);
  }

  on<E extends keyof RoomEvents>(event: E, handler: (body: RoomEvents[E]) => void): () => void {
    const handlers = this.#handlers.get(event) ?? new Set();
    this.#handlers.set(event, handlers.add(handler as (body: never) => void));
    return () => handlers.delete(handler as (body: never) => void);
  }

  /** How many still listen: a page that has gone must leave none. */
  get listening(): number {
    return this.#listeners.size + [...this.#handlers.values()].reduce((sum, set) => sum + set.size, 0);
  }

  join = (): Promise<void> => this.#did("join");
  leave = (): Promise<void> => this.#did("leave", [], { connection: "closed", closedReason: "left" });
  end = (): Promise<void> => this.#did("end", [], { connection: "closed", closedReason: "ended" });
  enableCamera = (...args: unknown[]): Promise<void> => this.#did("enableCamera", args, this.#local("camera"));
  disableCamera = (): Promise<void> => this.#did("disableCamera", [], { local: { ...this.state.local, camera: null } });
  enableMic = (...args: unknown[]): Promise<void> => this.#did("enableMic", args, this.#local("mic"));
  disableMic = (): Promise<void> => this.#did("disableMic", [], { local: { ...this.state.local, mic: null } });
  setMicPaused = (paused: boolean): Promise<void> => this.#did("setMicPaused", [paused], this.#local("mic", paused));
  setCameraPaused = (paused: boolean): Promise<void> => this.#did("setCameraPaused", [paused], this.#local("camera", paused));
  startScreen = (...args: unknown[]): Promise<void> => this.#did("startScreen", args, this.#local("screen"));
  stopScreen = (): Promise<void> => this.#did("stopScreen", [], { local: { ...this.state.local, screen: null } });
  switchCamera = (id: string): Promise<void> => this.#did("switchCamera", [id]);
  switchMic = (id: string): Promise<void> => this.#did("switchMic", [id]);
  requestCohost = (): Promise<void> => this.#did("requestCohost", [], { myCohostRequest: "pending" });
  removeCohost = (id: string): Promise<void> => this.#did("removeCohost", [id]);
  mutePeer = (id: string): Promise<void> => this.#did("mutePeer", [id]);
  removePeer = (id: string): Promise<void> => this.#did("removePeer", [id], { peers: new Map([...this.state.peers].filter(([key]) => key !== id)) });
  respondCohost = (id: string, accepted: boolean): Promise<void> =>
    this.#did("respondCohost", [id, accepted], { cohostRequests: this.state.cohostRequests.filter((one) => one.requestId !== id) });
  lock = (locked: boolean): Promise<void> => this.#did("lock", [locked], { room: this.state.room && { ...this.state.room, locked } });
  sendMessage = (message: string): Promise<void> => {
    const self = this.state.self ?? peer("me");
    const sent = { id: `m${this.state.chat.length}`, peerId: self.id, name: self.name, message, timestamp: Date.now(), own: true, state: "sent" } as const;
    return this.#did("sendMessage", [message], { chat: [...this.state.chat, sent] });
  };
  react = (kind: ReactionKind): Promise<void> => this.#did("react", [kind]);

  /** Tracks that its devices give; the story page puts moving pictures here. */
  track: (source: "camera" | "mic" | "screen") => MediaStreamTrack = (source) => ({ id: source }) as MediaStreamTrack;

  #local(source: "camera" | "mic" | "screen", paused = false): Partial<RoomState> {
    const track = this.state.local[source]?.track ?? this.track(source);
    return { local: { ...this.state.local, [source]: { source, track, producerId: `own-${source}`, paused } } };
  }

  async #did(verb: string, args: unknown[] = [], change: Partial<RoomState> = {}): Promise<void> {
    this.calls.push([verb, ...args]);
    await Promise.resolve();
    const failure = this.failures.get(verb);
    if (failure) throw failure;
    this.set(change);
  }
}
