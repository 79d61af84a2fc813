import { asMillis } from "./chat";
import { type RostrumError, asRostrumError, clientError, isPassing } from "./errors";
import { randomId } from "./ids";
import type { Signaling } from "./signaling";
import type { Store } from "./store";
import { type Deferred, Serial, backoff, deferred, pause } from "./timing";

interface Letter {
  readonly clientId: string;
  readonly text: string;
  readonly sent: Deferred<void>;
}

const mostTries = 8;

/** One's own chat messages on their way: shown at once, sent in order, sent again after a reconnection. */
export class Outbox {
  readonly #signaling: Signaling;
  readonly #store: Store;
  readonly #roomId: string;
  readonly #letters = new Map<string, Letter>();
  readonly #serial = new Serial();

  constructor(signaling: Signaling, store: Store, roomId: string) {
    this.#signaling = signaling;
    this.#store = store;
    this.#roomId = roomId;
  }

  /** Resolves when the server has it, after however many reconnections; raises RostrumError when it refused it. */
  send(text: string): Promise<void> {
    const letter: Letter = { clientId: randomId(), text, sent: deferred() };
    const { self } = this.#store.state;
    this.#letters.set(letter.clientId, letter);
    const shown = { id: letter.clientId, peerId: self?.id, name: self?.name ?? "", message: text, timestamp: Date.now() };
    this.#store.dispatch({ type: "chatSending", message: { ...shown, own: true, state: "sending" } });
    void this.#serial.run(() => this.#post(letter));
    return letter.sent.promise;
  }

  /** Sends what is still here; the client's id makes a repetition harmless. */
  flush(): void {
    for (const letter of this.#letters.values()) void this.#serial.run(() => this.#post(letter));
  }

  close(): void {
    for (const letter of [...this.#letters.values()]) this.#fail(letter, clientError("closed"));
  }

  async #post(letter: Letter): Promise<void> {
    const { clientId, text: message } = letter;
    for (let attempt = 0; this.#letters.has(clientId) && this.#signaling.connected; attempt += 1) {
      try {
        const name = this.#store.state.self?.name ?? "";
        const ack = await this.#signaling.request("sendMessage", { room_id: this.#roomId, name, message, clientId });
        this.#letters.delete(clientId);
        const change = { id: ack.id, timestamp: asMillis(ack.timestamp), state: "sent" as const };
        this.#store.dispatch({ type: "chatSettled", clientId, change });
        return letter.sent.resolve();
      } catch (thrown) {
        const error = asRostrumError(thrown);
        if (error.code === "disconnected") return;
        if (!isPassing(error) || attempt >= mostTries) return this.#fail(letter, error);
        await pause(backoff(attempt, 250));
      }
    }
  }

  #fail(letter: Letter, error: RostrumError): void {
    this.#letters.delete(letter.clientId);
    this.#store.dispatch({ type: "chatSettled", clientId: letter.clientId, change: { state: "failed" } });
    letter.sent.reject(error);
  }
}
