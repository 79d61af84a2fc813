import { expect, it } from "vitest";
import { readStats } from "../src/stats";

const inbound = { id: "i", type: "inbound-rtp", framesDecoded: 31, frameWidth: 640, packetsLost: 2 };

it("reads frames, and the way of the media from the selected pair", () => {
  const report = new Map<string, unknown>([
    ["i", inbound],
    ["t", { id: "t", type: "transport", selectedCandidatePairId: "p2" }],
    ["p1", { id: "p1", type: "candidate-pair", localCandidateId: "l1" }],
    ["p2", { id: "p2", type: "candidate-pair", localCandidateId: "l2", currentRoundTripTime: 0.02 }],
    ["l1", { id: "l1", type: "local-candidate", protocol: "udp" }],
    ["l2", { id: "l2", type: "local-candidate", protocol: "tcp" }],
  ]);
  expect(readStats(report)).toMatchObject({ framesDecoded: 31, frameWidth: 640, packetsLost: 2, protocol: "tcp", roundTripTime: 0.02, audioLevel: 0 });
});

it("reads zeros out of an empty report", () => {
  expect(readStats(new Map())).toMatchObject({ framesDecoded: 0, protocol: null, roundTripTime: null });
});
