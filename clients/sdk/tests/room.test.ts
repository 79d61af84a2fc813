import { FakeMediaStreamTrack } from "fake-mediastreamtrack";
import { beforeEach, describe, expect, it } from "vitest";
import { type FakeRostrum, foreignProducer, until } from "./server";
import { track, useVisits } from "./visits";

const visits = useVisits();
const { visit } = visits;
let server: FakeRostrum;

beforeEach(() => {
  ({ server } = visits);
});

describe("joining", () => {
  it("shows who and what is there", async () => {
    server.foreign.set("p1", foreignProducer("p1"));
    server.messages.push({ id: "m1", room_id: "r", name: "Bob", peer_id: "other", message: "hi", timestamp: 5 });
    const room = visit();
    await room.join();
    expect(room.state.self).toMatchObject({ name: "Ann", role: "host", isSelf: true });
    expect(room.state.room).toMatchObject({ id: "r", name: "Test", startedAt: "2026-01-01T00:00:00.000Z" });
    expect(room.state.viewerCount).toBe(3);
    expect(room.state.chat).toMatchObject([{ id: "m1", own: false, message: "hi" }]);
    await until("the camera of the other arrives", () => room.state.peers.get("other")?.streams.camera !== undefined);
    await until("it is resumed", () => server.count("resume") === 1);
    expect(server.bodies("consume")[0]).toMatchObject({ producerId: "p1", paused: true });
  });

  it("asks an older server for its media by the documented events", async () => {
    server.foreign.set("p1", foreignProducer("p1"));
    await visit().join();
    await until("it is resumed", () => server.count("resume") === 1);
    const asked = ["join", "getRouterRtpCapabilities", "createWebRtcTransport", "getProducers", "consume", "connectTransport", "resume"];
    expect(server.heard.map((one) => one.event).sort()).toEqual(asked.sort());
  });

  it("fails with the server's code when the room refuses", async () => {
    server.refusals.set("join", { answer: { error: "The room is locked.", code: "room_locked" }, times: 1 });
    const room = visit();
    await expect(room.join()).rejects.toMatchObject({ code: "room_locked", message: "The room is locked." });
    expect(room.state).toMatchObject({ connection: "closed", closedReason: "room_locked" });
  });

  it("fails with the server's code when the handshake is refused", async () => {
    server.refuseHandshake = { code: "unauthorized" };
    await expect(visit().join()).rejects.toMatchObject({ code: "unauthorized" });
  });

  it.each(["unavailable", "node_unreachable"])("tries again when the refusal will pass: %s", async (code) => {
    server.refusals.set("join", { answer: { error: "Later.", code }, times: 2 });
    const room = visit();
    await room.join();
    expect(room.state.connection).toBe("joined");
    expect(server.count("join")).toBe(3);
  });
});

