import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
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
let answer: { status: number; body: string; headers?: Record<string, string> };

beforeEach(async () => {
  calls = [];
  answer = { status: 200, body: "{}" };
  http = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => (text += String(chunk)));
    request.on("end", () => {
      const json = request.headers["content-type"] === "application/json";
      calls.push({ method: request.method ?? "", path: request.url ?? "", headers: request.headers, body: json ? JSON.parse(text) : text || null });
      response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers }).end(answer.body);
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

it("keeps the newest token and forgets it with the session", async () => {
  const api = new RostrumApi({ url, apiKey: "k" });
  for (const begin of [() => api.login("a@b.example", "x"), () => api.refresh(), () => api.changePassword("x", "y")]) {
    answers({ token: `jwt-${calls.length}`, tokenType: "Bearer", expiresIn: 60, user: {} });
    await begin();
    expect(api.token).toBe(`jwt-${calls.length - 1}`);
  }
  answer = { status: 200, body: JSON.stringify({ success: true, message: "Logged out." }) };
  await api.logout();
  expect(calls.at(-1)?.headers.authorization).toBe("Bearer jwt-2");
  expect(api.token).toBeUndefined();
});

it("walks through pages with filters", async () => {
  const api = new RostrumApi({ url, apiKey: "k" });
  answer = { status: 200, body: JSON.stringify({ success: true, data: [{ id: "a" }], msg: "" }), headers: { "x-next-cursor": "1.a" } };
  const first = await api.listRooms({ ownerId: "u&1", isPrivate: false, limit: 1 });
  expect(first).toEqual({ items: [{ id: "a" }], next: "1.a" });
  answers([]);
  expect(await api.listRooms({ cursor: first.next, limit: 1 })).toEqual({ items: [], next: null });
  expect(calls.map((call) => call.path)).toEqual(["/v1/rooms?ownerId=u%261&isPrivate=false&limit=1", "/v1/rooms?cursor=1.a&limit=1"]);
  answer = { status: 200, body: JSON.stringify({ data: [{ _id: "m" }] }) };
  expect((await api.listMeetings("u/1")).items).toEqual([{ _id: "m" }]);
  expect(calls.at(-1)?.path).toBe("/v1/meetings/list/u%2F1");
});

it("asks each path as it is documented", async () => {
  const api = new RostrumApi({ url, apiKey: "k", token: "t" });
  const files = api.files("r");
  const meeting = { title: "T", hostId: "u", transcriptEnabled: false };
  const asked: [() => Promise<unknown>, string, string, unknown][] = [
    [() => api.me(), "GET", "/v1/users/me", null],
    [() => api.exportData(), "GET", "/v1/users/me/export", null],
    [() => api.deleteAccount("p"), "DELETE", "/v1/users/me", { password: "p" }],
    [() => api.forgotPassword("e"), "POST", "/v1/auth/forgot-password", { email: "e" }],
    [() => api.resetPassword("t", "n"), "POST", "/v1/auth/reset-password", { token: "t", newPassword: "n" }],
    [() => api.features(), "GET", "/v1/features", null],
    [() => api.changeRoom("r", { maxParticipants: null }), "PATCH", "/v1/rooms/r", { maxParticipants: null }],
    [() => api.addCohost("r", "u"), "PUT", "/v1/rooms/r/cohosts/u", null],
    [() => api.messages("r", { limit: 5 }), "GET", "/v1/rooms/r/messages?limit=5", null],
    [() => api.createMeeting(meeting), "POST", "/v1/meetings/create", meeting],
    [() => api.getMeeting("m"), "GET", "/v1/meetings/m", null],
    [() => api.changeMeeting("m", { recordingId: "1_2" }), "PATCH", "/v1/meetings/m", { recordingId: "1_2" }],
    [() => files.list(), "GET", "/v1/room/r/files", null],
    [() => files.get("r_a b.txt"), "GET", "/v1/room/r/files/r_a%20b.txt", null],
    [() => files.download("r_a.txt"), "GET", "/v1/room/r/files/r_a.txt?download=1", null],
    [() => files.delete("r_a.txt"), "DELETE", "/v1/room/r/files/r_a.txt", null],
  ];
  for (const [ask, method, address, body] of asked) {
    answers([]);
    await ask();
    expect(calls.at(-1)).toMatchObject({ method, path: address, body });
  }
  answer = { status: 204, body: "" };
  await api.deleteRoom("r");
  await api.removeCohost("r", "u");
  answers({ deletedCount: 3 });
  expect(await files.deleteAll()).toBe(3);
});

it("uploads a file as a form", async () => {
  answers({ filename: "r_a.txt", size: 5 });
  const onProgress = vi.fn();
  const made = await new RostrumApi({ url, apiKey: "k" }).files("r").upload(new File(["Hello"], "a.txt"), undefined, { onProgress });
  expect(made).toMatchObject({ filename: "r_a.txt" });
  expect(calls[0]).toMatchObject({ method: "POST", path: "/v1/room/r/upload" });
  expect(calls[0]?.headers["content-type"]).toMatch(/^multipart\/form-data; boundary=/);
  expect(String(calls[0]?.body)).toContain('name="file"; filename="a.txt"');
  expect(onProgress).toHaveBeenLastCalledWith(5, 5);
  answer = { status: 413, body: JSON.stringify({ code: "file_too_large", msg: "Too large." }) };
  const refused = new RostrumApi({ url, apiKey: "k" }).files("r").upload(new Blob(["x"]), "b.txt");
  await expect(refused).rejects.toMatchObject({ code: "file_too_large", status: 413 });
});

it("calls an upload off", async () => {
  const signal = AbortSignal.abort();
  const upload = new RostrumApi({ url }).files("r").upload(new Blob(["x"]), "b.txt", { signal });
  await expect(upload).rejects.toMatchObject({ code: "aborted" });
});
