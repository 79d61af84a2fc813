import { expect, it } from "vitest";
import { nextIndex } from "./walk";

it("walks along a row and around its ends", () => {
  expect(nextIndex("ArrowRight", 0, 3)).toBe(1);
  expect(nextIndex("ArrowRight", 2, 3)).toBe(0);
  expect(nextIndex("ArrowLeft", 0, 3)).toBe(2);
  expect(nextIndex("Home", 2, 3)).toBe(0);
  expect(nextIndex("End", 0, 3)).toBe(2);
});

it("leaves other keys to others", () => {
  expect(nextIndex("Tab", 0, 3)).toBeNull();
  expect(nextIndex("ArrowRight", 0, 0)).toBeNull();
});
