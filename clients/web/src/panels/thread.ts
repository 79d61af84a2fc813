import type { ChatMessage } from "@rostrum/sdk";

/** The chat as it is shown: messages of one author close in time stand under one name. */

export interface MessageView {
  id: string;
  parts: TextPart[];
  state: ChatMessage["state"];
}

export interface MessageGroup {
  /** The first message's id. */
  key: string;
  name: string;
  own: boolean;
  time: string;
  messages: MessageView[];
}

/** A piece of a message: plain text, or a web address with what to show for it. */
export type TextPart = { text: string; href?: undefined } | { text: string; href: string };

const TOGETHER_MS = 3 * 60_000;

export function thread(chat: readonly ChatMessage[], formatTime: (ms: number) => string = clockTime): MessageGroup[] {
  const groups: MessageGroup[] = [];
  let before: ChatMessage | undefined;
  for (const message of chat) {
    const group = groups.at(-1);
    const view = { id: message.id, parts: textParts(message.message), state: message.state };
    if (group && before && belongTogether(before, message)) group.messages.push(view);
    else groups.push({ key: message.id, name: message.own ? "You" : message.name, own: message.own, time: formatTime(message.timestamp), messages: [view] });
    before = message;
  }
  return groups;
}

function belongTogether(a: ChatMessage, b: ChatMessage): boolean {
  return a.own === b.own && a.peerId === b.peerId && a.name === b.name && b.timestamp - a.timestamp < TOGETHER_MS;
}

/** Splits a message at its http and https addresses; nothing else becomes a link. */
export function textParts(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let from = 0;
  for (const match of text.matchAll(/https?:\/\/[^\s<>"']+/g)) {
    const address = match[0].replace(/[.,;:!?)\]}]+$/, "");
    if (!isWebAddress(address)) continue;
    if (match.index > from) parts.push({ text: text.slice(from, match.index) });
    parts.push({ text: address, href: address });
    from = match.index + address.length;
  }
  if (from < text.length) parts.push({ text: text.slice(from) });
  return parts;
}

function isWebAddress(text: string): boolean {
  return URL.canParse(text) && new URL(text).hostname !== "";
}

export function clockTime(ms: number): string {
  return new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

/** Characters that a message may have; the server's limit is 4 KB. */
export const MESSAGE_LIMIT = 1000;

/** What was typed, as it will be sent; null when there is nothing to send. */
export function sendable(draft: string): string | null {
  const text = draft.trim();
  return text === "" ? null : text.slice(0, MESSAGE_LIMIT);
}
