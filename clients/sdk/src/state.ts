import type { RostrumError } from "./errors";
import type { JoinAck, ProducerInfo, Role, Source, WireMessage, WirePeer, WirePresence, WireRoom } from "./events";
import { addMessage, mergeHistory, settleMessage } from "./chat";
import type { ChatMessage, CohostRequest, ConnectionState, LocalTrack, MediaState, PeerInfo, RemoteStream, RoomInfo, RoomState } from "./types";

/** What may change in a stream that stays. */
export type StreamChange = Partial<Pick<RemoteStream, "paused" | "currentLayers">>;

/** So many viewers of a large room are kept by name; the others are in the count. */
export const namedViewers = 200;

/** Everything that can happen to the picture of a room. */
export type Action =
  | { type: "connection"; connection: ConnectionState }
  | { type: "media"; media: MediaState }
  | { type: "joined"; ack: JoinAck; name: string }
  | { type: "peerJoined"; peer: WirePeer }
  | { type: "peerLeft"; id: string }
  | { type: "presence"; presence: WirePresence }
  | { type: "roleChanged"; id: string; role: Role; name?: string | undefined }
  | { type: "streamAdded"; owner: Pick<ProducerInfo, "peer_id" | "name">; stream: RemoteStream }
  | { type: "streamChanged"; producerId: string; change: StreamChange }
  | { type: "streamRemoved"; producerId: string }
  | { type: "local"; source: Source; track: LocalTrack | null }
  | { type: "chatReceived"; message: WireMessage }
  | { type: "chatSending"; message: ChatMessage }
  | { type: "chatSettled"; clientId: string; change: Partial<ChatMessage> }
  | { type: "viewerCount"; count: number }
  | { type: "activeSpeaker"; peerId: string | null }
  | { type: "audioLevels"; levels: ReadonlyMap<string, number> }
  | { type: "screen"; peerId: string | null }
  | { type: "cohostRequested"; request: CohostRequest }
  | { type: "cohostSettled"; requestId: string }
  | { type: "myCohostRequest"; value: RoomState["myCohostRequest"] }
  | { type: "locked"; locked: boolean }
  | { type: "error"; error: RostrumError | null }
  | { type: "closed"; reason: string; error: RostrumError | null };

type Handlers = { [T in Action["type"]]: (state: RoomState, action: Extract<Action, { type: T }>) => RoomState };

export const initialState: RoomState = {
  connection: "idle",
  media: "none",
  self: null,
  room: null,
  peers: new Map(),
  chat: [],
  viewerCount: 0,
  activeSpeakerId: null,
  audioLevels: new Map(),
  screenPeerId: null,
  local: { camera: null, mic: null, screen: null, screenAudio: null },
  cohostRequests: [],
  myCohostRequest: "none",
  closedReason: null,
  error: null,
};

/** The next picture: pure, and the same object again when nothing changed. */
export function reduce(state: RoomState, action: Action): RoomState {
  const handle = handlers[action.type] as (state: RoomState, action: Action) => RoomState;
  return handle(state, action);
}

/** Where a source stands in `RoomState.local`. */
export function localSlot(source: Source): keyof RoomState["local"] {
  return source === "screen-audio" ? "screenAudio" : source;
}

