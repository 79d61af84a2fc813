import type { types } from "mediasoup-client";
import { type RostrumError, clientError } from "./errors";

/** Milliseconds that a lost path has to come back by itself, and that a restart of ICE has to succeed. */
const patience = { disconnected: 1500, restart: 4000 } as const;
const mostRestarts = 3;

/** Watches one transport's path and restarts its ICE when it is down, a few times, then gives it up. */
export class Healer {
  readonly #state: () => types.ConnectionState;
  readonly #restart: () => Promise<void>;
  readonly #giveUp: (error: RostrumError) => void;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #restarts = 0;
  #stopped = false;

  constructor(state: () => types.ConnectionState, restart: () => Promise<void>, giveUp: (error: RostrumError) => void) {
    this.#state = state;
    this.#restart = restart;
    this.#giveUp = giveUp;
  }

  /** Looks at the path now; to be called whenever its state changes. */
  check(): void {
    if (this.#stopped) return;
    const state = this.#state();
    if (state === "connected") {
      this.#restarts = 0;
      this.#wait(null);
    } else if (state === "failed") {
      this.#heal();
    } else if (state === "disconnected" && this.#timer === null) {
      this.#wait(patience.disconnected);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#wait(null);
  }

  #heal(): void {
    if (this.#stopped || this.#state() === "connected" || this.#state() === "new") return;
    if (this.#restarts >= mostRestarts) return this.#giveUp(clientError("transport_closed"));
    this.#restarts += 1;
    this.#wait(patience.restart);
    void this.#restart();
  }

  #wait(ms: number | null): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = ms === null ? null : setTimeout(() => this.#expire(), ms);
  }

  #expire(): void {
    this.#timer = null;
    this.#heal();
  }
}
