import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { RostrumApi } from "../src/index";

interface Call {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
  body: unknown;
}

let http: Server;
let url: string;
let calls: Call[];
let answer: { status: number; body: string };

beforeEach(async () => {
  calls = [];
  answer = { status: 200, body: "{}" };
  http = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => (text += String(chunk)));
    request.on("end", () => {
      calls.push({ method: request.method ?? "", path: request.url ?? "", headers: request.headers, body: text ? JSON.parse(text) : null });
      response.writeHead(answer.status, { "content-type": "application/json" }).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
});

afterEach(() => new Promise<void>((resolve) => http.close(() => resolve())));

function answers(data: unknown, status = 200): void {
  answer = { status, body: JSON.stringify({ success: true, data, msg: "ok" }) };
}

it("sends the key and, once logged in, the token", async () => {
  const api = new RostrumApi({ url, apiKey: "rk_pub_1" });
  answers({ token: "jwt", tokenType: "Bearer", expiresIn: 60, user: {} });
  await api.login("ann@example.org", "secret-word");
  answers({ id: "r", joinUrl: "u" }, 201);
  expect(await api.createRoom({ name: "Hall", type: "webinar" })).toMatchObject({ id: "r" });
  expect(calls[0]).toMatchObject({ method: "POST", path: "/v1/auth/login", body: { userName: "ann@example.org", password: "secret-word" } });
  expect(calls[0]?.headers).not.toHaveProperty("authorization");
  expect(calls[1]?.headers).toMatchObject({ "x-api-key": "rk_pub_1", authorization: "Bearer jwt" });
});

it("puts ids into paths safely", async () => {
  answers({ token: "t", role: "viewer", expiresAt: "" });
  await new RostrumApi({ url, apiKey: "k" }).guestToken("../x?y", "Bob");
  expect(calls[0]?.path).toBe("/v1/rooms/..%2Fx%3Fy/guest-token");
});

it("raises the server's own code, sentence, status and details", async () => {
  const errors = [{ field: "name", msg: "too long" }];
  answer = { status: 400, body: JSON.stringify({ success: false, code: "invalid_input", msg: "No.", message: "No.", requestId: "1", errors }) };
  const asked = new RostrumApi({ url }).getRoom("r");
  await expect(asked).rejects.toMatchObject({ name: "RostrumError", code: "invalid_input", message: "No.", status: 400, details: { errors } });
});

it("raises an error also for an answer that is no JSON", async () => {
  answer = { status: 502, body: "<html>" };
  await expect(new RostrumApi({ url }).getRoom("r")).rejects.toMatchObject({ code: "http_502", status: 502 });
  answer = { status: 200, body: "<html>" };
  await expect(new RostrumApi({ url }).getRoom("r")).rejects.toMatchObject({ code: "bad_answer" });
});

it("says when the server cannot be reached", async () => {
  await expect(new RostrumApi({ url: "http://127.0.0.1:1" }).getRoom("r")).rejects.toMatchObject({ code: "network" });
});