const handlers: Handlers = {
  connection: (state, { connection }) => (state.connection === connection ? state : { ...state, connection }),
  media: (state, { media }) => (state.media === media ? state : { ...state, media }),
  joined: (state, { ack, name }) => joined(state, ack, name),
  peerJoined: (state, { peer }) => (peer.id === state.self?.id ? state : { ...state, peers: withPeer(state, peer) }),
  peerLeft: (state, { id }) => peerLeft(state, id),
  presence: (state, { presence }) => withPresence(state, presence),
  roleChanged: (state, { id, role, name }) => roleChanged(state, id, role, name),
  streamAdded: (state, { owner, stream }) => streamAdded(state, owner, stream),
  streamChanged: (state, { producerId, change }) => changeStream(state, producerId, change),
  streamRemoved: (state, { producerId }) => streamRemoved(state, producerId),
  local: (state, { source, track }) => local(state, source, track),
  chatReceived: (state, { message }) => withChat(state, addMessage(state.chat, message, state.self?.id ?? null)),
  chatSending: (state, { message }) => withChat(state, [...state.chat, message]),
  chatSettled: (state, { clientId, change }) => withChat(state, settleMessage(state.chat, clientId, change)),
  viewerCount: (state, { count }) => (state.viewerCount === count ? state : { ...state, viewerCount: count }),
  activeSpeaker: (state, { peerId }) => (state.activeSpeakerId === peerId ? state : { ...state, activeSpeakerId: peerId }),
  audioLevels: (state, { levels }) => (levels.size === 0 && state.audioLevels.size === 0 ? state : { ...state, audioLevels: levels }),
  screen: (state, { peerId }) => (state.screenPeerId === peerId ? state : { ...state, screenPeerId: peerId }),
  cohostRequested: (state, { request }) => ({
    ...state,
    // One peer asks once: a repeated request takes the place of the former.
    cohostRequests: [...state.cohostRequests.filter((r) => r.peerId !== request.peerId && r.requestId !== request.requestId), request],
  }),
  cohostSettled: (state, { requestId }) => withRequests(state, (request) => request.requestId !== requestId),
  myCohostRequest: (state, { value }) => ({ ...state, myCohostRequest: value }),
  locked: (state, { locked }) => (state.room ? { ...state, room: { ...state.room, locked } } : state),
  error: (state, { error }) => ({ ...state, error }),
  closed: (state, { reason, error }) => ({
    ...state,
    connection: "closed",
    media: "none",
    peers: new Map(),
    audioLevels: new Map(),
    activeSpeakerId: null,
    screenPeerId: null,
    local: initialState.local,
    cohostRequests: [],
    closedReason: reason,
    error: error ?? state.error,
  }),
};

function local(state: RoomState, source: Source, track: LocalTrack | null): RoomState {
  const next = { ...state, local: { ...state.local, [localSlot(source)]: track } };
  const self = state.self?.id ?? null;
  if (source !== "screen" || self === null) return next;
  // The server tells the others who shares; the sharer knows it by their own track.
  if (track) return { ...next, screenPeerId: self };
  return state.screenPeerId === self ? { ...next, screenPeerId: null } : next;
}

/** The server's word replaces what was believed; streams still consumed and messages still unsent are kept. */
function joined(state: RoomState, ack: JoinAck, name: string): RoomState {
  const others = ack.peers.filter((peer) => peer.id !== ack.id);
  const own = ack.peers.find((peer) => peer.id === ack.id);
  return {
    ...state,
    connection: "joined",
    self: { id: ack.id, name: ack.name ?? own?.name ?? name, role: ack.role, isSelf: true, streams: {} },
    room: roomInfo(ack.room),
    peers: new Map(others.map((peer) => [peer.id, asPeer(peer, state.peers.get(peer.id))])),
    chat: mergeHistory(state.chat, ack.chatHistory, ack.id),
    viewerCount: ack.room.viewerCount ?? state.viewerCount,
    screenPeerId: ack.screen?.peer_id ?? sharerAmong(others),
    activeSpeakerId: null,
    audioLevels: new Map(),
    cohostRequests: ack.cohostRequests ?? (ack.role === "viewer" ? [] : state.cohostRequests.filter((r) => others.some((p) => p.id === r.peerId))),
    myCohostRequest: state.myCohostRequest === "pending" && ack.id !== state.self?.id ? "none" : state.myCohostRequest,
    error: null,
  };
}

function roomInfo({ id, name, type, locked, startedAt }: WireRoom): RoomInfo {
  return { id, name: name ?? "", type: type ?? "webinar", locked: locked ?? false, startedAt };
}

function sharerAmong(peers: readonly WirePeer[]): string | null {
  return peers.find((peer) => peer.producers?.some((producer) => producer.type === "screen"))?.id ?? null;
}

function asPeer(peer: WirePeer, before?: PeerInfo): PeerInfo {
  return { id: peer.id, name: peer.name, role: peer.role, isSelf: false, streams: before?.streams ?? {} };
}

function withPeer(state: RoomState, peer: WirePeer): RoomState["peers"] {
  return new Map(state.peers).set(peer.id, asPeer(peer, state.peers.get(peer.id)));
}

function withChat(state: RoomState, chat: readonly ChatMessage[]): RoomState {
  return chat === state.chat ? state : { ...state, chat };
}

function withRequests(state: RoomState, keep: (request: CohostRequest) => boolean): RoomState {
  if (state.cohostRequests.every(keep)) return state;
  return { ...state, cohostRequests: state.cohostRequests.filter(keep) };
}

