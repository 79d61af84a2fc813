import type { ChatMessage } from "@rostrum/sdk";
import { describe, expect, it } from "vitest";
import { sendable, textParts, thread } from "./thread";

const message = (id: string, change: Partial<ChatMessage> = {}): ChatMessage => ({
  id, peerId: "p", name: "Ada", message: id, timestamp: 0, own: false, state: "sent", ...change,
});

describe("thread", () => {
  it("puts messages of one author that are close in time under one name", () => {
    const chat = [message("1"), message("2", { timestamp: 1000 }), message("3", { timestamp: 400_000 }), message("4", { timestamp: 400_001, peerId: "q", name: "Bob" })];
    expect(thread(chat, String).map((group) => [group.name, group.messages.map((one) => one.id)])).toEqual([
      ["Ada", ["1", "2"]],
      ["Ada", ["3"]],
      ["Bob", ["4"]],
    ]);
  });

  it("calls the visitor You and keeps what is not sent yet", () => {
    expect(thread([message("1", { own: true, state: "sending" })], String)).toMatchObject([{ name: "You", own: true, messages: [{ state: "sending" }] }]);
  });
});

describe("textParts", () => {
  it("finds addresses and leaves their punctuation outside", () => {
    expect(textParts("See https://a.example/x?y=1. Now!")).toEqual([
      { text: "See " },
      { text: "https://a.example/x?y=1", href: "https://a.example/x?y=1" },
      { text: ". Now!" },
    ]);
  });

  it.each(["javascript:alert(1)", "<img src=x onerror=alert(1)>", "data:text/html,hi", "https://", "ftp://x"])("leaves %j as text", (text) => {
    expect(textParts(text)).toEqual([{ text }]);
  });
});

it("sends what is left after trimming, and nothing for nothing", () => {
  expect(sendable("  hi \n")).toBe("hi");
  expect(sendable(" \n ")).toBeNull();
  expect(sendable("x".repeat(2000))).toHaveLength(1000);
});
