import { Room, RostrumApi } from "@rostrum/sdk";
import { writable, type Readable } from "svelte/store";
import { browserDevices, Devices } from "../devices/devices";
import { Lobby } from "../lobby/lobby";
import { AudioOutput } from "../media/output";
import { keepAwake } from "../media/wakelock";
import { invitationPath, parseLocation, viewerLink, type Invitation } from "../routing/invitation";
import { recall } from "../session/memory";
import type { RoomLike } from "../session/roomlike";
import { Visit, type Panel } from "../session/visit";
import { Toasts } from "../ui/toasts";
import { noticeFor, type Notice } from "./notices";

/** The page that is shown, with the model that stands behind it. */
export type Page =
  | { name: "start" }
  | { name: "lobby"; lobby: Lobby }
  | { name: "stage"; visit: Visit }
  | { name: "notice"; notice: Notice; invitation: Invitation | null };

declare global {
  interface Window {
    /** The live room, for support and for tests. */
    rostrum?: { room: RoomLike };
  }
}

/** Which page comes after which. One instance a tab. */
export class App {
  readonly #window: Window;
  readonly #store = writable<Page>({ name: "start" });
  #page: Page = { name: "start" };
  #endRoom: (() => void) | null = null;

  constructor(window: Window) {
    this.#window = window;
  }

  get subscribe(): Readable<Page>["subscribe"] {
    return this.#store.subscribe;
  }

  /** Shows what the address asks for, now and whenever it changes. */
  start(): void {
    this.#window.addEventListener("popstate", () => this.#route());
    this.#window.addEventListener("hashchange", () => this.#route());
    this.#route();
  }

  visit(invitation: Invitation): void {
    this.#window.history.pushState(null, "", invitationPath(invitation));
    this.#route();
  }

  home(): void {
    this.#window.history.pushState(null, "", "/");
    this.#route();
  }

  #route(): void {
    const route = parseLocation(this.#window.location);
    if (route.page === "join") this.#openLobby(route.invitation);
    else if (route.page === "start") this.#show({ name: "start" });
    else this.#show({ name: "notice", notice: noticeFor("not_found"), invitation: null });
  }

  #openLobby(invitation: Invitation): void {
    const { origin } = this.#window.location;
    const [local, tab] = [storage(() => this.#window.localStorage), storage(() => this.#window.sessionStorage)];
    const devices = new Devices(browserDevices, recall(local));
    const lobby = new Lobby({
      invitation,
      url: origin,
      api: new RostrumApi({ url: origin, apiKey: invitation.key, token: invitation.token }),
      devices,
      openRoom: (options) => new Room(options),
      local,
      tab,
      onEntered: (room) => this.#enter(room, devices, invitation),
      onTrouble: (sentence) => this.#page.name === "stage" && this.#page.visit.toasts.add(sentence, "bad"),
      onRefused: (notice) => this.#show({ name: "notice", notice, invitation }),
    });
    this.#show({ name: "lobby", lobby });
    void lobby.load();
  }

  #enter(room: RoomLike, devices: Devices, invitation: Invitation): void {
    const link = viewerLink(invitation, this.#window.location.origin);
    const panel = firstPanel(room, this.#window);
    const visit = new Visit({ room, devices, output: new AudioOutput(), toasts: new Toasts(), viewerLink: link, panel });
    this.#window.rostrum = { room };
    this.#show({ name: "stage", visit });
    const sleepAgain = keepAwake();
    const stopListening = room.subscribe((state) => {
      if (state.connection !== "closed") return;
      const notice = noticeFor(state.closedReason ?? "failed", state.error?.message);
      // The room's last word may come while its own listeners are being called.
      queueMicrotask(() => this.#page.name === "stage" && this.#page.visit === visit && this.#show({ name: "notice", notice, invitation }));
    });
    this.#endRoom = () => {
      stopListening();
      sleepAgain();
    };
  }

  #show(page: Page): void {
    const before = this.#page;
    this.#page = page;
    this.#store.set(page);
    if (before !== page) this.#dispose(before, page);
  }

  /** What a page owned ends with it; only the lobby's devices go on into the visit. */
  #dispose(page: Page, next: Page): void {
    if (page.name === "stage") {
      this.#endRoom?.();
      delete this.#window.rostrum;
      void page.visit.room.leave();
      page.visit.close();
    }
    if (page.name === "lobby") {
      page.lobby.close();
      if (next.name !== "stage") page.lobby.devices.close();
    }
  }
}

/** On a phone the chat lies under the picture from the beginning for those who watch. */
function firstPanel(room: RoomLike, window: Window): Panel {
  const isPhone = window.matchMedia("(max-width: 640px) and (orientation: portrait)").matches;
  return isPhone && room.state.self?.role === "viewer" ? "chat" : "none";
}

/** A browser may forbid storage by raising at the first touch. */
function storage(get: () => Storage): Storage | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}
