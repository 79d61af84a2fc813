import type { types } from "mediasoup-client";
import type { Source } from "./events";

/** Which encodings a source is sent with: pure. Bit rates are in bits per second. */

type Encodings = types.RtpEncodingParameters[];

const cameraBitrates = { full: 1_700_000, half: 500_000, quarter: 150_000 } as const;
const screenBitrate = 2_500_000;

/**
 * Encodings for a video track of such a size in pixels (0 when unknown: taken as 1280 × 720).
 * Small pictures get fewer layers: the browser would not send the rest.
 *
 * A single encoding names no scalability mode. With one the engine takes the stream for SVC, and a consumer whose key
 * frame comes before the bandwidth has been shared out then waits for another that nobody asks for.
 */
export function encodingsFor(source: Source, size: { width?: number | undefined; height?: number | undefined }, simulcast: boolean): Encodings | undefined {
  if (source === "screen") return [{ maxBitrate: screenBitrate }];
  if (source !== "camera") return undefined;
  const longer = Math.max(size.width ?? 0, size.height ?? 0) || 1280;
  const all: Encodings = [
    { scaleResolutionDownBy: 4, maxBitrate: cameraBitrates.quarter, scalabilityMode: "L1T3" },
    { scaleResolutionDownBy: 2, maxBitrate: cameraBitrates.half, scalabilityMode: "L1T3" },
    { scaleResolutionDownBy: 1, maxBitrate: cameraBitrates.full, scalabilityMode: "L1T3" },
  ];
  if (!simulcast || longer < 480) return [{ maxBitrate: cameraBitrates.full }];
  return longer < 960 ? all.slice(1) : all;
}

/** Codec settings of a source. */
export function codecOptionsFor(source: Source): types.ProducerCodecOptions {
  if (source === "mic") return { opusStereo: false, opusDtx: true, opusFec: true };
  if (source === "screen-audio") return { opusStereo: true, opusDtx: false, opusFec: true };
  return { videoGoogleStartBitrate: 1000 };
}
