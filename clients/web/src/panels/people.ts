import type { PeerInfo, RoomState } from "@rostrum/sdk";
import { isMuted, presentersOf } from "../stage/view";

export interface PersonView {
  id: string;
  name: string;
  isSelf: boolean;
  roleLabel: string;
  /** Null for viewers, who have no microphone. */
  muted: boolean | null;
  speaking: boolean;
  mayMute: boolean;
  mayRemove: boolean;
  /** May be sent back from the stage to the audience. */
  mayDemote: boolean;
}

export interface PeopleView {
  stage: PersonView[];
  viewers: PersonView[];
  /** Viewers whom a large room does not name. */
  unnamed: number;
}

const roleLabels = { host: "Host", cohost: "Co-host", viewer: "" };

/** Who is there, and what the visitor may do about each of them. */
export function peopleView(state: RoomState): PeopleView {
  const stage = presentersOf(state);
  const onStage = new Set(stage.map((peer) => peer.id));
  const named = [...(state.self ? [state.self] : []), ...state.peers.values()].filter((peer) => !onStage.has(peer.id));
  const selfFirst = [...stage.filter((peer) => peer.isSelf), ...stage.filter((peer) => !peer.isSelf)];
  return {
    stage: selfFirst.map((peer) => personView(state, peer)),
    viewers: named.map((peer) => personView(state, peer)),
    unnamed: Math.max(0, state.viewerCount - named.length),
  };
}

function personView(state: RoomState, peer: PeerInfo): PersonView {
  const muted = peer.role === "viewer" ? null : isMuted(state, peer);
  const may = mayHandle(state, peer);
  return {
    id: peer.id,
    name: peer.name,
    isSelf: peer.isSelf,
    roleLabel: roleLabels[peer.role],
    muted,
    speaking: muted === false && (state.audioLevels.get(peer.id) ?? 0) > 0.12,
    mayMute: may && muted === false,
    mayRemove: may,
    mayDemote: may && peer.role === "cohost",
  };
}

/** Hosts handle everybody but hosts; co-hosts handle viewers and other co-hosts. */
function mayHandle(state: RoomState, peer: PeerInfo): boolean {
  return state.self !== null && state.self.role !== "viewer" && !peer.isSelf && peer.role !== "host";
}
