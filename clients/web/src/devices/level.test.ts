import { expect, it } from "vitest";
import { loudness } from "./level";

it("goes from silence to full", () => {
  expect(loudness(new Float32Array(8))).toBe(0);
  expect(loudness(new Float32Array(8).fill(0.5))).toBe(1);
  const quiet = loudness(new Float32Array(8).fill(0.02));
  expect(quiet).toBeGreaterThan(0.2);
  expect(quiet).toBeLessThan(0.8);
  expect(loudness(new Float32Array(0))).toBe(0);
});
