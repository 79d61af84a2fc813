import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { RostrumApi } from "../src/index";

/** The part of a browser's XMLHttpRequest that an upload uses; the test plays the network. */
class FakeRequest {
  static last: FakeRequest;
  readonly headers: Record<string, string> = {};
  readonly upload: { onprogress?: (event: { loaded: number; total: number }) => void } = {};
  status = 0;
  responseText = "";
  opened: string[] = [];
  sent: FormData | undefined;
  onload = (): void => undefined;
  onerror = (): void => undefined;
  onabort = (): void => undefined;
  onloadend = (): void => undefined;

  constructor() {
    FakeRequest.last = this;
  }

  open(method: string, address: string): void {
    this.opened = [method, address];
  }

  setRequestHeader(name: string, value: string): void {
    this.headers[name] = value;
  }

  send(form: FormData): void {
    this.sent = form;
  }

  abort(): void {
    this.onabort();
    this.onloadend();
  }

  answer(status: number, body: string): void {
    Object.assign(this, { status, responseText: body });
    this.onload();
    this.onloadend();
  }
}

const files = (): ReturnType<RostrumApi["files"]> => new RostrumApi({ url: "https://live.example", apiKey: "k", token: "t" }).files("r/1");

beforeEach(() => vi.stubGlobal("XMLHttpRequest", FakeRequest));
afterEach(() => vi.unstubAllGlobals());

it("tells how far an upload is", async () => {
  const heard: [number, number][] = [];
  const upload = files().upload(new File(["Hello"], "a.txt"), undefined, { onProgress: (...seen) => heard.push(seen) });
  const request = FakeRequest.last;
  expect(request.opened).toEqual(["POST", "https://live.example/v1/room/r%2F1/upload"]);
  expect(request.headers).toEqual({ "x-api-key": "k", authorization: "Bearer t" });
  expect((request.sent?.get("file") as File).name).toBe("a.txt");
  request.upload.onprogress?.({ loaded: 2, total: 5 });
  request.upload.onprogress?.({ loaded: 5, total: 5 });
  request.answer(200, JSON.stringify({ success: true, data: { filename: "r_a.txt" } }));
  expect(await upload).toEqual({ filename: "r_a.txt" });
  expect(heard).toEqual([[2, 5], [5, 5]]);
});

it("raises what the server refuses", async () => {
  const upload = files().upload(new Blob(["x"]), "a.png");
  FakeRequest.last.answer(413, JSON.stringify({ success: false, code: "picture_too_large", msg: "No." }));
  await expect(upload).rejects.toMatchObject({ code: "picture_too_large", message: "No.", status: 413 });
  const broken = files().upload(new Blob(["x"]));
  FakeRequest.last.answer(200, "<html>");
  await expect(broken).rejects.toMatchObject({ code: "bad_answer" });
  const lost = files().upload(new Blob(["x"]));
  FakeRequest.last.onerror();
  await expect(lost).rejects.toMatchObject({ code: "network" });
});

it("can be called off, before and while it runs", async () => {
  const controller = new AbortController();
  const upload = files().upload(new Blob(["x"]), "a.txt", { signal: controller.signal });
  controller.abort();
  await expect(upload).rejects.toMatchObject({ code: "aborted" });
  await expect(files().upload(new Blob(["x"]), "a.txt", { signal: controller.signal })).rejects.toMatchObject({ code: "aborted" });
});
