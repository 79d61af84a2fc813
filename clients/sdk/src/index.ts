export { RostrumApi } from "./api";
export type {
  Account,
  CreatedRoom,
  Features,
  GuestToken,
  Invitation,
  Login,
  Meeting,
  MeetingChange,
  NewMeeting,
  NewRoom,
  OwnRoom,
  PublicRoom,
  Registration,
  RoomChange,
  RoomFilter,
  RoomType,
  StoredMessage,
  User,
} from "./api";
export { captureCamera, captureMic, captureScreen } from "./capture";
export { RostrumError } from "./errors";
export { RoomFiles } from "./files";
export type { RoomFile, UploadOptions, UploadedFile } from "./files";
export type { ApiOptions, Page, PageOptions } from "./rest";
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
