import { describe, expect, it } from "vitest";
import { codecOptionsFor, encodingsFor } from "../src/layers";

const factors = (...[source, size, simulcast]: Parameters<typeof encodingsFor>): (number | undefined)[] | undefined =>
  encodingsFor(source, size, simulcast)?.map((one) => one.scaleResolutionDownBy);

describe("encodings", () => {
  it("gives a large camera three layers, the smallest first", () => {
    expect(factors("camera", { width: 1280, height: 720 }, true)).toEqual([4, 2, 1]);
    expect(factors("camera", { width: 720, height: 1280 }, true)).toEqual([4, 2, 1]);
    const rates = encodingsFor("camera", {}, true)?.map((one) => one.maxBitrate ?? 0) ?? [];
    expect([...rates].sort((a, b) => a - b)).toEqual(rates);
  });

  it("gives a small camera fewer", () => {
    expect(factors("camera", { width: 640, height: 480 }, true)).toEqual([2, 1]);
    expect(factors("camera", { width: 320, height: 240 }, true)).toHaveLength(1);
  });

  it("takes an unknown size for a large one", () => {
    expect(factors("camera", {}, true)).toHaveLength(3);
  });

  it("names a scalability mode only where there are several encodings", () => {
    const modes = (...args: Parameters<typeof encodingsFor>): unknown[] => encodingsFor(...args)?.map((one) => one.scalabilityMode) ?? [];
    expect(modes("screen", {}, true)).toEqual([undefined]);
    expect(modes("camera", {}, false)).toEqual([undefined]);
    expect(modes("camera", { width: 320 }, true)).toEqual([undefined]);
    expect(modes("camera", {}, true)).toEqual(["L1T3", "L1T3", "L1T3"]);
  });

  it("gives one layer without simulcast and to a screen, none to sound", () => {
    expect(factors("camera", { width: 1280 }, false)).toHaveLength(1);
    expect(factors("screen", { width: 1920 }, true)).toHaveLength(1);
    expect(factors("mic", {}, true)).toBeUndefined();
  });
});

it("sends a screen's sound in stereo and a voice in mono", () => {
  expect(codecOptionsFor("mic").opusStereo).toBe(false);
  expect(codecOptionsFor("screen-audio").opusStereo).toBe(true);
});
