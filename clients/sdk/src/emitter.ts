/** A typed event emitter whose every subscription is ended by the function it gives back. */
export class Emitter<Events> {
  readonly #listeners = new Map<keyof Events, Set<(body: never) => void>>();

  on<E extends keyof Events>(event: E, listener: (body: Events[E]) => void): () => void {
    const own = (body: Events[E]): void => listener(body);
    const listeners = this.#listeners.get(event) ?? new Set();
    listeners.add(own);
    this.#listeners.set(event, listeners);
    return () => void listeners.delete(own);
  }

  emit<E extends keyof Events>(event: E, body: Events[E]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      // One listener's mistake must not keep the others from hearing, nor stop the room.
      try {
        (listener as (body: Events[E]) => void)(body);
      } catch (thrown) {
        console.error("A listener failed:", thrown);
      }
    }
  }

  clear(): void {
    this.#listeners.clear();
  }
}
