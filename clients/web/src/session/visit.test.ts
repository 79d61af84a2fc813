import { RostrumError } from "@rostrum/sdk";
import { get } from "svelte/store";
import { expect, it } from "vitest";
import { FakeRoom } from "../dev/fakeroom";
import { peer, peers, roomState, stream } from "../dev/sample";
import { Devices } from "../devices/devices";
import { AudioOutput } from "../media/output";
import { Toasts } from "../ui/toasts";
import { changes } from "./announcements";
import { Visit } from "./visit";

function visitTo(room: FakeRoom): Visit & { playing: Set<MediaStreamTrack> } {
  const playing = new Set<MediaStreamTrack>();
  const output = new AudioOutput((track) => {
    playing.add(track);
    return { srcObject: null, muted: false, play: () => Promise.resolve(), remove: () => playing.delete(track) };
  });
  const source = { capture: () => Promise.reject(new Error("none")), list: () => Promise.resolve([]), onChange: () => () => undefined };
  const devices = new Devices(source, { name: "", cameraOn: true, micOn: true, cameraId: "c9" });
  const visit = new Visit({ room, devices, output, toasts: new Toasts(), viewerLink: "", panel: "none", now: () => 42 });
  return Object.assign(visit, { playing });
}

const host = peer("host", { role: "host", streams: { camera: stream("camera"), mic: stream("mic") } });

it("plays the others' voices and notes since when there is something to see", () => {
  const room = new FakeRoom();
  const visit = visitTo(room);
  expect(visit.ui.liveSince).toBeNull();
  room.set({ peers: peers(host) });
  expect(visit.playing.size).toBe(1);
  expect(visit.ui.liveSince).toBe(42);
  room.set({ peers: peers() });
  expect(visit.playing.size).toBe(0);
});

it("counts messages that nobody has read", () => {
  const room = new FakeRoom();
  const visit = visitTo(room);
  const message = { id: "1", name: "Ada", message: "hi", timestamp: 0, own: false, state: "sent" } as const;
  room.emit("message", message);
  room.emit("message", message);
  expect(visit.ui.unread).toBe(2);
  visit.togglePanel("chat");
  room.emit("message", message);
  expect(visit.ui).toMatchObject({ panel: "chat", unread: 0 });
});

it("turns the camera on with the chosen device, gives it back, and mutes without giving back", async () => {
  const room = new FakeRoom({ self: peer("me", { isSelf: true, role: "host" }) });
  const visit = visitTo(room);
  await visit.toggleCamera();
  await visit.toggleCamera();
  await visit.toggleMic();
  await visit.toggleMic();
  await visit.toggleMic();
  expect(room.calls).toEqual([["enableCamera", { deviceId: "c9" }], ["disableCamera"], ["enableMic", { deviceId: undefined }], ["setMicPaused", true], ["setMicPaused", false]]);
});

it("does a thing once, however often it is clicked", async () => {
  const room = new FakeRoom();
  const visit = visitTo(room);
  await Promise.all([visit.askForStage(), visit.askForStage(), visit.askForStage()]);
  expect(room.calls).toEqual([["requestCohost"]]);
  expect(visit.ui.busy.size).toBe(0);
});

it("says what failed, but not that the person changed their mind", async () => {
  const room = new FakeRoom({ self: peer("me", { isSelf: true, role: "host" }) });
  room.failures.set("startScreen", new RostrumError("permission_denied", "no"));
  room.failures.set("enableCamera", new RostrumError("device_busy", "busy"));
  room.failures.set("lock", new RostrumError("host_only", "Only the host may do this."));
  const visit = visitTo(room);
  await visit.toggleScreen();
  expect(get(visit.toasts)).toEqual([]);
  await visit.toggleCamera();
  await visit.toggleLock();
  expect(get(visit.toasts).map((toast) => toast.text)).toEqual(["Another program is using the camera.", "Only the host may do this."]);
  visit.close();
});

it("Escape closes the topmost thing first", () => {
  const visit = visitTo(new FakeRoom());
  visit.openPanel("people");
  visit.open({ kind: "end" });
  visit.closeTopmost();
  expect(visit.ui).toMatchObject({ dialog: null, panel: "people" });
  visit.closeTopmost();
  expect(visit.ui.panel).toBe("none");
});

it("opens the reactions or the menu, and the reactions only with a connection", () => {
  const room = new FakeRoom();
  const visit = visitTo(room);
  visit.toggleMenu();
  visit.togglePicker();
  expect(visit.ui).toMatchObject({ menuOpen: false, pickerOpen: true });
  visit.closeTopmost();
  expect(visit.ui.pickerOpen).toBe(false);
  room.set({ connection: "reconnecting" });
  visit.togglePicker();
  expect(visit.ui.pickerOpen).toBe(false);
});

it("asks who reacts too much to wait, and says it once", async () => {
  const room = new FakeRoom();
  room.failures.set("react", new RostrumError("rate_limited", "Too many requests; try again later."));
  const visit = visitTo(room);
  await Promise.all([visit.react("clap"), visit.react("clap")]);
  expect(room.calls).toEqual([["react", "clap"], ["react", "clap"]]);
  expect(get(visit.toasts).map((toast) => toast.text)).toEqual(["That was a lot of reactions. Wait a few seconds before the next one."]);
  visit.close();
});

it("leaves nobody listening", () => {
  const room = new FakeRoom();
  visitTo(room).close();
  expect(room.listening).toBe(0);
});

it("announces what changed and nothing else", () => {
  const before = roomState({ peers: peers(host, peer("v", { name: "Vera" })) });
  const after = { ...before, peers: peers(host, peer("v", { name: "Vera", role: "cohost" })), screenPeerId: "host" };
  expect(changes(before, after).map((line) => line.text)).toEqual(["host is sharing their screen.", "Vera has joined the stage."]);
  expect(changes({ ...before, connection: "reconnecting" }, before).map((line) => line.text)).toEqual(["You are connected again."]);
  expect(changes(before, { ...before, connection: "closed" })).toEqual([]);
});
