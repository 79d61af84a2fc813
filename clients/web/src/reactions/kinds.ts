import type { ReactionKind } from "@rostrum/sdk";

/** What people read and hear of each kind. */
export const labels: Readonly<Record<ReactionKind, string>> = {
  like: "Thumbs up",
  clap: "Applause",
  heart: "Heart",
  laugh: "Laughing",
  wow: "Surprised",
  celebrate: "Celebrate",
  hand: "Hand up",
};
