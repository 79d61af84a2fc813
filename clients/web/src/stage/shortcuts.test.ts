import { expect, it } from "vitest";
import { roomState } from "../dev/sample";
import { bannerFor } from "./banner";
import { shortcutFor } from "./shortcuts";

const press = (key: string, change = {}) => ({ key, ctrlKey: false, altKey: false, metaKey: false, repeat: false, ...change });

it("knows its keys, in either case", () => {
  expect(["m", "V", "s", "C", "p", "r", "Escape", "x"].map((key) => shortcutFor(press(key), false))).toEqual(["mic", "camera", "screen", "chat", "people", "reactions", "close", null]);
});

it("keeps away from typing, from the browser's own shortcuts and from held keys", () => {
  expect(shortcutFor(press("m"), true)).toBeNull();
  expect(shortcutFor(press("Escape"), true)).toBe("close");
  expect(shortcutFor(press("p", { ctrlKey: true }), false)).toBeNull();
  expect(shortcutFor(press("m", { repeat: true }), false)).toBeNull();
});

it("has a banner for each trouble and none for good times", () => {
  expect(bannerFor(roomState())).toBeNull();
  expect(bannerFor(roomState({ connection: "reconnecting", media: "recovering" }))?.text).toBe("Reconnecting…");
  expect(bannerFor(roomState({ media: "recovering" }))?.text).toBe("Media is being restored…");
  expect(bannerFor(roomState({ media: "failed" }))?.tone).toBe("problem");
});
