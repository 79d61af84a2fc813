import { RostrumError, type GuestToken, type PublicRoom, type RoomOptions } from "@rostrum/sdk";
import { writable, type Readable } from "svelte/store";
import { noticeFor, type Notice } from "../app/notices";
import type { Devices } from "../devices/devices";
import type { Invitation } from "../routing/invitation";
import { mayPresent, readToken } from "../routing/token";
import { forgetGuest, recall, recallGuest, remember, rememberGuest } from "../session/memory";
import type { RoomLike } from "../session/roomlike";

export interface LobbyState {
  phase: "loading" | "ready" | "entering";
  room: PublicRoom | null;
  name: string;
  nameProblem: string | null;
  /** Why entering failed, where trying again makes sense. */
  problem: string | null;
  /** Whether camera and microphone are offered. */
  presents: boolean;
  role: "host" | "cohost" | "viewer" | null;
}

/** The REST calls a lobby makes. */
export interface LobbyApi {
  getRoom(roomId: string): Promise<PublicRoom>;
  guestToken(roomId: string, name: string): Promise<GuestToken>;
}

export interface LobbyParts {
  invitation: Invitation;
  url: string;
  api: LobbyApi;
  devices: Devices;
  openRoom: (options: RoomOptions) => RoomLike;
  /** For good, and for this tab; absent where the browser forbids them. */
  local: Storage | undefined;
  tab: Storage | undefined;
  onEntered: (room: RoomLike) => void;
  /** A device that did not come along onto the stage, in a sentence. */
  onTrouble: (sentence: string) => void;
  onRefused: (notice: Notice) => void;
  now?: () => number;
}

const NAME_LIMIT = 80;

/** The page before the stage: who one is, which devices, and then in. */
export class Lobby {
  readonly devices: Devices;
  readonly #parts: LobbyParts;
  readonly #store;
  #state: LobbyState;
  #closed = false;

  constructor(parts: LobbyParts) {
    this.#parts = parts;
    this.devices = parts.devices;
    const { token, roomId } = parts.invitation;
    const guest = recallGuest(parts.tab, roomId, this.#now());
    const facts = token === undefined ? null : readToken(token);
    this.#state = {
      phase: "loading",
      room: null,
      name: facts?.name ?? guest?.name ?? recall(parts.local).name,
      nameProblem: null,
      problem: null,
      presents: mayPresent(token),
      role: facts?.role ?? null,
    };
    this.#store = writable(this.#state);
  }

  get subscribe(): Readable<LobbyState>["subscribe"] {
    return this.#store.subscribe;
  }

  get state(): LobbyState {
    return this.#state;
  }

