import { beforeEach, describe, expect, it } from "vitest";
import { type FakeRostrum, type Playable, deviceMaker, foreignProducer, until } from "./server";
import { track, useVisits } from "./visits";

describe.each([
  ["that brings media with the join", true],
  ["of before that", false],
])("recovery, with a server %s", (_, oneShot) => {
  const visits = useVisits(oneShot);
  const { visit } = visits;
  let server: FakeRostrum;

  beforeEach(() => {
    ({ server } = visits);
  });

  it("goes on with the same media when only the socket was lost", async () => {
    server.foreign.set("p1", foreignProducer("p1"));
    const room = visit();
    await room.join();
    await room.enableCamera({ track: track("video") });
    await until("the other is seen", () => server.count("resume") === 1);
    const { producerId } = room.state.local.camera ?? {};
    const transports = server.count("createWebRtcTransport");
    server.foreign.set("p2", foreignProducer("p2", "audio", "mic"));
    server.foreign.set("p1", { ...foreignProducer("p1"), paused: true });
    server.cut();
    await until("it is away", () => room.state.connection === "reconnecting");
    await until("it is back", () => room.state.connection === "joined");
    await until("what was missed arrives", () => room.state.peers.get("other")?.streams.mic !== undefined);
    expect(server.bodies("join").at(-1)).toMatchObject({ resume: server.peer.resume });
    expect(server.bodies("join").at(-1)).not.toHaveProperty("fresh");
    expect(room.state.peers.get("other")?.streams.camera?.paused).toBe(true);
    expect(room.state.local.camera?.producerId).toBe(producerId);
    expect(server.count("createWebRtcTransport")).toBe(transports);
  });

  it("rebuilds everything after the death of the worker, mute states included", async () => {
    server.foreign.set("p1", foreignProducer("p1"));
    const room = visit();
    await room.join();
    await room.enableCamera({ track: track("video") });
    await room.enableMic({ track: track("audio") });
    await room.setMicPaused(true);
    await until("the other is seen", () => room.state.peers.get("other")?.streams.camera !== undefined);
    const before = room.state.local.camera?.producerId;
    server.foreign.clear();
    server.foreign.set("p2", foreignProducer("p2"));
    server.killMedia();
    await until("the camera is sent again", () => ![null, before].includes(room.state.local.camera?.producerId ?? null));
    await until("the microphone too", () => server.peer.producers.size === 2);
    await until("the other is seen again", () => room.state.peers.get("other")?.streams.camera?.producerId === "p2");
    await until("the server knows of the mute", () => server.count("videoPaused") === 2);
    expect(room.state.local.mic).toMatchObject({ paused: true });
    const sizes = server.bodies("produce").map((body) => (body["rtpParameters"] as { encodings: unknown[] }).encodings.length);
    expect(sizes).toEqual([3, 1, 3, 1]);
    expect(room.state.connection).toBe("joined");
  });

  it("rejoins and rebuilds after a restart of the server, and sends what was written meanwhile once", async () => {
    const room = visit();
    await room.join();
    await room.enableCamera({ track: track("video") });
    await room.sendMessage("before");
    const old = room.state.self?.id;
    await server.stop();
    await until("it is away", () => room.state.connection === "reconnecting");
    const sent = room.sendMessage("meanwhile");
    expect(room.state.chat.at(-1)).toMatchObject({ message: "meanwhile", state: "sending", own: true });
    await server.restart();
    await until("it is back", () => room.state.connection === "joined");
    await sent;
    await until("the camera is sent again", () => server.peer.producers.size === 1);
    expect(room.state.self?.id).not.toBe(old);
    expect(room.state.chat.map((one) => [one.message, one.state, one.own])).toEqual([["before", "sent", true], ["meanwhile", "sent", true]]);
    expect(server.messages).toHaveLength(2);
  });

  it("rebuilds once more when the worker dies during a rebuild", async () => {
    const room = visit();
    let deaths = 2;
    server.onEvent = (event) => {
      if (["getProducers", "createWebRtcTransport"].includes(event) && deaths-- > 0) server.killMedia();
    };
    await room.join();
    await room.enableCamera({ track: track("video") });
    await until("it is sent on what the server has", () => server.peer.transports.size === 2 && server.peer.producers.size === 1);
    expect(deaths).toBeLessThan(1);
  });

  it("restarts ICE where the path has failed, and rebuilds when that does not help", async () => {
    const handlers: Playable[] = [];
    const room = visit({ makeDevice: deviceMaker(handlers) });
    await room.join();
    await room.enableCamera({ track: track("video") });
    const before = room.state.local.camera?.producerId;
    const sending = handlers.at(-1);
    sending?.setConnectionState("failed");
    await until("ICE is restarted", () => server.count("restartIce") === 1);
    expect(room.state.media).toBe("recovering");
    sending?.setConnectionState("connected");
    expect(room.state.media).toBe("connected");
    server.refusals.set("restartIce", { answer: { error: "Unknown.", code: "transport_not_found" }, times: 1 });
    sending?.setConnectionState("failed");
    await until("the camera is sent anew", () => ![null, before].includes(room.state.local.camera?.producerId ?? null));
    await until("nothing old is left", () => server.peer.transports.size === 2 && server.peer.producers.size === 1);
  });

  it("rebuilds when the worker died while the socket was away", async () => {
    const room = visit();
    await room.join();
    await room.enableCamera({ track: track("video") });
    server.cut();
    server.forgetMedia();
    await until("the camera is sent again", () => {
      const [known] = server.peer.producers.keys();
      return known !== undefined && room.state.local.camera?.producerId === known;
    });
    expect(server.bodies("join").at(-1)).not.toHaveProperty("fresh");
  });

  it("gives up what was ended for it while the socket was away", async () => {
    const room = visit();
    await room.join();
    await room.enableCamera({ track: track("video") });
    server.cut();
    server.peer.producers.clear();
    server.peer.producers.set("stale", {});
    await until("the camera is off", () => room.state.local.camera === null);
    await until("the unknown one is ended", () => server.peer.producers.size === 0);
  });

  it("rebuilds with a clean slate when an answer was lost with the socket", async () => {
    const room = visit();
    await room.join();
    server.cutAt = "produce";
    await room.enableCamera({ track: track("video") });
    expect(server.count("produce")).toBe(2);
    expect(server.bodies("join").at(-1)).toMatchObject({ fresh: true, resume: server.peer.resume });
    expect(server.peer.producers.size).toBe(1);
    expect(server.peer.transports.size).toBe(2);
  });

  it("is ended by a take-over, and leaves the secret to whoever took over", async () => {
    const kept = new Map<string, string>();
    const storage = { getItem: (k: string) => kept.get(k) ?? null, setItem: (k: string, v: string) => void kept.set(k, v), removeItem: (k: string) => void kept.delete(k) };
    const room = visit({ storage });
    await room.join();
    server.emit("peerReplaced", { id: server.peer.id });
    await until("it is closed", () => room.state.connection === "closed");
    const secrets = (): string[] => [...kept.keys()].filter((key) => key.startsWith("rostrum.resume."));
    expect(secrets()).toHaveLength(1);
    const other = visit({ storage });
    await other.join();
    expect(server.bodies("join").at(-1)).toMatchObject({ resume: server.peer.resume, fresh: true });
    await other.leave();
    expect(secrets()).toHaveLength(0);
  });
});
