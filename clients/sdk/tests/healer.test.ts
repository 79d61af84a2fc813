import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Healer } from "../src/healer";

let state: RTCPeerConnectionState;
const restart = vi.fn(() => Promise.resolve());
const giveUp = vi.fn();
let healer: Healer;

beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  state = "connected";
  healer = new Healer(() => state, restart, giveUp);
});

afterEach(() => {
  healer.stop();
  vi.useRealTimers();
});

function become(next: RTCPeerConnectionState): void {
  state = next;
  healer.check();
}

it("gives a short gap time to pass by itself", () => {
  become("disconnected");
  vi.advanceTimersByTime(1000);
  become("connected");
  vi.advanceTimersByTime(60_000);
  expect(restart).not.toHaveBeenCalled();
});

it("restarts after a longer one, and at once after a failure", () => {
  become("disconnected");
  vi.advanceTimersByTime(1600);
  expect(restart).toHaveBeenCalledTimes(1);
  become("connected");
  become("failed");
  expect(restart).toHaveBeenCalledTimes(2);
});

it("gives up after three restarts that did not help", () => {
  become("failed");
  vi.advanceTimersByTime(20_000);
  expect(restart).toHaveBeenCalledTimes(3);
  expect(giveUp).toHaveBeenCalledTimes(1);
  expect(giveUp.mock.calls[0]?.[0]).toMatchObject({ code: "transport_closed" });
});

it("does nothing once stopped", () => {
  become("disconnected");
  healer.stop();
  vi.advanceTimersByTime(60_000);
  become("failed");
  expect(restart).not.toHaveBeenCalled();
});
