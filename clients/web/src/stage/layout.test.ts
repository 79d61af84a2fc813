import { describe, expect, it } from "vitest";
import { arrange, type Box } from "./layout";

const AREAS = [
  { width: 1256, height: 640 },
  { width: 900, height: 640 },
  { width: 374, height: 420 },
  { width: 374, height: 211 },
  { width: 844, height: 300 },
];

function overlap(a: Box, b: Box): boolean {
  return a.left < b.left + b.width && b.left < a.left + a.width && a.top < b.top + b.height && b.top < a.top + a.height;
}

describe.each(AREAS)("in $width×$height", (area) => {
  describe.each([false, true])("with a big tile: %s", (hasBig) => {
    it.each([1, 2, 3, 4, 5, 6, 7, 9, 13, 16, 40])("%i tiles stay inside and apart", (count) => {
      const { boxes, hidden } = arrange(area, count, hasBig);
      expect(boxes.length + hidden).toBe(count);
      for (const [index, box] of boxes.entries()) {
        expect(Math.min(box.left, box.top)).toBeGreaterThanOrEqual(0);
        expect(Math.min(box.width, box.height)).toBeGreaterThan(40);
        expect(box.left + box.width).toBeLessThanOrEqual(area.width);
        expect(box.top + box.height).toBeLessThanOrEqual(area.height);
        for (const other of boxes.slice(index + 1)) expect(overlap(box, other)).toBe(false);
      }
    });
  });

  it("a big tile shows a wide picture nearly as large as the area could", () => {
    const [big, ...rest] = arrange(area, 3, true).boxes as [Box, ...Box[]];
    const possible = Math.min(area.width, area.height * (16 / 9));
    expect(Math.min(big.width, big.height * (16 / 9))).toBeGreaterThan(0.6 * possible);
    for (const small of rest) expect(small.width * small.height).toBeLessThan(0.3 * big.width * big.height);
  });
});

it("one person fills a phone's width without losing more than the sides of the picture", () => {
  expect(arrange({ width: 374, height: 500 }, 1, false).boxes[0]).toEqual({ left: 0, top: 63, width: 374, height: 374 });
});

it("two people stand side by side on a desktop, one above the other on a phone", () => {
  const [a, b] = arrange({ width: 1256, height: 640 }, 2, false).boxes as [Box, Box];
  expect(a.top).toBe(b.top);
  const [c, d] = arrange({ width: 374, height: 600 }, 2, false).boxes as [Box, Box];
  expect(c.left).toBe(d.left);
});

it("an area without size has no boxes", () => {
  expect(arrange({ width: 0, height: 300 }, 2, false)).toEqual({ boxes: [], hidden: 2 });
});
