import { afterEach, beforeEach, expect, it } from "vitest";
import type { RostrumError } from "../src/errors";
import { Signaling, type SignalingOptions } from "../src/signaling";
import { FakeRostrum, until } from "./server";

let server: FakeRostrum;
let signaling: Signaling;
let ups: number;

beforeEach(async () => {
  server = new FakeRostrum();
  ups = 0;
  await server.start();
});

afterEach(async () => {
  signaling.close();
  await server.stop();
});

async function connect(options: Partial<SignalingOptions> = {}): Promise<void> {
  signaling = new Signaling({ url: server.url, ...options });
  signaling.onConnection("up", () => void (ups += 1));
  signaling.connect();
  await until("it is up", () => ups === 1);
}

async function enter(): Promise<void> {
  await signaling.request("join", { room_id: "r", name: "Ann" });
  signaling.entered();
}

it("asks nothing of the room before it is entered", async () => {
  await connect();
  await expect(signaling.request("getProducers")).rejects.toMatchObject({ code: "disconnected" });
  await enter();
  expect(await signaling.request("getProducers")).toEqual([]);
  expect(server.count("getProducers")).toBe(1);
});

it("raises what an acknowledgement refuses, with all that it says", async () => {
  await connect();
  await enter();
  server.refusals.set("produce", { answer: { error: "Busy.", code: "screen_busy", by: { name: "Bob" } }, times: 1 });
  const body = { producerTransportId: "t", kind: "video", rtpParameters: { codecs: [] }, appData: { type: "screen" } } as const;
  const asked = signaling.request("produce", { ...body, rtpParameters: { codecs: [] } });
  await expect(asked).rejects.toMatchObject({ code: "screen_busy", message: "Busy.", details: { by: { name: "Bob" } } });
});

it("ends a request when the connection goes, and comes back by itself", async () => {
  await connect();
  await enter();
  server.cutAt = "getProducers";
  await expect(signaling.request("getProducers")).rejects.toMatchObject({ code: "disconnected" });
  await until("it is up again", () => ups === 2);
  expect(signaling.connected).toBe(false);
});

it("takes a network that is silent for dead", async () => {
  await connect({ timeout: 150 });
  await enter();
  server.silent = "getProducers";
  const error = await signaling.request("getProducers").catch((thrown: unknown) => thrown as RostrumError);
  expect(error).toMatchObject({ name: "RostrumError" });
  await until("it is up again", () => ups === 2);
});

it("keeps a connection on which others are heard while one answer is late", async () => {
  await connect({ timeout: 150 });
  await enter();
  server.silent = "getProducers";
  const asked = signaling.request("getProducers");
  setTimeout(() => server.emit("viewerCount", { count: 1 }), 50);
  await expect(asked).rejects.toMatchObject({ code: "timeout" });
  expect(signaling.connected).toBe(true);
  expect(ups).toBe(1);
});

it("tries again when the server is only starting, and not when it refuses the key", async () => {
  server.refuseHandshake = { code: "unavailable" };
  signaling = new Signaling({ url: server.url });
  const refusals: string[] = [];
  signaling.onConnection("up", () => void (ups += 1));
  signaling.onConnection("refused", ({ code }) => refusals.push(code));
  signaling.connect();
  setTimeout(() => (server.refuseHandshake = null), 300);
  await until("it is up", () => ups === 1);
  expect(refusals).toEqual([]);
  server.refuseHandshake = { code: "unauthorized" };
  server.cut();
  await until("it is refused", () => refusals.length === 1);
  expect(refusals).toEqual(["unauthorized"]);
});
