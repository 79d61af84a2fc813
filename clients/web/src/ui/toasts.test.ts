import { get } from "svelte/store";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Toasts } from "./toasts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("lets messages go by themselves, and keeps only the last three", () => {
  const toasts = new Toasts();
  for (const text of ["a", "b", "c", "d", "d"]) toasts.add(text);
  expect(get(toasts).map((toast) => toast.text)).toEqual(["b", "c", "d"]);
  vi.advanceTimersByTime(5000);
  expect(get(toasts)).toEqual([]);
});

it("leaves no timer behind", () => {
  const toasts = new Toasts();
  toasts.add("a", "bad");
  toasts.close();
  expect(vi.getTimerCount()).toBe(0);
});
