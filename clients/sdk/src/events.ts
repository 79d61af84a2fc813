import type { types } from "mediasoup-client";

/** Every message that crosses the socket, typed in one place. The names are those of docs/protocol.md. */

export type Role = "host" | "cohost" | "viewer";
export type Source = "camera" | "mic" | "screen" | "screen-audio";
export type MediaKind = "audio" | "video";

/** What one may react with. */
export const reactionKinds = ["like", "clap", "heart", "laugh", "wow", "celebrate", "hand"] as const;
export type ReactionKind = (typeof reactionKinds)[number];
export type ReactionCounts = Partial<Record<ReactionKind, number>>;

export interface ProducerInfo {
  producer_id: string;
  producer_socket_id?: string;
  peer_id: string;
  name: string;
  kind: MediaKind;
  type: Source;
  paused?: boolean;
}

export interface WirePeer {
  id: string;
  name: string;
  role: Role;
  producers?: ProducerInfo[];
}

export interface WireMessage {
  id: string;
  room_id: string;
  name: string;
  message: string;
  timestamp: number | string;
  peer_id?: string;
  clientId?: string;
}

export interface WireRoom {
  id: string;
  name?: string;
  type?: string;
  locked?: boolean;
  viewerCount?: number;
  /** ISO 8601. */
  startedAt?: string;
}

export interface JoinAck {
  id: string;
  room: WireRoom;
  peers: WirePeer[];
  chatHistory: WireMessage[];
  role: Role;
  /** The caller's own name as the server knows it. */
  name?: string;
  iceServers?: RTCIceServer[];
  features?: Record<string, boolean>;
  /** A secret that takes this peer over again from a new socket. */
  resume?: string;
  /** The peer of before was found again. */
  resumed?: boolean;
  cohostRequests?: WireCohostRequest[];
  /** Who shares a screen. */
  screen?: { peer_id: string; producer_id?: string | null } | null;
  /** What a peer that came back still has. */
  myProducers?: ProducerInfo[];
  myTransports?: string[];
  /** What was asked for with `media`; an older server knows nothing of it. */
  media?: JoinedMedia | { error: string; code: string };
}

/** The media that a join asks for, so that it comes in the same answer. */
export interface JoinMedia {
  recv: boolean;
  send?: boolean;
  forceTcp?: boolean;
  /** Stands for the router capabilities by which `rtpCapabilities` were made. */
  tag?: string;
  rtpCapabilities?: types.RtpCapabilities;
}

export interface JoinedMedia {
  tag: string;
  /** Absent where the tag that was sent still stands for them. */
  routerRtpCapabilities?: types.RtpCapabilities;
  recvTransport?: TransportParameters;
  sendTransport?: TransportParameters;
  producers: ProducerInfo[];
  /** They flow once the transport is connected; those of a large stage are not all here. */
  consumers: ConsumerParameters[];
}

export interface WireCohostRequest {
  requestId: string;
  socketId?: string;
  peerId: string;
  name: string;
}

export interface TransportParameters {
  id: string;
  iceParameters: types.IceParameters;
  iceCandidates: types.IceCandidate[];
  dtlsParameters: types.DtlsParameters;
  sctpParameters?: types.SctpParameters;
}

export interface ConsumerParameters {
  id: string;
  producerId: string;
  kind: MediaKind;
  rtpParameters: types.RtpParameters;
  type: "simple" | "simulcast" | "svc";
  producerPaused: boolean;
}

export interface Layers {
  spatial: number;
  temporal?: number;
}

