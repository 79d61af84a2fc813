export { RostrumApi } from "./api";
export type { ApiOptions, CreatedRoom, GuestToken, Invitation, Login, NewRoom, PublicRoom, Registration, RoomType, User } from "./api";
export { captureCamera, captureMic, captureScreen } from "./capture";
export { RostrumError } from "./errors";
export { reactionKinds } from "./events";
export type { Layers, MediaKind, ReactionCounts, ReactionKind, Role, Source } from "./events";
export { Room } from "./room";
export type { StreamStats } from "./stats";
export type {
  ChatMessage,
  CohostRequest,
  ConnectionState,
  LocalTrack,
  MediaState,
  PeerInfo,
  RemoteStream,
  RoomEvents,
  RoomInfo,
  RoomOptions,
  RoomState,
} from "./types";
