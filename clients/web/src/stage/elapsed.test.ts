import { expect, it } from "vitest";
import { clockStart, formatCount, formatElapsed } from "./elapsed";

it.each([[-5, "0:00"], [7_400, "0:07"], [247_000, "4:07"], [3_753_000, "1:02:33"]])("%i ms is %s", (ms, text) => {
  expect(formatElapsed(ms)).toBe(text);
});

it.each([[0, "0"], [999, "999"], [1000, "1K"], [1290, "1.2K"], [15_900, "15K"]])("%i people are %s", (count, text) => {
  expect(formatCount(count)).toBe(text);
});

it("counts from the session's beginning, or from what is known here", () => {
  const at = (ms: number): string => new Date(ms).toISOString();
  expect(clockStart(at(1000), 5000)).toBe(1000);
  expect(clockStart(at(9000), 5000)).toBe(5000);
  expect(clockStart(undefined, 5000)).toBe(5000);
  expect(clockStart("nonsense", 5000)).toBe(5000);
  expect(clockStart(at(1000), null)).toBeNull();
});