/** What a client asks: event → [body, acknowledgement]. */
export interface Requests {
  createRoom: [{ room_id: string }, { room_id: string; created: boolean }];
  join: [{ room_id: string; name: string; resume?: string; fresh?: boolean; media?: JoinMedia }, JoinAck];
  exitRoom: [undefined, string];
  getMyRoomInfo: [undefined, { id: string; room: WireRoom; peers: WirePeer[]; producers: unknown[] }];
  getRouterRtpCapabilities: [undefined, types.RtpCapabilities];
  createWebRtcTransport: [{ direction: "send" | "recv"; forceTcp?: boolean }, TransportParameters];
  connectTransport: [{ transport_id: string; dtlsParameters: types.DtlsParameters }, "success"];
  closeTransport: [{ transport_id: string }, object];
  restartIce: [{ transport_id: string }, { iceParameters: types.IceParameters }];
  getProducers: [undefined, ProducerInfo[]];
  produce: [
    { producerTransportId: string; kind: MediaKind; rtpParameters: types.RtpParameters; appData: { type: Source }; paused?: boolean },
    { producer_id: string; id: string },
  ];
  consume: [
    { consumerTransportId: string; producerId: string; rtpCapabilities: types.RtpCapabilities; paused?: boolean },
    ConsumerParameters,
  ];
  resume: [{ consumer_id: string }, { resumed: string[] }];
  setPreferredLayers: [{ consumer_id: string; spatialLayer: number; temporalLayer?: number }, object];
  producerClosed: [{ producer_id: string }, object];
  videoPaused: [{ producer_id: string }, object];
  videoResumed: [{ producer_id: string }, object];
  "screen:shared": [{ producer_id?: string }, object];
  "screen:stopped": [undefined, object];
  sendMessage: [{ room_id: string; name: string; message: string; clientId: string }, { id: string; timestamp: number | string }];
  reaction: [{ kind: ReactionKind }, object];
  "cohost:request": [undefined, { requestId: string }];
  "cohost:respond": [{ requestId: string; accepted: boolean }, object];
  "cohost:remove": [{ peerId: string }, object];
  "peer:mute": [{ peerId: string }, object];
  "peer:remove": [{ peerId: string }, object];
  "room:lock": [{ locked: boolean }, object];
  "room:end": [undefined, object];
}

interface Relay {
  socketId?: string;
  peerId?: string;
  peer_id?: string;
  name?: string;
}

export interface WirePresence {
  joined?: WirePeer[];
  left?: { id: string; name?: string }[];
  joinedCount?: number;
  leftCount?: number;
  viewerCount?: number;
}

/** What the server says by itself: event → body. */
export interface ServerEvents {
  peerJoined: WirePeer;
  peerLeft: { id: string; name?: string };
  /** Viewers of a large room who came and went; the lists may name fewer than were counted. */
  presence: WirePresence;
  newProducers: ProducerInfo[];
  producerClosed: { producer_id: string };
  consumerClosed: { consumer_id: string };
  consumerPaused: { consumer_id: string };
  consumerResumed: { consumer_id: string };
  consumerLayersChanged: { consumer_id: string; spatialLayer?: number | null; temporalLayer?: number | null };
  consumerScore: { consumer_id: string; score: unknown };
  videoPaused: Relay & { producer_id?: string };
  videoResumed: Relay & { producer_id?: string };
  message: WireMessage;
  "screen:shared": Relay & { producer_id?: string };
  "screen:stopped": Relay;
  "cohost:request": WireCohostRequest;
  "cohost:resolved": { requestId: string; accepted?: boolean };
  "cohost:response": { accepted: boolean; role?: Role; by?: unknown; requestId?: string };
  roleChanged: { id: string; role: Role; name?: string };
  "peer:mute": Relay & { peer_id: string; kind?: MediaKind };
  "peer:remove": Relay & { peer_id: string };
  /** Another socket has taken this peer over, for example a second window of the same page. */
  peerReplaced: { id: string };
  "room:lock": Relay & { locked?: boolean };
  activeSpeaker: { peer_id?: string | null; producer_id?: string | null };
  audioLevels: { levels?: { peer_id: string; volume: number }[] } | { peer_id: string; volume: number }[];
  viewerCount: { count: number };
  reactions: { counts: ReactionCounts };
  roomClosed: { reason: string; by?: string };
  mediaReset: { reason: string };
}

export type RequestName = keyof Requests;
export type RequestBody<E extends RequestName> = Requests[E][0];
export type Ack<E extends RequestName> = Requests[E][1];
export type ServerEventName = keyof ServerEvents;
