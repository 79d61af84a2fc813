import type { ReactionKind } from "@rostrum/sdk";
import { writable, type Readable } from "svelte/store";

/** One picture that rises over the stage, for however many reactions of its kind. */
export interface Float {
  id: number;
  kind: ReactionKind;
  count: number;
  own: boolean;
  /** Where in the column it rises, 0 (left) to 1 (right). */
  lane: number;
}

/** How long one is shown; the animation in FloatingReactions.svelte is as long. */
export const SHOWN_MS = 3400;
/** However loud the room is, the page holds no more than these. */
export const MOST = 14;
/** Own clicks of a kind within this time are one picture that counts. */
const TOGETHER_MS = 600;

/** The pictures over the stage: they go by themselves, and the oldest make way for new ones. */
export class Floats {
  readonly #store = writable<readonly Float[]>([]);
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();
  readonly #now: () => number;
  #list: readonly Float[] = [];
  #next = 1;
  #growing: { id: number; kind: ReactionKind; until: number } | null = null;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  get subscribe(): Readable<readonly Float[]>["subscribe"] {
    return this.#store.subscribe;
  }

  /** What the others sent: one picture, however many they are. */
  add(kind: ReactionKind, count: number): void {
    this.#show(kind, count, false);
  }

  /** One's own; answers the picture it is part of. */
  addOwn(kind: ReactionKind): number {
    const growing = this.#growing;
    if (growing?.kind === kind && this.#now() < growing.until && this.#count(growing.id, 1)) return growing.id;
    const id = this.#show(kind, 1, true);
    this.#growing = { id, kind, until: this.#now() + TOGETHER_MS };
    return id;
  }

  /** Takes one reaction out of a picture, and the picture away with its last one. */
  takeBack(id: number): void {
    this.#count(id, -1);
  }

  close(): void {
    for (const { id } of this.#list) this.#remove(id);
  }

  #show(kind: ReactionKind, count: number, own: boolean): number {
    for (const old of this.#list.slice(0, Math.max(0, this.#list.length + 1 - MOST))) this.#remove(old.id);
    const id = this.#next++;
    this.#timers.set(id, setTimeout(() => this.#remove(id), SHOWN_MS));
    this.#set([...this.#list, { id, kind, count, own, lane: laneOf(id) }]);
    return id;
  }

  #count(id: number, change: number): boolean {
    const found = this.#list.find((float) => float.id === id);
    if (!found) return false;
    if (found.count + change <= 0) this.#remove(id);
    else this.#set(this.#list.map((float) => (float === found ? { ...float, count: float.count + change } : float)));
    return true;
  }

  #remove(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.#set(this.#list.filter((float) => float.id !== id));
  }

  #set(list: readonly Float[]): void {
    this.#list = list;
    this.#store.set(list);
  }
}

/** Neighbours in time are far apart in place: steps of the golden ratio never come near one another soon. */
export function laneOf(id: number): number {
  return (id * 0.618_034) % 1;
}

/** How large a picture is drawn: many are larger than one, but never the whole stage. */
export function sizeOf(count: number): "one" | "some" | "many" {
  if (count < 10) return "one";
  return count < 100 ? "some" : "many";
}
