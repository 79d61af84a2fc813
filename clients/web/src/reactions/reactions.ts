import { reactionKinds, type ReactionCounts, type ReactionKind } from "@rostrum/sdk";
import type { RoomLike } from "../session/roomlike";
import { Floats } from "./floats";
import { Spoken } from "./spoken";

/** The reactions of a visit: one's own are shown at once, the others' as the room's sums tell them. */
export class Reactions {
  readonly floats = new Floats();
  readonly spoken = new Spoken();
  readonly #room: RoomLike;
  /** Own ones that are shown already, and that a sum of the room has yet to bring. */
  readonly #awaited = new Map<ReactionKind, number>();
  readonly #ends: (() => void)[];

  constructor(room: RoomLike) {
    this.#room = room;
    this.#ends = [
      room.on("reactions", (counts) => this.#hear(counts)),
      // The sums of the time without a connection never come.
      room.on("joined", () => this.#awaited.clear()),
    ];
  }

  /** Raises what the room raises; what was shown in advance is taken back then. */
  async react(kind: ReactionKind): Promise<void> {
    const shown = this.floats.addOwn(kind);
    this.#await(kind, 1);
    try {
      await this.#room.react(kind);
      this.spoken.own(kind);
    } catch (thrown) {
      this.floats.takeBack(shown);
      this.#await(kind, -1);
      throw thrown;
    }
  }

  close(): void {
    for (const end of this.#ends.splice(0)) end();
    this.floats.close();
    this.spoken.close();
  }

  #hear(counts: ReactionCounts): void {
    // A server may know kinds that this page does not: those are not shown.
    for (const kind of reactionKinds) {
      const others = this.#withoutOwn(kind, counts[kind] ?? 0);
      if (others <= 0) continue;
      this.floats.add(kind, others);
      this.spoken.hear(kind, others);
    }
  }

  /** Whichever sum brings one's own, all sums together are less by it: nothing is shown twice. */
  #withoutOwn(kind: ReactionKind, count: number): number {
    const own = Math.min(count, this.#awaited.get(kind) ?? 0);
    this.#await(kind, -own);
    return count - own;
  }

  #await(kind: ReactionKind, change: number): void {
    this.#awaited.set(kind, Math.max(0, (this.#awaited.get(kind) ?? 0) + change));
  }
}