  /** Learns what room this is, and previews the devices of those who will need them. */
  async load(): Promise<void> {
    this.#change({ phase: "loading", problem: null });
    if (this.#state.presents) void this.devices.preview();
    try {
      this.#change({ room: await this.#parts.api.getRoom(this.#parts.invitation.roomId), phase: "ready" });
    } catch (thrown) {
      this.#notFound(thrown);
    }
  }

  setName(name: string): void {
    this.#change({ name: name.slice(0, NAME_LIMIT), nameProblem: null });
  }

  /** Joins and goes live with the devices that are on. */
  async enter(): Promise<void> {
    if (this.#state.phase !== "ready") return;
    const name = this.#state.name.trim();
    if (name === "") return this.#change({ nameProblem: "Please tell the others your name." });
    this.#change({ phase: "entering", problem: null });
    try {
      const room = await this.#join(name);
      if (this.#closed) return void room.leave();
      this.#remember(name);
      this.#parts.onEntered(room);
      await this.#goLive(room);
    } catch (thrown) {
      this.#refused(thrown);
    }
  }

  /** Ends the lobby; after entering, the devices belong to the visit. */
  close(): void {
    this.#closed = true;
  }

  async #join(name: string): Promise<RoomLike> {
    const { invitation, url, openRoom } = this.#parts;
    const token = invitation.token ?? (await this.#guestToken(name));
    const room = openRoom({ url, roomId: invitation.roomId, apiKey: invitation.key, token, name, forceTcp: invitation.forceTcp });
    await room.join();
    return room;
  }

  /** A guest who comes back in this tab under the same name is the same guest. */
  async #guestToken(name: string): Promise<string | undefined> {
    const { invitation, api, tab } = this.#parts;
    if (invitation.key === undefined) return undefined;
    const known = recallGuest(tab, invitation.roomId, this.#now());
    if (known?.name === name) return known.token;
    const { token, expiresAt } = await api.guestToken(invitation.roomId, name);
    rememberGuest(tab, invitation.roomId, { token, name }, Date.parse(expiresAt));
    return token;
  }

  /** Being in the room comes first: a device follows as soon as it is there, and one that fails says so on stage. */
  async #goLive(room: RoomLike): Promise<void> {
    await Promise.all([
      this.#publish(room, "mic", (track) => room.enableMic({ track })),
      this.#publish(room, "camera", (track) => room.enableCamera({ track })),
    ]);
  }

  async #publish(room: RoomLike, kind: "camera" | "mic", enable: (track: MediaStreamTrack) => Promise<void>): Promise<void> {
    const track = await this.devices.take(kind);
    if (!track) return;
    if (room.state.self?.role === "viewer") return track.stop();
    await enable(track).catch((thrown: unknown) => this.#lost(track, kind === "mic" ? "microphone" : "camera", thrown));
  }

  #lost(track: MediaStreamTrack, what: string, thrown: unknown): void {
    track.stop();
    const gone = thrown instanceof RostrumError && thrown.code === "closed";
    if (!gone) this.#parts.onTrouble(`Your ${what} is not on yet. Try its button again.`);
  }

  #remember(name: string): void {
    const { cameraId, micId, speakerId, cameraOn, micOn } = this.devices.state;
    const devices = this.#state.presents ? { cameraId, micId, speakerId, cameraOn, micOn } : {};
    remember(this.#parts.local, { name, ...devices });
  }

  #notFound(thrown: unknown): void {
    if (this.#closed) return;
    const error = thrown instanceof RostrumError ? thrown : null;
    // Where the facts are not for this caller, the door itself decides (open rooms need no key at all).
    if (error?.status === 401) return this.#change({ phase: "ready" });
    this.#parts.onRefused(noticeFor(error?.code ?? "failed", error?.message));
  }

  #refused(thrown: unknown): void {
    if (this.#closed) return;
    const error = thrown instanceof RostrumError ? thrown : null;
    const { invitation, tab } = this.#parts;
    // A guest's remembered token may have run out on the server's side: the next try takes a new one.
    if (invitation.token === undefined) forgetGuest(tab, invitation.roomId);
    const missing = invitation.key === undefined && invitation.token === undefined && error?.code === "unauthorized";
    const notice = noticeFor(missing ? "invalid_api_key" : (error?.code ?? "failed"), error?.message);
    if (notice.kind !== "failed") return this.#parts.onRefused(notice);
    this.#change({ phase: "ready", problem: error?.message ?? "Joining did not work. Please try again." });
  }

  #now(): number {
    return (this.#parts.now ?? Date.now)();
  }

  #change(change: Partial<LobbyState>): void {
    this.#state = { ...this.#state, ...change };
    this.#store.set(this.#state);
  }
}

/** What the lobby says to this person under the room's name. */
export function welcome(state: Pick<LobbyState, "role" | "presents">): string {
  if (state.role === "host") return "You are the host. Check how you look and sound, then go on stage.";
  if (state.role === "cohost") return "You are invited as a co-host. Check how you look and sound, then go on stage.";
  return state.presents ? "Check how you look and sound, then go on stage." : "Watch, listen and take part in the chat. No camera or microphone needed.";
}
