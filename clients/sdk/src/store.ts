import { type Action, initialState, reduce } from "./state";
import type { RoomState } from "./types";

/** Holds the present picture and tells everybody who subscribed about the next. */
export class Store {
  #state: RoomState = initialState;
  readonly #listeners = new Set<(state: RoomState) => void>();

  get state(): RoomState {
    return this.#state;
  }

  dispatch(action: Action): void {
    const next = reduce(this.#state, action);
    if (next === this.#state) return;
    this.#state = next;
    for (const listener of [...this.#listeners]) {
      // One listener's mistake must not stop the room.
      try {
        listener(next);
      } catch (thrown) {
        console.error("A subscriber failed:", thrown);
      }
    }
  }

  /** Calls the listener at once with the present picture, then with each next one. */
  subscribe(listener: (state: RoomState) => void): () => void {
    const own = (state: RoomState): void => listener(state);
    this.#listeners.add(own);
    own(this.#state);
    return () => void this.#listeners.delete(own);
  }
}
