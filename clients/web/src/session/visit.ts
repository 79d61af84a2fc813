import { RostrumError, type ReactionKind, type RoomState } from "@rostrum/sdk";
import { writable, type Readable } from "svelte/store";
import type { Devices } from "../devices/devices";
import { deviceProblem } from "../devices/devices";
import type { AudioOutput } from "../media/output";
import { Reactions } from "../reactions/reactions";
import { Quality } from "../stage/quality";
import { isLive } from "../stage/view";
import type { Toasts } from "../ui/toasts";
import { announce } from "./announcements";
import type { RoomLike } from "./roomlike";

export type Panel = "none" | "chat" | "people";
export type Dialog = { kind: "end" } | { kind: "remove"; peerId: string; name: string } | { kind: "settings" } | { kind: "invite" };

/** What the visitor has open and chosen, beside the room's own picture. */
export interface VisitUi {
  panel: Panel;
  menuOpen: boolean;
  pickerOpen: boolean;
  dialog: Dialog | null;
  unread: number;
  pinnedKey: string | null;
  /** Verbs under way: their buttons wait. */
  busy: ReadonlySet<string>;
  /** Epoch milliseconds since when somebody can be seen or heard; null before. */
  liveSince: number | null;
}

export interface VisitParts {
  room: RoomLike;
  devices: Devices;
  output: AudioOutput;
  toasts: Toasts;
  viewerLink: string;
  panel: Panel;
  now?: () => number;
}

/** One stay in a room: what the stage page can show and do. Components render it; nothing is decided in them. */
export class Visit {
  readonly room: RoomLike;
  readonly devices: Devices;
  readonly output: AudioOutput;
  readonly toasts: Toasts;
  readonly reactions: Reactions;
  readonly viewerLink: string;
  readonly #now: () => number;
  readonly #store;
  readonly #owned: (() => void)[] = [];
  readonly #quality = new Quality();
  #ui: VisitUi;

