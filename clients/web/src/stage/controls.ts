import type { RoomState } from "@rostrum/sdk";

/** Which controls there are for this person now, and what each would do. */
export interface ControlsView {
  /** May send audio and video. */
  onStage: boolean;
  isHost: boolean;
  mic: Toggle;
  camera: Toggle;
  screen: Toggle;
  /** Null for those on stage already. */
  request: RequestView | null;
  react: { disabled: boolean };
  locked: boolean;
}

export interface Toggle {
  visible: boolean;
  on: boolean;
  label: string;
  disabled: boolean;
}

export interface RequestView {
  label: string;
  /** Beside the icon; `short` where there is little room. */
  text: string;
  short: string;
  disabled: boolean;
  pending: boolean;
}

export interface Means {
  /** The browser can share a screen; phones cannot. */
  canShareScreen: boolean;
  busy: ReadonlySet<string>;
}

export function controlsView(state: RoomState, means: Means): ControlsView {
  const onStage = state.self !== null && state.self.role !== "viewer";
  const online = state.connection === "joined";
  return {
    onStage,
    isHost: state.self?.role === "host",
    mic: micToggle(state, onStage, means),
    camera: cameraToggle(state, onStage, means),
    screen: screenToggle(state, onStage && means.canShareScreen, means),
    request: onStage ? null : requestView(state, online && !means.busy.has("request")),
    react: { disabled: !online },
    locked: state.room?.locked ?? false,
  };
}

function micToggle(state: RoomState, visible: boolean, { busy }: Means): Toggle {
  const on = state.local.mic !== null && !state.local.mic.paused;
  return { visible, on, label: on ? "Mute" : "Unmute", disabled: busy.has("mic") };
}

function cameraToggle(state: RoomState, visible: boolean, { busy }: Means): Toggle {
  const on = state.local.camera !== null && !state.local.camera.paused;
  return { visible, on, label: on ? "Stop video" : "Start video", disabled: busy.has("camera") };
}

function screenToggle(state: RoomState, visible: boolean, { busy }: Means): Toggle {
  const on = state.local.screen !== null;
  const taken = !on && state.screenPeerId !== null && state.screenPeerId !== state.self?.id;
  const label = on ? "Stop sharing" : taken ? "Somebody else is sharing" : "Share screen";
  return { visible, on, label, disabled: busy.has("screen") || taken };
}

function requestView(state: RoomState, free: boolean): RequestView {
  const pending = state.myCohostRequest === "pending";
  const words = pending
    ? { label: "Request sent", text: "Request sent", short: "Sent" }
    : { label: "Ask to join the stage", text: "Join the stage", short: "Join" };
  return { ...words, disabled: pending || !free, pending };
}
