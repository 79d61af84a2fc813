import { describe, expect, it } from "vitest";
import { fakeTrack, peer, peers, roomState, stream } from "../dev/sample";
import { initials, placeTiles, shadeOf, stageView, type TileView } from "./view";

const FRESH = { pinnedKey: null, wasLive: false };
const host = peer("host", { role: "host", streams: { camera: stream("camera"), mic: stream("mic") } });

describe("stageView", () => {
  it("waits for the host, and says when they are getting ready or away", () => {
    expect(stageView(roomState(), FRESH).waiting).toBe("not-started");
    expect(stageView(roomState({ peers: peers(peer("h", { role: "host" })) }), FRESH).waiting).toBe("getting-ready");
    expect(stageView(roomState(), { ...FRESH, wasLive: true }).waiting).toBe("away");
  });

  it("keeps the tiles while the media is being rebuilt", () => {
    const view = stageView(roomState({ peers: peers(peer("h", { role: "host" })) }), { ...FRESH, wasLive: true });
    expect(view.waiting).toBe("none");
    expect(view.tiles.map((tile) => tile.track)).toEqual([null]);
  });

  it("shows those on stage and no viewer, hosts first and oneself last", () => {
    const self = peer("me", { isSelf: true, role: "cohost" });
    const state = roomState({ self, peers: peers(peer("v"), peer("co", { role: "cohost" }), host) });
    expect(stageView(state, FRESH).tiles.map((tile) => tile.peerId)).toEqual(["host", "co", "me"]);
  });

  it("puts a shared screen first and big, unless something is pinned", () => {
    const sharing = { ...host, streams: { ...host.streams, screen: stream("screen") } };
    const state = roomState({ peers: peers(sharing) });
    expect(stageView(state, FRESH).tiles.map((tile) => [tile.source, tile.big])).toEqual([["screen", true], ["camera", false]]);
    expect(stageView(state, { ...FRESH, pinnedKey: "host:camera" }).tiles[0]).toMatchObject({ source: "camera", big: true });
    expect(stageView(state, { ...FRESH, pinnedKey: "gone:camera" }).tiles[0]).toMatchObject({ source: "screen", big: true });
  });

  it("marks who is muted, who speaks and who speaks most", () => {
    const quiet = peer("quiet", { role: "cohost", streams: { mic: stream("mic", { paused: true }) } });
    const state = roomState({ peers: peers(host, quiet), audioLevels: new Map([["host", 0.5], ["quiet", 0.5]]), activeSpeakerId: "host" });
    const [first, second] = stageView(state, FRESH).tiles;
    expect(first).toMatchObject({ muted: false, speaking: true, active: true });
    expect(second).toMatchObject({ muted: true, speaking: false, active: false });
  });

  it("hides a paused picture, one's own as well", () => {
    const paused = peer("h", { role: "host", streams: { camera: stream("camera", { paused: true }) } });
    const self = peer("me", { isSelf: true, role: "cohost" });
    const own = { source: "camera", track: fakeTrack("x"), producerId: "p", paused: true } as const;
    const state = roomState({ self, peers: peers(paused), local: { camera: own, mic: null, screen: null, screenAudio: null } });
    expect(stageView(state, FRESH).tiles.map((tile) => tile.track)).toEqual([null, null]);
  });
});

describe("placeTiles", () => {
  it("shows whoever speaks even where not all fit", () => {
    const base = stageView(roomState({ peers: peers(host) }), FRESH).tiles[0] as TileView;
    const tiles = Array.from({ length: 60 }, (_, index) => ({ ...base, key: `${index}`, active: index === 59 }));
    const { placed, hidden } = placeTiles(tiles, { width: 400, height: 300 });
    expect(hidden).toBeGreaterThan(0);
    expect(placed.at(-1)?.tile.key).toBe("59");
  });
});

it.each([["Ada Lovelace", "AL"], ["  Plato ", "P"], ["", "?"], ["李 小龍", "李小"], ["a b c", "AC"]])("initials of %j are %j", (name, expected) => {
  expect(initials(name)).toBe(expected);
});

it("gives a person the same shade each time", () => {
  expect(shadeOf("Ada")).toBe(shadeOf("Ada"));
  expect(shadeOf("")).toBeLessThan(8);
});