  constructor(parts: VisitParts) {
    this.room = parts.room;
    this.devices = parts.devices;
    this.output = parts.output;
    this.toasts = parts.toasts;
    this.reactions = new Reactions(parts.room);
    this.viewerLink = parts.viewerLink;
    this.#now = parts.now ?? Date.now;
    this.#ui = { panel: parts.panel, menuOpen: false, pickerOpen: false, dialog: null, unread: 0, pinnedKey: null, busy: new Set(), liveSince: null };
    this.#store = writable(this.#ui);
    this.#owned.push(
      this.room.subscribe((state) => this.#follow(state)),
      this.room.on("message", () => this.#ui.panel !== "chat" && this.#change({ unread: this.#ui.unread + 1 })),
      announce(this.room, this.toasts),
    );
    const { speakerId } = this.devices.state;
    if (speakerId !== undefined) void this.output.setSpeaker(speakerId).catch(() => undefined);
  }

  get subscribe(): Readable<VisitUi>["subscribe"] {
    return this.#store.subscribe;
  }

  get ui(): VisitUi {
    return this.#ui;
  }

  close(): void {
    for (const end of this.#owned.splice(0)) end();
    this.reactions.close();
    this.output.close();
    this.devices.close();
    this.toasts.close();
  }

  // What is open

  togglePanel(panel: Exclude<Panel, "none">): void {
    this.openPanel(this.#ui.panel === panel ? "none" : panel);
  }

  openPanel(panel: Panel): void {
    this.#change({ panel, menuOpen: false, pickerOpen: false, unread: panel === "chat" ? 0 : this.#ui.unread });
  }

  toggleMenu(): void {
    this.#change({ menuOpen: !this.#ui.menuOpen, pickerOpen: false });
  }

  closeMenu(): void {
    if (this.#ui.menuOpen) this.#change({ menuOpen: false });
  }

  /** Without a connection nobody would hear of it. */
  togglePicker(): void {
    const pickerOpen = !this.#ui.pickerOpen && this.room.state.connection === "joined";
    this.#change({ pickerOpen, menuOpen: false });
  }

  closePicker(): void {
    if (this.#ui.pickerOpen) this.#change({ pickerOpen: false });
  }

  open(dialog: Dialog): void {
    this.#change({ dialog, menuOpen: false, pickerOpen: false });
    if (dialog.kind === "settings") void this.devices.refresh();
  }

  closeDialog(): void {
    this.#change({ dialog: null });
  }

  /** Escape: the topmost thing that is open. */
  closeTopmost(): void {
    if (this.#ui.dialog) this.closeDialog();
    else if (this.#ui.menuOpen) this.closeMenu();
    else if (this.#ui.pickerOpen) this.closePicker();
    else if (this.#ui.panel !== "none") this.openPanel("none");
    else this.#change({ pinnedKey: null });
  }

  togglePin(key: string): void {
    this.#change({ pinnedKey: this.#ui.pinnedKey === key ? null : key });
  }

  /** The stage tells how wide its tiles are, in device pixels. */
  sized(widths: ReadonlyMap<string, number>): void {
    this.#quality.fit(this.room.state, widths);
  }

  // One's own devices

  toggleMic(): Promise<void> {
    return this.#run("mic", async () => {
      const { mic } = this.room.state.local;
      if (mic) await this.room.setMicPaused(!mic.paused);
      else await this.room.enableMic({ deviceId: this.devices.state.micId });
    });
  }

  /** Off gives the camera back, so that its light goes out. */
  toggleCamera(): Promise<void> {
    return this.#run("camera", async () => {
      if (this.room.state.local.camera) await this.room.disableCamera();
      else await this.room.enableCamera({ deviceId: this.devices.state.cameraId });
    });
  }

  toggleScreen(): Promise<void> {
    this.closeMenu();
    return this.#run("screen", () => (this.room.state.local.screen ? this.room.stopScreen() : this.room.startScreen({ audio: true })));
  }

  /** Changes to another device at once where one is in use, else for the next time. */
  chooseDevice(kind: "camera" | "mic" | "speaker", id: string): Promise<void> {
    return this.#run(kind, async () => {
      await this.devices.select(kind, id);
      if (kind === "speaker") await this.output.setSpeaker(id);
      else if (kind === "camera" && this.room.state.local.camera) await this.room.switchCamera(id);
      else if (kind === "mic" && this.room.state.local.mic) await this.room.switchMic(id);
    });
  }

  // With the others

  send(text: string): Promise<void> {
    return this.room.sendMessage(text).catch((thrown: unknown) => this.#fail(thrown));
  }

  react(kind: ReactionKind): Promise<void> {
    return this.reactions.react(kind).catch((thrown: unknown) => this.#fail(thrown, "react"));
  }

  askForStage(): Promise<void> {
    return this.#run("request", () => this.room.requestCohost());
  }

  respond(requestId: string, accepted: boolean): Promise<void> {
    return this.#run(`respond:${requestId}`, () => this.room.respondCohost(requestId, accepted));
  }

  mute(peerId: string): Promise<void> {
    return this.#run(`mute:${peerId}`, () => this.room.mutePeer(peerId));
  }

  demote(peerId: string): Promise<void> {
    return this.#run(`demote:${peerId}`, () => this.room.removeCohost(peerId));
  }

  /** Back into the audience by oneself. */
  stepDown(): Promise<void> {
    this.closeMenu();
    return this.demote(this.room.state.self?.id ?? "");
  }

  remove(peerId: string): Promise<void> {
    this.closeDialog();
    return this.#run(`remove:${peerId}`, () => this.room.removePeer(peerId));
  }

  toggleLock(): Promise<void> {
    return this.#run("lock", async () => {
      const locked = !(this.room.state.room?.locked ?? false);
      await this.room.lock(locked);
      this.toasts.add(locked ? "The webinar is locked: nobody new comes in." : "The webinar is open again.");
    });
  }

  leave(): Promise<void> {
    return this.#run("leave", () => this.room.leave());
  }

  end(): Promise<void> {
    return this.#run("end", () => this.room.end());
  }

  #follow(state: RoomState): void {
    if (this.#ui.liveSince === null && isLive(state)) this.#change({ liveSince: this.#now() });
    this.output.play(voicesOf(state));
  }

  /** Does one thing once: a second click while it is under way does nothing. Failures become toasts. */
  async #run(verb: string, act: () => Promise<void>): Promise<void> {
    if (this.#ui.busy.has(verb)) return;
    this.#change({ busy: new Set([...this.#ui.busy, verb]) });
    try {
      await act();
    } catch (thrown) {
      this.#fail(thrown, verb);
    } finally {
      this.#change({ busy: new Set([...this.#ui.busy].filter((one) => one !== verb)) });
    }
  }

  #fail(thrown: unknown, verb = ""): void {
    const code = thrown instanceof RostrumError ? thrown.code : "";
    // Whoever closes the browser's own chooser has not met an error.
    if (code === "closed" || (verb === "screen" && code === "permission_denied")) return;
    if (verb === "react" && code === "rate_limited") this.toasts.add("That was a lot of reactions. Wait a few seconds before the next one.");
    else if (verb === "camera" || verb === "mic") this.toasts.add(deviceSentence(verb, thrown), "bad");
    else this.toasts.add(thrown instanceof Error ? thrown.message : "That did not work.", "bad");
  }

  #change(change: Partial<VisitUi>): void {
    this.#ui = { ...this.#ui, ...change };
    this.#store.set(this.#ui);
  }
}

function deviceSentence(kind: "camera" | "mic", thrown: unknown): string {
  const isDevice = thrown instanceof RostrumError && ["permission_denied", "device_not_found", "device_busy", "device_failed", "unsupported"].includes(thrown.code);
  return isDevice || !(thrown instanceof Error) ? deviceProblem(kind, thrown) : thrown.message;
}

/** Everything that can be heard: the others' microphones and the sound of shared screens. */
function voicesOf(state: RoomState): Map<string, MediaStreamTrack> {
  const streams = [...state.peers.values()].flatMap((peer) => Object.values(peer.streams));
  return new Map(streams.filter((stream) => stream.kind === "audio").map((stream) => [stream.producerId, stream.track]));
}
