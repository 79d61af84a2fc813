export type Shortcut = "mic" | "camera" | "screen" | "chat" | "people" | "close";

const keys: Readonly<Record<string, Shortcut>> = { m: "mic", v: "camera", s: "screen", c: "chat", p: "people", escape: "close" };

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
