import { get } from "svelte/store";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { reactionSentence, Spoken } from "./spoken";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("says together what comes together, and then pauses", () => {
  const spoken = new Spoken();
  spoken.hear("clap", 12);
  spoken.hear("heart", 1);
  vi.advanceTimersByTime(0);
  expect(get(spoken)).toBe("Reactions: Applause 12, Heart 1.");
  for (let second = 0; second < 9; second++) {
    spoken.hear("clap", 100);
    vi.advanceTimersByTime(1000);
  }
  expect(get(spoken)).toBe("Reactions: Applause 12, Heart 1.");
  vi.advanceTimersByTime(1000);
  expect(get(spoken)).toBe("Reactions: Applause 900.");
});

it("falls silent, so that the same sentence can be news again", () => {
  const spoken = new Spoken();
  spoken.hear("wow", 1);
  vi.advanceTimersByTime(10_000);
  expect(get(spoken)).toBe("");
  spoken.hear("wow", 1);
  vi.advanceTimersByTime(0);
  expect(get(spoken)).toBe("Reactions: Surprised 1.");
  spoken.close();
  expect(vi.getTimerCount()).toBe(0);
});

it("confirms one's own at once", () => {
  const spoken = new Spoken();
  spoken.own("celebrate");
  expect(get(spoken)).toBe("You reacted: Celebrate.");
});

it("has nothing to say of nothing", () => expect(reactionSentence(new Map())).toBe(""));