describe("sending", () => {
  it("produces a camera with three layers, and closes it", async () => {
    const room = visit();
    await room.join();
    const camera = track("video");
    await room.enableCamera({ track: camera });
    const [body] = server.bodies("produce");
    expect(body).toMatchObject({ kind: "video", appData: { type: "camera" } });
    expect((body?.["rtpParameters"] as { encodings: unknown[] }).encodings).toHaveLength(3);
    expect(room.state.local.camera).toMatchObject({ source: "camera", paused: false });
    expect(room.state.local.camera?.producerId).not.toBeNull();
    await room.disableCamera();
    expect(room.state.local.camera).toBeNull();
    expect(camera.readyState).toBe("ended");
    expect(server.peer.producers.size).toBe(0);
  });

  it("mutes without renegotiation", async () => {
    const room = visit();
    await room.join();
    await room.enableMic({ track: track("audio") });
    await room.setMicPaused(true);
    expect(room.state.local.mic).toMatchObject({ paused: true });
    expect(room.state.local.mic?.track.enabled).toBe(false);
    expect(server.bodies("videoPaused")).toEqual([{ producer_id: room.state.local.mic?.producerId }]);
    await room.setMicPaused(false);
    expect(server.count("videoResumed")).toBe(1);
    const muted: unknown[] = [];
    room.on("muted", (body) => muted.push(body));
    server.emit("peer:mute", { name: "Host", peer_id: "other", kind: "audio" });
    server.emit("peer:mute", { name: "Host", peer_id: server.peer.id, kind: "audio" });
    await until("a host has muted it", () => room.state.local.mic?.paused === true);
    expect(muted).toEqual([{ by: "Host" }]);
  });

  it("switches the device by replacing the track", async () => {
    const room = visit();
    await room.join();
    const [first, second] = [track("video"), track("video")];
    await room.enableCamera({ track: first });
    await room.enableCamera({ track: second });
    expect(server.count("produce")).toBe(1);
    expect(first.readyState).toBe("ended");
    expect(room.state.local.camera?.track).toBe(second);
  });

  it("refuses a viewer before any device is asked for, and lets a new co-host send without rejoining", async () => {
    server.role = "viewer";
    const room = visit();
    await room.join();
    await expect(room.enableCamera({ track: track("video") })).rejects.toMatchObject({ code: "forbidden" });
    server.emit("roleChanged", { id: server.peer.id, role: "cohost" });
    await until("the role has changed", () => room.state.self?.role === "cohost");
    await room.enableCamera({ track: track("video") });
    expect(server.peer.producers.size).toBe(1);
    server.emit("roleChanged", { id: server.peer.id, role: "viewer" });
    await until("nothing is sent any more", () => room.state.local.camera === null);
  });

  it("shares no screen while somebody else does", async () => {
    server.refusals.set("produce", { answer: { error: "Bob is sharing.", code: "screen_busy", by: "other" }, times: 1 });
    const room = visit();
    await room.join();
    const screen = track("video");
    await expect(room.startScreen({ track: screen })).rejects.toMatchObject({ code: "screen_busy", details: { by: "other" } });
    expect(screen.readyState).toBe("ended");
    expect(room.state.local.screen).toBeNull();
    await room.startScreen({ track: track("video") });
    expect(room.state.screenPeerId).toBe(room.state.self?.id);
    await until("it is announced", () => server.count("screen:shared") === 1);
    expect(server.bodies("screen:shared")).toEqual([{ producer_id: room.state.local.screen?.producerId }]);
    await room.stopScreen();
    expect(room.state.screenPeerId).toBeNull();
    expect(server.count("screen:stopped")).toBe(1);
  });

  it("stops the screen when the browser's own button ends it", async () => {
    const room = visit();
    await room.join();
    const screen = new FakeMediaStreamTrack({ kind: "video" });
    await room.startScreen({ track: screen });
    screen.remoteStop();
    await until("sharing has ended", () => server.count("screen:stopped") === 1);
    expect(room.state.local.screen).toBeNull();
  });

  it("tries again while the media restarts", async () => {
    server.refusals.set("produce", { answer: { error: "Restarting.", code: "media_restarting" }, times: 2 });
    const room = visit();
    await room.join();
    await room.enableCamera({ track: track("video") });
    expect(server.count("produce")).toBe(3);
  });
});

describe("reacting", () => {
  it("tells the server the kind, and the page what the room sums up", async () => {
    const room = visit();
    await room.join();
    const heard: unknown[] = [];
    room.on("reactions", (counts) => heard.push(counts));
    await room.react("clap");
    expect(server.bodies("reaction")).toEqual([{ kind: "clap" }]);
    server.emit("reactions", { counts: { clap: 500, heart: 2 } });
    await until("the sums are heard", () => heard.length === 1);
    expect(heard).toEqual([{ clap: 500, heart: 2 }]);
  });

  it("fails with the server's code when it is too much, and with its own outside of a room", async () => {
    const room = visit();
    await expect(room.react("wow")).rejects.toMatchObject({ code: "not_joined" });
    await room.join();
    server.refusals.set("reaction", { answer: { error: "Too many requests; try again later.", code: "rate_limited" }, times: 1 });
    await expect(room.react("wow")).rejects.toMatchObject({ code: "rate_limited" });
    await room.leave();
    await expect(room.react("wow")).rejects.toMatchObject({ code: "closed" });
  });
});

describe("the end", () => {
  it("leaves nothing behind", async () => {
    const room = visit();
    await room.join();
    const camera = track("video");
    await room.enableCamera({ track: camera });
    await room.leave();
    expect(camera.readyState).toBe("ended");
    expect(server.peers.size).toBe(0);
    expect(room.state).toMatchObject({ connection: "closed", closedReason: "left", media: "none" });
    await expect(room.sendMessage("late")).rejects.toMatchObject({ code: "closed" });
    await expect(room.join()).rejects.toMatchObject({ code: "closed" });
  });

  it("tells the removed that they were, and only them", async () => {
    const room = visit();
    await room.join();
    const removed: unknown[] = [];
    room.on("removed", (body) => removed.push(body));
    server.emit("peer:remove", { peer_id: "somebody", name: "Host" });
    server.emit("peer:remove", { peer_id: server.peer.id, name: "Host" });
    await until("it is closed", () => room.state.connection === "closed");
    expect(removed).toEqual([{ by: "Host" }]);
    expect(room.state.closedReason).toBe("removed");
  });

  it("ends the room without a complaint when the news overtakes the answer", async () => {
    const room = visit();
    await room.join();
    server.onEvent = (event) => {
      if (event === "room:end") server.emit("roomClosed", { reason: "ended" });
    };
    await room.end();
    expect(room.state.closedReason).toBe("ended");
  });

  it("ends when the room does", async () => {
    const room = visit();
    await room.join();
    server.emit("roomClosed", { reason: "ended" });
    await until("it is closed", () => room.state.closedReason === "ended");
  });
});
