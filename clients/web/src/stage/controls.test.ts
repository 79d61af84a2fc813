import { expect, it } from "vitest";
import { fakeTrack, peer, roomState } from "../dev/sample";
import { controlsView } from "./controls";

const MEANS = { canShareScreen: true, busy: new Set<string>() };
const host = peer("me", { isSelf: true, role: "host" });
const local = (source: "mic" | "screen", paused = false) => ({ source, track: fakeTrack("t"), producerId: "p", paused });

it("offers a viewer a request and no devices", () => {
  const view = controlsView(roomState(), MEANS);
  expect(view.mic.visible || view.camera.visible || view.screen.visible).toBe(false);
  expect(view.request).toMatchObject({ disabled: false, pending: false });
  expect(controlsView(roomState({ myCohostRequest: "pending" }), MEANS).request).toMatchObject({ disabled: true, pending: true });
  expect(controlsView(roomState({ connection: "reconnecting" }), MEANS).request?.disabled).toBe(true);
  expect(view.react.disabled).toBe(false);
  expect(controlsView(roomState({ connection: "reconnecting" }), MEANS).react.disabled).toBe(true);
});

it("shows what the devices do", () => {
  const muted = roomState({ self: host, local: { camera: null, mic: local("mic", true), screen: null, screenAudio: null } });
  expect(controlsView(muted, MEANS).mic).toMatchObject({ visible: true, on: false, label: "Unmute" });
  const open = roomState({ self: host, local: { camera: null, mic: local("mic"), screen: local("screen"), screenAudio: null }, screenPeerId: "me" });
  expect(controlsView(open, MEANS)).toMatchObject({ mic: { on: true }, screen: { on: true, disabled: false }, request: null, isHost: true });
});

it("leaves the screen to whoever shares one, and out where the browser cannot", () => {
  expect(controlsView(roomState({ self: host, screenPeerId: "other" }), MEANS).screen.disabled).toBe(true);
  expect(controlsView(roomState({ self: host }), { ...MEANS, canShareScreen: false }).screen.visible).toBe(false);
});
