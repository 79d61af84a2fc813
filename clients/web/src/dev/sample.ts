import type { PeerInfo, RemoteStream, RoomState, Source } from "@rostrum/sdk";

/** Pictures of rooms for tests and for the story page. */

export const fakeTrack = (id: string): MediaStreamTrack => ({ id, kind: "video" }) as MediaStreamTrack;

export function stream(source: Source, change: Partial<RemoteStream> = {}): RemoteStream {
  return {
    producerId: `p-${source}`,
    source,
    kind: source === "mic" || source === "screen-audio" ? "audio" : "video",
    track: fakeTrack(source),
    paused: false,
    stats: () => Promise.reject(new Error("no figures in a sample")),
    setPreferredLayers: () => Promise.resolve(),
    ...change,
  };
}

export function peer(id: string, change: Partial<PeerInfo> = {}): PeerInfo {
  return { id, name: id, role: "viewer", isSelf: false, streams: {}, ...change };
}

export function roomState(change: Partial<RoomState> = {}): RoomState {
  return {
    connection: "joined",
    media: "connected",
    self: peer("me", { isSelf: true, name: "Me" }),
    room: { id: "room", name: "Quarterly review", type: "webinar", locked: false },
    peers: new Map(),
    chat: [],
    viewerCount: 1,
    activeSpeakerId: null,
    audioLevels: new Map(),
    screenPeerId: null,
    local: { camera: null, mic: null, screen: null, screenAudio: null },
    cohostRequests: [],
    myCohostRequest: "none",
    closedReason: null,
    error: null,
    ...change,
  };
}

export function peers(...list: PeerInfo[]): RoomState["peers"] {
  return new Map(list.map((one) => [one.id, one]));
}
