import { get } from "svelte/store";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Floats, laneOf, MOST, SHOWN_MS, sizeOf } from "./floats";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("shows a burst as one picture with its count, which goes by itself", () => {
  const floats = new Floats();
  floats.add("clap", 500);
  expect(get(floats)).toMatchObject([{ kind: "clap", count: 500, own: false }]);
  vi.advanceTimersByTime(SHOWN_MS);
  expect(get(floats)).toEqual([]);
});

it("holds no more than the page bears, the newest ones", () => {
  const floats = new Floats();
  for (let count = 1; count <= 500; count++) floats.add("heart", count);
  expect(get(floats)).toHaveLength(MOST);
  expect(get(floats).at(-1)?.count).toBe(500);
  floats.close();
  expect(get(floats)).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

it("counts own clicks of a kind that come together in one picture", () => {
  const floats = new Floats();
  const first = floats.addOwn("clap");
  expect(floats.addOwn("clap")).toBe(first);
  expect(floats.addOwn("heart")).not.toBe(first);
  vi.advanceTimersByTime(1000);
  floats.addOwn("heart");
  expect(get(floats).map(({ kind, count }) => [kind, count])).toEqual([["clap", 2], ["heart", 1], ["heart", 1]]);
});

it("takes back one by one", () => {
  const floats = new Floats();
  const id = floats.addOwn("wow");
  floats.addOwn("wow");
  floats.takeBack(id);
  expect(get(floats)).toMatchObject([{ count: 1 }]);
  floats.takeBack(id);
  floats.takeBack(id);
  expect(get(floats)).toEqual([]);
  expect(floats.addOwn("wow")).not.toBe(id);
});

it("keeps neighbours apart, and draws many larger", () => {
  const lanes = [1, 2, 3, 4].map(laneOf);
  expect(lanes.every((lane) => lane >= 0 && lane < 1)).toBe(true);
  for (const [index, lane] of lanes.slice(1).entries()) expect(Math.abs(lane - (lanes[index] ?? 0))).toBeGreaterThan(0.3);
  expect([1, 9, 10, 99, 100, 5000].map(sizeOf)).toEqual(["one", "one", "some", "some", "many", "many"]);
});
