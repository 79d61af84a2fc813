import { expect, it } from "vitest";
import { forgetGuest, recall, recallGuest, remember, rememberGuest } from "./memory";

function fakeStorage(): Storage {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  } as Storage;
}

it("adds to what it remembers", () => {
  const storage = fakeStorage();
  remember(storage, { name: "Ada" });
  remember(storage, { micOn: false });
  expect(recall(storage)).toMatchObject({ name: "Ada", micOn: false, cameraOn: true });
});

it("keeps a guest's pass until it expires or is forgotten", () => {
  const storage = fakeStorage();
  rememberGuest(storage, "r1", { token: "t", name: "Ada" }, 1000);
  expect(recallGuest(storage, "r1", 999)).toEqual({ token: "t", name: "Ada" });
  expect(recallGuest(storage, "r2", 999)).toBeNull();
  expect(recallGuest(storage, "r1", 1000)).toBeNull();
  forgetGuest(storage, "r1");
  expect(recallGuest(storage, "r1", 0)).toBeNull();
});

it("lives without a storage, and with spoilt content", () => {
  const broken = { getItem: () => "{nonsense", setItem: () => { throw new Error("full"); }, removeItem: () => { throw new Error("no"); } };
  expect(recall(undefined).cameraOn).toBe(true);
  expect(recall(broken)).toMatchObject({ name: "", micOn: true });
  expect(() => remember(broken, { name: "x" })).not.toThrow();
  expect(() => forgetGuest(broken, "r")).not.toThrow();
});
