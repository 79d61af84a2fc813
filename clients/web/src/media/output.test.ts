import { get } from "svelte/store";
import { expect, it, vi } from "vitest";
import { AudioOutput, type Speaker } from "./output";

const track = (name: string): MediaStreamTrack => ({ id: name }) as MediaStreamTrack;

function refusal(): Error {
  return Object.assign(new Error("a tap is needed"), { name: "NotAllowedError" });
}

it("plays exactly the tracks it is told to", () => {
  const made: Speaker[] = [];
  const output = new AudioOutput(() => {
    const speaker = { srcObject: null, muted: false, play: vi.fn(() => Promise.resolve()), remove: vi.fn() };
    made.push(speaker);
    return speaker;
  });
  const [a, b, c] = [track("a"), track("b"), track("c")];
  output.play(new Map([["1", a], ["2", b]]));
  output.play(new Map([["1", a], ["2", c]]));
  expect(made).toHaveLength(3);
  expect(made[0]?.remove).not.toHaveBeenCalled();
  expect(made[1]?.remove).toHaveBeenCalled();
  output.close();
  expect(made[2]?.remove).toHaveBeenCalled();
});

it("says that a tap is needed, and plays after it", async () => {
  const play = vi.fn<() => Promise<void>>().mockRejectedValueOnce(refusal()).mockResolvedValue();
  const output = new AudioOutput(() => ({ srcObject: null, muted: false, play, remove: () => undefined }));
  output.play(new Map([["1", track("a")]]));
  await vi.waitFor(() => expect(get(output).blocked).toBe(true));
  await output.unblock();
  expect(get(output).blocked).toBe(false);
});

it("mutes voices that come later as well", () => {
  const speaker: Speaker = { srcObject: null, muted: false, play: () => Promise.resolve(), remove: () => undefined };
  const output = new AudioOutput(() => speaker);
  output.setMuted(true);
  output.play(new Map([["1", track("a")]]));
  expect(speaker.muted).toBe(true);
});
