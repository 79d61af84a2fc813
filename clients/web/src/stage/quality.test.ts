import { expect, it, vi } from "vitest";
import { peer, peers, roomState, stream } from "../dev/sample";
import { layerFor, Quality } from "./quality";

it("takes the lowest layer that fills the tile", () => {
  expect([100, 360, 361, 720, 721, 2000].map(layerFor)).toEqual([0, 0, 1, 1, 2, 2]);
});

it("asks once for each change, and for nothing while everything is shown large", () => {
  const setPreferredLayers = vi.fn(() => Promise.resolve());
  const state = roomState({ peers: peers(peer("h", { role: "host", streams: { camera: stream("camera", { setPreferredLayers }) } })) });
  const quality = new Quality();
  const at = (width: number): void => quality.fit(state, new Map([["h:camera", width]]));
  at(1200);
  expect(setPreferredLayers).not.toHaveBeenCalled();
  at(200);
  at(210);
  at(1200);
  expect(setPreferredLayers.mock.calls).toEqual([[0], [2]]);
});

it("asks for little of what found no room, and again of a stream that is new", () => {
  const setPreferredLayers = vi.fn(() => Promise.resolve());
  const host = (producerId: string) => peer("h", { role: "host", streams: { camera: stream("camera", { producerId, setPreferredLayers }) } });
  const quality = new Quality();
  quality.fit(roomState({ peers: peers(host("a")) }), new Map());
  quality.fit(roomState({ peers: peers(host("b")) }), new Map());
  expect(setPreferredLayers.mock.calls).toEqual([[0], [0]]);
});
