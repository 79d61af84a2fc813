/**
 * What the browser remembers between pages: names and devices for good, a guest's token for the tab.
 * The token is kept so that a guest who reloads the page is the same participant, not a second one.
 */
export interface Memory {
  name: string;
  cameraId?: string;
  micId?: string;
  speakerId?: string;
  cameraOn: boolean;
  micOn: boolean;
}

const PREFERENCES = "rostrum.preferences";
const NOTHING: Memory = { name: "", cameraOn: true, micOn: true };

/** A Storage that may be absent or refuse (private windows, blocked cookies): then nothing is remembered. */
type MaybeStorage = Pick<Storage, "getItem" | "setItem" | "removeItem"> | undefined;

export function recall(storage: MaybeStorage): Memory {
  const read = readJson(storage, PREFERENCES);
  return {
    name: text(read["name"]) ?? NOTHING.name,
    cameraId: text(read["cameraId"]),
    micId: text(read["micId"]),
    speakerId: text(read["speakerId"]),
    cameraOn: read["cameraOn"] !== false,
    micOn: read["micOn"] !== false,
  };
}

export function remember(storage: MaybeStorage, change: Partial<Memory>): void {
  writeJson(storage, PREFERENCES, { ...recall(storage), ...change });
}

export interface GuestPass {
  token: string;
  name: string;
}

export function recallGuest(storage: MaybeStorage, roomId: string, now: number): GuestPass | null {
  const read = readJson(storage, guestKey(roomId));
  const token = text(read["token"]);
  const expiresAt = typeof read["expiresAt"] === "number" ? read["expiresAt"] : 0;
  return token && expiresAt > now ? { token, name: text(read["name"]) ?? "" } : null;
}

/** @param expiresAt epoch milliseconds */
export function rememberGuest(storage: MaybeStorage, roomId: string, pass: GuestPass, expiresAt: number): void {
  writeJson(storage, guestKey(roomId), { ...pass, expiresAt });
}

export function forgetGuest(storage: MaybeStorage, roomId: string): void {
  try {
    storage?.removeItem(guestKey(roomId));
  } catch {
    // A storage that refuses has nothing to forget.
  }
}

function guestKey(roomId: string): string {
  return `rostrum.guest.${roomId}`;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function readJson(storage: MaybeStorage, key: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(storage?.getItem(key) ?? "{}");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function writeJson(storage: MaybeStorage, key: string, value: unknown): void {
  try {
    storage?.setItem(key, JSON.stringify(value));
  } catch {
    // A full or forbidden storage costs comfort, never the visit.
  }
}
