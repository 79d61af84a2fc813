import { describe, expect, it } from "vitest";
import type { JoinAck, WireMessage } from "../src/events";
import { loudness } from "../src/inbox";
import { type Action, initialState, namedViewers, reduce } from "../src/state";
import type { RemoteStream, RoomState } from "../src/types";

const ack: JoinAck = {
  id: "me",
  name: "Ann",
  role: "host",
  room: { id: "r", name: "Room", type: "webinar", locked: false, viewerCount: 2 },
  peers: [{ id: "bob", name: "Bob", role: "cohost" }, { id: "me", name: "Ann", role: "host" }],
  chatHistory: [],
};

const joined = play(initialState, { type: "joined", ack, name: "typed" });

function play(state: RoomState, ...actions: Action[]): RoomState {
  return actions.reduce(reduce, state);
}

function stream(producerId: string, source: RemoteStream["source"] = "camera"): RemoteStream {
  const idle = (): Promise<never> => Promise.reject(new Error("not in this test"));
  return { producerId, source, kind: "video", track: {} as MediaStreamTrack, paused: false, stats: idle, setPreferredLayers: idle };
}

function wire(id: string, timestamp: number, more: Partial<WireMessage> = {}): WireMessage {
  return { id, room_id: "r", name: "Bob", message: `text ${id}`, timestamp, ...more };
}

describe("peers", () => {
  it("takes oneself out of the others", () => {
    expect([...joined.peers.keys()]).toEqual(["bob"]);
    expect(joined.self).toMatchObject({ id: "me", name: "Ann", role: "host" });
  });

  it("does not list oneself when one's own joining is announced", () => {
    expect(play(joined, { type: "peerJoined", peer: { id: "me", name: "Ann", role: "host" } })).toBe(joined);
  });

  it("keeps the streams of a peer that is announced again", () => {
    const before = play(joined, { type: "streamAdded", owner: { peer_id: "bob", name: "Bob" }, stream: stream("p") });
    const after = play(before, { type: "peerJoined", peer: { id: "bob", name: "Bob", role: "host" } });
    expect(after.peers.get("bob")).toMatchObject({ role: "host", streams: { camera: { producerId: "p" } } });
  });

  it("forgets with a peer what hung on it", () => {
    const before = play(
      joined,
      { type: "activeSpeaker", peerId: "bob" },
      { type: "screen", peerId: "bob" },
      { type: "cohostRequested", request: { requestId: "q", peerId: "bob", name: "Bob" } },
    );
    const after = play(before, { type: "peerLeft", id: "bob" });
    expect(after).toMatchObject({ activeSpeakerId: null, screenPeerId: null, cohostRequests: [] });
    expect(after.peers.size).toBe(0);
  });

  describe("of a large room", () => {
    const crowd = (first: number, count: number): { id: string; name: string; role: "viewer" }[] =>
      Array.from({ length: count }, (_, index) => ({ id: `v${first + index}`, name: `V${first + index}`, role: "viewer" }));

    it("takes a batch in as one picture", () => {
      const before = play(joined, { type: "presence", presence: { joined: crowd(0, 3), viewerCount: 60 } });
      expect([...before.peers.keys()]).toEqual(["bob", "v0", "v1", "v2"]);
      expect(before.viewerCount).toBe(60);
      const after = play(before, { type: "presence", presence: { joined: [], left: [{ id: "v1" }, { id: "never named" }], leftCount: 2, viewerCount: 58 } });
      expect([...after.peers.keys()]).toEqual(["bob", "v0", "v2"]);
    });

    it("names only so many", () => {
      const full = play(joined, ...[0, 100, 200].map((first): Action => ({ type: "presence", presence: { joined: crowd(first, 100), viewerCount: first + 100 } })));
      expect(full.peers.size).toBe(namedViewers + 1);
      expect(full.viewerCount).toBe(300);
    });

    it("keeps nobody of whom it cannot know whether they left", () => {
      const before = play(joined, { type: "presence", presence: { joined: crowd(0, 100), viewerCount: 150 } });
      const after = play(before, { type: "presence", presence: { joined: crowd(500, 1), left: crowd(0, 2), leftCount: 120, viewerCount: 31 } });
      expect([...after.peers.keys()]).toEqual(["bob", "v500"]);
      expect(after.viewerCount).toBe(31);
    });

    it("learns of somebody by their new role", () => {
      const after = play(joined, { type: "roleChanged", id: "x", role: "cohost", name: "Xu" });
      expect(after.peers.get("x")).toMatchObject({ name: "Xu", role: "cohost" });
      expect(play(joined, { type: "roleChanged", id: "x", role: "viewer", name: "Xu" }).peers.has("x")).toBe(false);
    });
  });

  it("invents a co-host for a stream whose peer is not listed", () => {
    const state = play(joined, { type: "streamAdded", owner: { peer_id: "x", name: "Xu" }, stream: stream("p") });
    expect(state.peers.get("x")).toMatchObject({ name: "Xu", role: "cohost" });
  });
});

