import type { ReactionKind } from "@rostrum/sdk";
import { writable, type Readable } from "svelte/store";
import { formatCount } from "../stage/elapsed";
import { labels } from "./kinds";

/** A screen reader is not to talk of applause all the time. */
const PAUSE_MS = 10_000;

/** What a screen reader says of reactions: one's own at once, the others' as sums with pauses between. */
export class Spoken {
  readonly #store = writable("");
  readonly #heard = new Map<ReactionKind, number>();
  #pause: ReturnType<typeof setTimeout> | undefined;

  get subscribe(): Readable<string>["subscribe"] {
    return this.#store.subscribe;
  }

  own(kind: ReactionKind): void {
    this.#store.set(`You reacted: ${labels[kind]}.`);
  }

  hear(kind: ReactionKind, count: number): void {
    this.#heard.set(kind, (this.#heard.get(kind) ?? 0) + count);
    // What comes together is said together.
    this.#pause ??= setTimeout(() => this.#speak(), 0);
  }

  close(): void {
    clearTimeout(this.#pause);
    this.#pause = undefined;
  }

  #speak(): void {
    const sentence = reactionSentence(this.#heard);
    this.#store.set(sentence);
    this.#heard.clear();
    // Emptied after a quiet pause, so that the same sentence is news again.
    this.#pause = sentence === "" ? undefined : setTimeout(() => this.#speak(), PAUSE_MS);
  }
}

/** For example `Reactions: Applause 12, Heart 1.`; nothing for none. */
export function reactionSentence(counts: ReadonlyMap<ReactionKind, number>): string {
  const parts = [...counts].map(([kind, count]) => `${labels[kind]} ${formatCount(count)}`);
  return parts.length > 0 ? `Reactions: ${parts.join(", ")}.` : "";
}
