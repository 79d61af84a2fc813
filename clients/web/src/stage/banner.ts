import type { RoomState } from "@rostrum/sdk";

export interface Banner {
  text: string;
  tone: "working" | "problem";
}

/** What is wrong with the connection right now, if anything. */
export function bannerFor(state: RoomState): Banner | null {
  if (state.connection === "reconnecting") return { text: "Reconnecting…", tone: "working" };
  if (state.connection !== "joined") return null;
  if (state.media === "recovering") return { text: "Media is being restored…", tone: "working" };
  if (state.media === "failed") return { text: "Audio and video cannot get through. Your network may block them.", tone: "problem" };
  return null;
}
