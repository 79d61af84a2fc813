import { readable } from "svelte/store";

/** Whether the page may fill the screen, and whether it does. */
export const canFullscreen = typeof document !== "undefined" && document.fullscreenEnabled;

export const isFullscreen = readable(false, (set) => {
  const changed = (): void => set(document.fullscreenElement !== null);
  changed();
  document.addEventListener("fullscreenchange", changed);
  return () => document.removeEventListener("fullscreenchange", changed);
});

export async function toggleFullscreen(): Promise<void> {
  // A browser that refuses leaves everything as it is.
  const done = document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
  await done.catch(() => undefined);
}
