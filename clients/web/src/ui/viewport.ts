import { readable, type Readable } from "svelte/store";

/** Whether a media query holds, now and as it changes. */
export function matches(query: string): Readable<boolean> {
  if (typeof matchMedia === "undefined") return readable(false);
  const list = matchMedia(query);
  return readable(list.matches, (set) => {
    const changed = (): void => set(list.matches);
    changed();
    list.addEventListener("change", changed);
    return () => list.removeEventListener("change", changed);
  });
}

/** A screen on which the rarer controls go into the menu. */
export const compact = matches("(max-width: 640px)");