describe("streams", () => {
  const seen = play(joined, { type: "streamAdded", owner: { peer_id: "bob", name: "Bob" }, stream: stream("p") });

  it("changes one stream and leaves the former picture as it was", () => {
    const paused = play(seen, { type: "streamChanged", producerId: "p", change: { paused: true } });
    expect(paused.peers.get("bob")?.streams.camera?.paused).toBe(true);
    expect(seen.peers.get("bob")?.streams.camera?.paused).toBe(false);
  });

  it("takes a stream away, and with a screen its place", () => {
    const shared = play(seen, { type: "streamAdded", owner: { peer_id: "bob", name: "Bob" }, stream: stream("s", "screen") });
    expect(shared.screenPeerId).toBe("bob");
    const stopped = play(shared, { type: "streamRemoved", producerId: "s" });
    expect(stopped.screenPeerId).toBeNull();
    expect(Object.keys(stopped.peers.get("bob")?.streams ?? {})).toEqual(["camera"]);
  });

  it("is the same picture when nothing is known of the stream", () => {
    expect(play(seen, { type: "streamRemoved", producerId: "?" }, { type: "viewerCount", count: 2 })).toBe(seen);
  });
});

describe("roles", () => {
  it("ends one's own request when taken off the stage, and another's when put on it", () => {
    const state = play(
      joined,
      { type: "cohostRequested", request: { requestId: "q", peerId: "bob", name: "Bob" } },
      { type: "myCohostRequest", value: "accepted" },
      { type: "roleChanged", id: "bob", role: "cohost" },
      { type: "roleChanged", id: "me", role: "viewer" },
    );
    expect(state).toMatchObject({ cohostRequests: [], myCohostRequest: "none", self: { role: "viewer" } });
  });

  it("holds one request a peer", () => {
    const asked = (requestId: string): Action => ({ type: "cohostRequested", request: { requestId, peerId: "bob", name: "Bob" } });
    expect(play(joined, asked("1"), asked("2")).cohostRequests.map((one) => one.requestId)).toEqual(["2"]);
  });

  it("keeps a pending request over a reconnection of the same peer only", () => {
    const pending = play(joined, { type: "myCohostRequest", value: "pending" });
    expect(play(pending, { type: "joined", ack, name: "" }).myCohostRequest).toBe("pending");
    expect(play(pending, { type: "joined", ack: { ...ack, id: "me2" }, name: "" }).myCohostRequest).toBe("none");
  });
});

describe("chat", () => {
  const sending: Action = {
    type: "chatSending",
    message: { id: "c1", name: "Ann", message: "mine", timestamp: 50, own: true, state: "sending" },
  };
  const sent: Action = { type: "chatSettled", clientId: "c1", change: { id: "m9", timestamp: 40, state: "sent" } };

  it("doubles nothing, whichever of broadcast, history and acknowledgement comes first", () => {
    const broadcast: Action = { type: "chatReceived", message: wire("m9", 40, { clientId: "c1" }) };
    const plain: Action = { type: "chatReceived", message: wire("m9", 40) };
    const history: Action = { type: "joined", ack: { ...ack, chatHistory: [wire("m9", 40)] }, name: "" };
    for (const order of [[sent, broadcast], [broadcast, sent], [plain, sent], [history, sent], [sent, history]]) {
      const { chat } = play(joined, sending, ...order);
      expect(chat.map((one) => [one.id, one.own, one.state])).toEqual([["m9", true, "sent"]]);
    }
  });

  it("puts history before what is not sent yet, in the order of time", () => {
    const state = play(joined, { type: "chatReceived", message: wire("m3", 30) }, sending, {
      type: "joined",
      ack: { ...ack, chatHistory: [wire("m1", 10), wire("m2", 20), wire("m3", 30), wire("m4", 60)] },
      name: "",
    });
    expect(state.chat.map((one) => one.id)).toEqual(["m1", "m2", "m3", "m4", "c1"]);
  });

  it("understands both forms of time", () => {
    const state = play(joined, { type: "chatReceived", message: { ...wire("m", 0), timestamp: "2026-01-01T00:00:00.500Z" } });
    expect(state.chat[0]?.timestamp).toBe(Date.UTC(2026, 0, 1) + 500);
  });

  it("keeps a bounded list", () => {
    const many = Array.from({ length: 1100 }, (_, i): Action => ({ type: "chatReceived", message: wire(`m${i}`, i) }));
    const { chat } = play(joined, ...many);
    expect(chat).toHaveLength(1000);
    expect(chat[0]?.id).toBe("m100");
  });
});

describe("the end", () => {
  it("keeps chat and reason and drops what was live", () => {
    const state = play(joined, { type: "chatReceived", message: wire("m", 1) }, { type: "closed", reason: "ended", error: null });
    expect(state).toMatchObject({ connection: "closed", closedReason: "ended", media: "none" });
    expect(state.peers.size).toBe(0);
    expect(state.chat).toHaveLength(1);
  });
});

it("maps loudness to 0 … 1", () => {
  expect([-127, -60, -30, 0].map(loudness)).toEqual([0, 0, 0.5, 1]);
});
