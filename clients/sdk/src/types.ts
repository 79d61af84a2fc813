import type { types } from "mediasoup-client";
import type { RostrumError } from "./errors";
import type { Layers, MediaKind, ReactionCounts, Role, Source } from "./events";
import type { StreamStats } from "./stats";

/** The words in which a page sees a room. */

export type ConnectionState = "idle" | "connecting" | "joined" | "reconnecting" | "closed";
export type MediaState = "none" | "connecting" | "connected" | "recovering" | "failed";

export interface RoomOptions {
  /** The server's address, for example `https://rostrum.example`. */
  url: string;
  roomId: string;
  apiKey?: string | undefined;
  /** A user's JWT, an invitation or a guest token. */
  token?: string | undefined;
  name: string;
  /** Other endpoints for single sets of events: a path, or a whole URL with its path. */
  paths?: { sfu?: string; whiteboard?: string; recording?: string } | undefined;
  /** Media over TCP only, for networks that bar UDP. */
  forceTcp?: boolean | undefined;
  /** Three layers of camera video; true unless told. */
  simulcast?: boolean | undefined;
  iceServers?: RTCIceServer[] | undefined;
  /** Where the secret lies that takes one's own peer over after a crash of the page; `null` for nowhere. */
  storage?: Pick<Storage, "getItem" | "setItem" | "removeItem"> | null | undefined;
  /** Opens the room (`createRoom`) before joining it; only for who may create rooms. */
  create?: boolean | undefined;
  /** Makes the mediasoup device, where the browser's own is not to be used (React Native, tests). */
  makeDevice?: (() => Promise<types.Device>) | undefined;
  /** Says goodbye when the page goes away, so that others do not see a frozen tile; true unless told. */
  leaveOnPageHide?: boolean | undefined;
}

export interface RemoteStream {
  producerId: string;
  source: Source;
  kind: MediaKind;
  track: MediaStreamTrack;
  /** Its owner has muted it, or the server sends it no more. */
  paused: boolean;
  /** Simulcast layers that arrive now; absent until known. */
  currentLayers?: Layers | undefined;
  stats(): Promise<StreamStats>;
  /** The highest layers wanted, each 0 and up. */
  setPreferredLayers(spatial: number, temporal?: number): Promise<void>;
}

export interface PeerInfo {
  id: string;
  name: string;
  role: Role;
  isSelf: boolean;
  handRaised?: boolean;
  streams: Partial<Record<Source, RemoteStream>>;
}

export interface LocalTrack {
  source: Source;
  track: MediaStreamTrack;
  /** Null while it is not (or not again) being sent. */
  producerId: string | null;
  paused: boolean;
}

export interface ChatMessage {
  id: string;
  peerId?: string | undefined;
  name: string;
  message: string;
  /** Epoch milliseconds. */
  timestamp: number;
  own: boolean;
  state: "sending" | "sent" | "failed";
}

export interface CohostRequest {
  requestId: string;
  peerId: string;
  name: string;
}

export interface RoomInfo {
  id: string;
  name: string;
  type: string;
  locked: boolean;
  /** When this session of the room began, ISO 8601. */
  startedAt?: string | undefined;
}

/** One immutable picture of the room; a new one takes its place at each change. */
export interface RoomState {
  readonly connection: ConnectionState;
  readonly media: MediaState;
  readonly self: PeerInfo | null;
  readonly room: RoomInfo | null;
  /** The others: everyone on stage and, in small rooms, the viewers; in large ones at most some of them. Oneself is `self`. */
  readonly peers: ReadonlyMap<string, PeerInfo>;
  readonly chat: readonly ChatMessage[];
  readonly viewerCount: number;
  readonly activeSpeakerId: string | null;
  /** Peer id → loudness, 0 (silent) to 1. */
  readonly audioLevels: ReadonlyMap<string, number>;
  readonly screenPeerId: string | null;
  readonly local: { camera: LocalTrack | null; mic: LocalTrack | null; screen: LocalTrack | null; screenAudio: LocalTrack | null };
  readonly cohostRequests: readonly CohostRequest[];
  readonly myCohostRequest: "none" | "pending" | "accepted" | "rejected";
  readonly closedReason: string | null;
  readonly error: RostrumError | null;
}

/** What a Room tells, beside its state. */
export interface RoomEvents {
  joined: { self: PeerInfo; resumed: boolean };
  left: { reason: string };
  /** Of a large room's viewers this and `peerLeft` are not told: see `viewerCount` in the state. */
  peerJoined: PeerInfo;
  peerLeft: { id: string; name: string };
  message: ChatMessage;
  cohostRequest: CohostRequest;
  cohostResponse: { accepted: boolean };
  roleChanged: { peerId: string; role: Role; isSelf: boolean };
  mediaReset: { reason: string };
  /** How often each kind of reaction came within about a second. */
  reactions: ReactionCounts;
  /** A host muted us. */
  muted: { by: string | null };
  /** A host removed us; the room is closed for us. */
  removed: { by: string | null };
  closed: { reason: string };
  error: RostrumError;
  streamAdded: { peerId: string; stream: RemoteStream };
  streamRemoved: { peerId: string; source: Source; producerId: string };
}
