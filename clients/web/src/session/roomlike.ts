import type { Room } from "@rostrum/sdk";

/** What the pages use of the SDK's Room, so that tests and the story page can stand in for it. */
export type RoomLike = Pick<
  Room,
  | "state" | "subscribe" | "on" | "join" | "leave" | "end"
  | "enableCamera" | "disableCamera" | "enableMic" | "disableMic" | "setMicPaused" | "setCameraPaused"
  | "startScreen" | "stopScreen" | "switchCamera" | "switchMic" | "sendMessage" | "react"
  | "requestCohost" | "respondCohost" | "removeCohost" | "mutePeer" | "removePeer" | "lock"
>;