function peerLeft(state: RoomState, id: string): RoomState {
  const peers = new Map(state.peers);
  const known = peers.delete(id);
  const next = withRequests(known ? { ...state, peers } : state, (request) => request.peerId !== id);
  const screenPeerId = next.screenPeerId === id ? null : next.screenPeerId;
  const activeSpeakerId = next.activeSpeakerId === id ? null : next.activeSpeakerId;
  if (screenPeerId === next.screenPeerId && activeSpeakerId === next.activeSpeakerId) return next;
  return { ...next, screenPeerId, activeSpeakerId };
}

/** Viewers of a large room who came and went. Where more have left than are named, nobody knows who of the viewers is still there. */
function withPresence(state: RoomState, { joined = [], left = [], leftCount = left.length, viewerCount }: WirePresence): RoomState {
  const isUnsure = leftCount > left.length;
  const gone = isUnsure ? viewersOf(state) : left.map(({ id }) => id).filter((id) => state.peers.has(id));
  const next = gone.reduce(peerLeft, state);
  const room = namedViewers - viewersOf(next).length;
  const named = joined.filter((peer) => peer.id !== state.self?.id && !next.peers.has(peer.id)).slice(0, Math.max(0, room));
  const peers = named.length > 0 ? new Map([...next.peers, ...named.map((peer) => [peer.id, asPeer(peer)] as const)]) : next.peers;
  return { ...next, peers, viewerCount: viewerCount ?? next.viewerCount };
}

function viewersOf(state: RoomState): string[] {
  return [...state.peers.values()].filter((peer) => peer.role === "viewer").map((peer) => peer.id);
}

function roleChanged(state: RoomState, id: string, role: Role, name?: string): RoomState {
  const next = role === "viewer" ? state : withRequests(state, (request) => request.peerId !== id);
  if (next.self?.id === id) {
    const myCohostRequest = role === "viewer" ? "none" : next.myCohostRequest;
    return { ...next, self: { ...next.self, role }, myCohostRequest };
  }
  const peer = next.peers.get(id);
  if (peer) return { ...next, peers: new Map(next.peers).set(id, { ...peer, role }) };
  // In a large room somebody may step onto the stage whose coming was not told.
  return role === "viewer" || name === undefined ? next : { ...next, peers: withPeer(next, { id, name, role }) };
}

function streamAdded(state: RoomState, owner: Pick<ProducerInfo, "peer_id" | "name">, stream: RemoteStream): RoomState {
  // In a large room a producer may be heard of before its peer: who produces is at least a co-host.
  const unknown: PeerInfo = { id: owner.peer_id, name: owner.name, role: "cohost", isSelf: false, streams: {} };
  const peer = state.peers.get(owner.peer_id) ?? unknown;
  const streams = { ...peer.streams, [stream.source]: stream };
  const screenPeerId = stream.source === "screen" ? peer.id : state.screenPeerId;
  return { ...state, screenPeerId, peers: new Map(state.peers).set(peer.id, { ...peer, streams }) };
}

/** The peer and source of a stream. */
export function findStream(state: RoomState, producerId: string): { peer: PeerInfo; stream: RemoteStream } | null {
  for (const peer of state.peers.values()) {
    for (const stream of Object.values(peer.streams)) if (stream.producerId === producerId) return { peer, stream };
  }
  return null;
}

function changeStream(state: RoomState, producerId: string, change: StreamChange): RoomState {
  const found = findStream(state, producerId);
  if (!found) return state;
  const { peer, stream } = found;
  if ((Object.keys(change) as (keyof StreamChange)[]).every((key) => stream[key] === change[key])) return state;
  const streams = { ...peer.streams, [stream.source]: { ...stream, ...change } };
  return { ...state, peers: new Map(state.peers).set(peer.id, { ...peer, streams }) };
}

function streamRemoved(state: RoomState, producerId: string): RoomState {
  const found = findStream(state, producerId);
  if (!found) return state;
  const { peer, stream } = found;
  const streams = Object.fromEntries(Object.entries(peer.streams).filter(([source]) => source !== stream.source));
  const screenPeerId = stream.source === "screen" && state.screenPeerId === peer.id ? null : state.screenPeerId;
  return { ...state, screenPeerId, peers: new Map(state.peers).set(peer.id, { ...peer, streams }) };
}
