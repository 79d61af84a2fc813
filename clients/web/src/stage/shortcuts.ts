export type Shortcut = "mic" | "camera" | "screen" | "chat" | "people" | "reactions" | "close";

const keys: Readonly<Record<string, Shortcut>> = { m: "mic", v: "camera", s: "screen", c: "chat", p: "people", r: "reactions", escape: "close" };

export interface KeyPress {
  key: string;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
  repeat: boolean;
}

/** What a key asks for; letters mean nothing while the person is typing, or with a modifier that means another thing. */
export function shortcutFor(press: KeyPress, typing: boolean): Shortcut | null {
  if (press.ctrlKey || press.altKey || press.metaKey || press.repeat) return null;
  const shortcut = keys[press.key.toLowerCase()] ?? null;
  return typing && shortcut !== "close" ? null : shortcut;
}

/** Whether keys go into a field, or a dialog has them. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.closest("input, textarea, select, dialog") !== null;
}

/** What of a visit the keyboard reaches. */
export interface Reachable {
  toggleMic(): Promise<void>;
  toggleCamera(): Promise<void>;
  toggleScreen(): Promise<void>;
  togglePanel(panel: "chat" | "people"): void;
  togglePicker(): void;
  closeTopmost(): void;
  readonly room: { readonly state: { readonly self: { readonly role: string } | null } };
}

/** Does what a pressed key asks for. */
export function pressed(visit: Reachable, event: KeyboardEvent): void {
  const shortcut = shortcutFor(event, isTyping(event.target));
  if (shortcut === null) return;
  const onStage = visit.room.state.self?.role !== "viewer";
  if (shortcut === "chat" || shortcut === "people") visit.togglePanel(shortcut);
  else if (shortcut === "reactions") visit.togglePicker();
  else if (shortcut === "close") visit.closeTopmost();
  else if (onStage && shortcut === "mic") void visit.toggleMic();
  else if (onStage && shortcut === "camera") void visit.toggleCamera();
  else if (onStage && shortcut === "screen" && canShareScreen) void visit.toggleScreen();
  else return;
  event.preventDefault();
}

/** Phones have no such thing. */
export const canShareScreen = typeof navigator !== "undefined" && typeof (navigator as Partial<Navigator>).mediaDevices?.getDisplayMedia === "function";
