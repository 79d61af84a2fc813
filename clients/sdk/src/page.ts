import type { RoomOptions } from "./types";

/** Where the SFU's events are: the server's own address unless told. */
export function sfuEndpoint({ url, paths }: RoomOptions): { url: string; path: string | undefined } {
  const own = paths?.sfu;
  if (own === undefined || own.startsWith("/")) return { url, path: own };
  const { origin, pathname } = new URL(own);
  return { url: origin, path: pathname === "/" ? undefined : pathname };
}

/** Calls back when the page goes away, until the function given back is called. */
export function onPageHide(act: () => void): () => void {
  const target = globalThis as Partial<Pick<Window, "addEventListener" | "removeEventListener">>;
  target.addEventListener?.("pagehide", act);
  return () => target.removeEventListener?.("pagehide", act);
}
