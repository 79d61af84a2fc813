import { beforeEach, expect, it } from "vitest";
import type { Room } from "../src/index";
import { type FakeRostrum, foreignProducer, until } from "./server";
import { track, useVisits } from "./visits";

const visits = useVisits(true);
const { visit } = visits;
let server: FakeRostrum;

beforeEach(() => {
  ({ server } = visits);
  server.foreign.set("p1", foreignProducer("p1"));
  server.foreign.set("p2", foreignProducer("p2", "audio", "mic"));
});

function memory(): Storage & { kept: Map<string, string> } {
  const kept = new Map<string, string>();
  const storage = { kept, getItem: (k: string) => kept.get(k) ?? null, setItem: (k: string, v: string) => void kept.set(k, v), removeItem: (k: string) => void kept.delete(k) };
  return storage as unknown as Storage & { kept: Map<string, string> };
}

async function received(room: Room): Promise<void> {
  await until("both are received", () => {
    const streams = room.state.peers.get("other")?.streams;
    return streams?.camera !== undefined && streams.mic !== undefined;
  });
}

function events(): string[] {
  return server.heard.map((one) => one.event);
}

it("receives in three round trips on the first visit", async () => {
  const room = visit();
  await room.join();
  await received(room);
  await until("both flow", () => server.count("resume") === 2);
  expect(events()[0]).toBe("join");
  expect(events().sort()).toEqual(["join", "consume", "consume", "connectTransport", "resume", "resume"].sort());
});

it("receives in two round trips where the routers are known", async () => {
  const storage = memory();
  const first = visit({ storage });
  await first.join();
  await received(first);
  await first.leave();
  server.heard.length = 0;
  const room = visit({ storage });
  await room.join();
  await received(room);
  await until("they flow", () => server.count("connectTransport") === 1);
  expect(events()).toEqual(["join", "connectTransport"]);
  expect(server.bodies("join")[0]).toMatchObject({ media: { recv: true, tag: "tag1" } });
});

it("sends on the transport that came with the join, when it comes back without any", async () => {
  const room = visit();
  await room.join();
  await room.enableCamera({ track: track("video") });
  server.silent = "createWebRtcTransport";
  server.killMedia();
  await until("it asks for others", () => server.count("createWebRtcTransport") > 1);
  server.silent = null;
  server.cut();
  await until("it is sent again", () => server.peer.producers.size === 1);
  expect(server.bodies("join").at(-1)).toMatchObject({ fresh: true, media: { recv: true, send: true, tag: "tag1" } });
  expect(server.bodies("produce").at(-1)?.["producerTransportId"]).toBe([...server.peer.transports][1]);
});

it("learns the routers anew when the server has others", async () => {
  const storage = memory();
  const first = visit({ storage });
  await first.join();
  await received(first);
  await first.leave();
  server.tag = "tag2";
  const room = visit({ storage });
  await room.join();
  await received(room);
  expect([...storage.kept.values()].join()).toContain("tag2");
});

it("forgets what makes no sense", async () => {
  const storage = memory();
  storage.setItem(`rostrum.routers.${server.url}`, JSON.stringify({ tag: "tag1", capabilities: { codecs: "none" } }));
  const room = visit({ storage });
  await room.join();
  await received(room);
  expect(server.bodies("join")[0]?.["media"]).toEqual({ recv: true });
});

it("goes on with the documented events when the media could not be had with the join", async () => {
  server.mediaError = { error: "The media engine is restarting.", code: "media_restarting" };
  const room = visit();
  await room.join();
  await received(room);
  expect(server.count("createWebRtcTransport")).toBe(1);
  expect(server.count("getProducers")).toBe(1);
});

it("asks for what is announced later", async () => {
  const storage = memory();
  const first = visit({ storage });
  await first.join();
  await received(first);
  await first.leave();
  server.foreign.delete("p2");
  server.heard.length = 0;
  const room = visit({ storage });
  await room.join();
  await until("the first is received", () => room.state.peers.get("other")?.streams.camera !== undefined);
  server.foreign.set("p3", foreignProducer("p3", "audio", "mic"));
  server.emit("newProducers", [foreignProducer("p3", "audio", "mic")]);
  await until("the next is received", () => room.state.peers.get("other")?.streams.mic !== undefined);
  await until("it flows", () => server.bodies("resume").some((body) => body["consumer_id"] === "c-p3"));
  expect(events().sort()).toEqual(["join", "connectTransport", "consume", "resume"].sort());
});
