import type { ReactionCounts } from "@rostrum/sdk";
import { get } from "svelte/store";
import { expect, it } from "vitest";
import { FakeRoom } from "../dev/fakeroom";
import { peer } from "../dev/sample";
import { Reactions } from "./reactions";

function shown(reactions: Reactions): unknown[] {
  return get(reactions.floats).map(({ kind, count, own }) => [kind, count, own ? "own" : "others"]);
}

it("shows one's own at once, and not again when a sum brings it", async () => {
  const room = new FakeRoom();
  const reactions = new Reactions(room);
  const sent = reactions.react("clap");
  expect(shown(reactions)).toEqual([["clap", 1, "own"]]);
  await sent;
  room.emit("reactions", { clap: 1 });
  expect(shown(reactions)).toEqual([["clap", 1, "own"]]);
  room.emit("reactions", { clap: 1 });
  expect(shown(reactions)).toEqual([["clap", 1, "own"], ["clap", 1, "others"]]);
  reactions.close();
});

it("tells the others' from one's own in a sum of both", async () => {
  const room = new FakeRoom();
  const reactions = new Reactions(room);
  await Promise.all([reactions.react("heart"), reactions.react("heart")]);
  room.emit("reactions", { heart: 500, like: 3 });
  expect(shown(reactions)).toEqual([["heart", 2, "own"], ["like", 3, "others"], ["heart", 498, "others"]]);
  reactions.close();
});

it("takes back what the server refuses, and awaits it no more", async () => {
  const room = new FakeRoom();
  const reactions = new Reactions(room);
  room.failures.set("react", new Error("too many"));
  await expect(reactions.react("wow")).rejects.toThrow("too many");
  expect(shown(reactions)).toEqual([]);
  room.emit("reactions", { wow: 1 });
  expect(shown(reactions)).toEqual([["wow", 1, "others"]]);
  reactions.close();
});

it("awaits nothing from before a reconnection", async () => {
  const room = new FakeRoom();
  const reactions = new Reactions(room);
  await reactions.react("clap");
  room.emit("joined", { self: peer("me"), resumed: true });
  room.emit("reactions", { clap: 2 });
  expect(shown(reactions)).toEqual([["clap", 1, "own"], ["clap", 2, "others"]]);
  reactions.close();
});

it("shows no kind that it does not know", () => {
  const room = new FakeRoom();
  const reactions = new Reactions(room);
  room.emit("reactions", { confetti: 9, laugh: 0 } as ReactionCounts);
  expect(shown(reactions)).toEqual([]);
});

it("leaves nobody listening", () => {
  const room = new FakeRoom();
  new Reactions(room).close();
  expect(room.listening).toBe(0);
});
