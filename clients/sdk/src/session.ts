import { type RostrumError, asRostrumError, clientError, isPassing } from "./errors";
import type { JoinAck, JoinMedia } from "./events";
import { storageOf } from "./routers";
import type { Signaling } from "./signaling";
import { type Deferred, backoff, deferred, pause } from "./timing";
import type { RoomOptions } from "./types";

export interface SessionHooks {
  /** Whether the page's media can be used on if the server still knows the peer. */
  reusable(): boolean;
  /** A join without media of before is about to be sent: what it asks for along with it. */
  inviting(): Promise<JoinMedia>;
  joined(ack: JoinAck): void;
  offline(): void;
  /** The server will not have us, or not any more. */
  refused(error: RostrumError): void;
}

/** Milliseconds within which the first connection has to come about. */
const firstConnection = 20_000;
/** Milliseconds after which a stay in the room counts as settled. */
const settled = 10_000;

/** Being in the room: joins, and joins again after every loss of the socket. */
export class Session {
  readonly #signaling: Signaling;
  readonly #options: RoomOptions;
  readonly #hooks: SessionHooks;
  readonly #first: Deferred<void> = deferred();
  readonly #owned: (() => void)[] = [];
  #round = 0;
  #entered = 0;
  #hangups = 0;
  #stopped = false;

  constructor(signaling: Signaling, options: RoomOptions, hooks: SessionHooks) {
    this.#signaling = signaling;
    this.#options = options;
    this.#hooks = hooks;
  }

  /** Resolves when the room has been joined for the first time. */
  start(): Promise<void> {
    const late = setTimeout(() => this.#refuse(clientError("network")), firstConnection);
    this.#owned.push(
      () => clearTimeout(late),
      this.#signaling.onConnection("up", () => {
        clearTimeout(late);
        void this.#enter();
      }),
      this.#signaling.onConnection("down", ({ byServer }) => this.#down(byServer)),
      this.#signaling.onConnection("refused", (error) => this.#refuse(error)),
    );
    this.#signaling.connect();
    return this.#first.promise;
  }

  /** Ends it; with `forget` the peer cannot be taken over again. */
  stop(reason: RostrumError, forget: boolean): void {
    this.#stopped = true;
    this.#round += 1;
    for (const end of this.#owned.splice(0)) end();
    if (forget) this.forget();
    this.#first.reject(reason);
  }

  forget(): void {
    this.#remember(undefined);
  }

  #down(byServer: boolean): void {
    this.#round += 1;
    this.#hooks.offline();
    // The library does not reconnect by itself when the server hung up. One that keeps doing so is asked less and less often.
    this.#hangups = byServer && Date.now() - this.#entered < settled ? this.#hangups + 1 : 0;
    if (byServer && !this.#stopped) this.#signaling.connectLater(backoff(this.#hangups, 300, 5000));
  }

  async #enter(): Promise<void> {
    const round = ++this.#round;
    for (let attempt = 0; round === this.#round; attempt += 1) {
      try {
        const ack = await this.#join();
        if (round !== this.#round) return;
        if (ack.resume !== undefined) this.#remember(ack.resume);
        this.#entered = Date.now();
        this.#signaling.entered();
        this.#hooks.joined(ack);
        return this.#first.resolve();
      } catch (thrown) {
        if (round !== this.#round) return;
        const error = asRostrumError(thrown);
        if (!isPassing(error)) return this.#refuse(error);
        await pause(backoff(attempt));
      }
    }
  }

  async #join(): Promise<JoinAck> {
    const { roomId, name, create } = this.#options;
    if (create) await this.#signaling.request("createRoom", { room_id: roomId });
    const fresh = !this.#hooks.reusable();
    const media = fresh ? await this.#hooks.inviting() : undefined;
    const resume = this.#remembered();
    const body = { room_id: roomId, name, ...(resume ? { resume } : {}), ...(fresh ? { fresh } : {}), ...(media ? { media } : {}) };
    return this.#signaling.request("join", body);
  }

  #refuse(error: RostrumError): void {
    if (this.#stopped) return;
    this.stop(error, true);
    this.#hooks.refused(error);
  }

  get #key(): string {
    return `rostrum.resume.${this.#options.roomId}`;
  }

  #memory: string | undefined;

  #remembered(): string | undefined {
    if (this.#memory !== undefined) return this.#memory;
    // A browser may forbid storage altogether; then only this page's own memory serves.
    try {
      return storageOf(this.#options)?.getItem(this.#key) ?? undefined;
    } catch {
      return undefined;
    }
  }

  #remember(secret: string | undefined): void {
    this.#memory = secret;
    try {
      if (secret === undefined) storageOf(this.#options)?.removeItem(this.#key);
      else storageOf(this.#options)?.setItem(this.#key, secret);
    } catch {
      // As above.
    }
  }
}
