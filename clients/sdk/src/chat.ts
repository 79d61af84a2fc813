import type { WireMessage } from "./events";
import type { ChatMessage } from "./types";

/** Pure calculation on the list of chat messages. */

/** Only so many messages are kept in memory. */
export const chatLimit = 1000;

export function asMillis(time: number | string): number {
  return typeof time === "number" ? time : Date.parse(time);
}

function fromWire(message: WireMessage, own: boolean): ChatMessage {
  const { id, name, message: text, peer_id: peerId } = message;
  return { id, peerId, name, message: text, timestamp: asMillis(message.timestamp), own, state: "sent" };
}

/** Adds a message that the server announced; one that is there already (also as one's own unsent one) is not doubled. */
export function addMessage(chat: readonly ChatMessage[], message: WireMessage, selfId: string | null): readonly ChatMessage[] {
  if (chat.some((known) => known.id === message.id)) return chat;
  if (message.clientId !== undefined && chat.some((known) => known.own && known.id === message.clientId)) {
    return settleMessage(chat, message.clientId, { id: message.id, timestamp: asMillis(message.timestamp), state: "sent" });
  }
  return bounded([...chat, fromWire(message, selfId !== null && message.peer_id === selfId)]);
}

/** Changes one of one's own messages, known by the id that the client gave it. */
export function settleMessage(chat: readonly ChatMessage[], clientId: string, change: Partial<ChatMessage>): readonly ChatMessage[] {
  const index = chat.findIndex((known) => known.own && known.id === clientId);
  const before = chat[index];
  if (!before) return chat;
  const after = { ...before, ...change };
  // The broadcast may have been faster than the acknowledgement.
  if (after.id !== before.id && chat.some((known) => known.id === after.id)) {
    return chat.filter((known) => known !== before).map((known) => (known.id === after.id ? { ...known, own: true } : known));
  }
  return chat.with(index, after);
}

/** History and what is on the page as one list, in the order of time, unsent messages last. */
export function mergeHistory(chat: readonly ChatMessage[], history: readonly WireMessage[], selfId: string): readonly ChatMessage[] {
  const merged = history.reduce((list, message) => addMessage(list, message, selfId), chat);
  if (merged === chat) return chat;
  const unsent = (message: ChatMessage): number => (message.state === "sent" ? 0 : 1);
  return [...merged].sort((a, b) => unsent(a) - unsent(b) || a.timestamp - b.timestamp);
}

function bounded(chat: readonly ChatMessage[]): readonly ChatMessage[] {
  return chat.length > chatLimit ? chat.slice(chat.length - chatLimit) : chat;
}
