import type { PeerInfo, RoomState } from "@rostrum/sdk";
import { arrange, type Area, type Box } from "./layout";

/** What the stage shows, calculated from the room's picture and what the visitor chose to see. */

export interface TileView {
  /** Stable for one person and source. */
  key: string;
  peerId: string;
  source: "camera" | "screen";
  name: string;
  role: PeerInfo["role"];
  isSelf: boolean;
  /** Null: an avatar in place of the picture. */
  track: MediaStreamTrack | null;
  muted: boolean;
  speaking: boolean;
  /** The one who speaks most now. */
  active: boolean;
  big: boolean;
}

/** Why there is nothing to see yet; `none` when there is. */
export type Waiting = "none" | "not-started" | "getting-ready" | "away";

export interface StageView {
  tiles: TileView[];
  live: boolean;
  waiting: Waiting;
}

export interface StageChoice {
  pinnedKey: string | null;
  /** Somebody has been seen or heard during this visit. */
  wasLive: boolean;
}

/** Loudness (0 to 1) above which somebody counts as speaking. */
const SPEAKING = 0.12;

export function stageView(state: RoomState, choice: StageChoice): StageView {
  const presenters = presentersOf(state);
  const tiles = presenters.flatMap((peer) => tilesOf(state, peer));
  const bigKey = tiles.find((tile) => tile.key === choice.pinnedKey)?.key ?? tiles.find((tile) => tile.source === "screen")?.key;
  // Where only one person can speak there is nothing to point at.
  const alone = presenters.length < 2;
  const marked = tiles.map((tile) => ({ ...tile, big: tile.key === bigKey, active: tile.active && !alone }));
  const live = isLive(state);
  return {
    tiles: [...marked.filter((tile) => tile.big), ...marked.filter((tile) => !tile.big)],
    live,
    waiting: waitingFor(state, presenters, live || choice.wasLive),
  };
}

/** Whether anything is being sent by anybody. */
export function isLive(state: RoomState): boolean {
  const own = Object.values(state.local).some((track) => track !== null);
  return own || [...state.peers.values()].some((peer) => Object.keys(peer.streams).length > 0);
}

/** Everybody on stage: the others in the order of their coming, oneself last. */
export function presentersOf(state: RoomState): PeerInfo[] {
  const others = [...state.peers.values()].filter((peer) => peer.role !== "viewer" || Object.keys(peer.streams).length > 0);
  const hostsFirst = [...others.filter((peer) => peer.role === "host"), ...others.filter((peer) => peer.role !== "host")];
  return state.self && state.self.role !== "viewer" ? [...hostsFirst, state.self] : hostsFirst;
}

/** Whether a person's microphone is off, or muted, or not there. */
export function isMuted(state: RoomState, peer: PeerInfo): boolean {
  return peer.isSelf ? (state.local.mic?.paused ?? true) : (peer.streams.mic?.paused ?? true);
}

function tilesOf(state: RoomState, peer: PeerInfo): TileView[] {
  const muted = isMuted(state, peer);
  const speaking = !muted && (state.audioLevels.get(peer.id) ?? 0) > SPEAKING;
  const shared = { peerId: peer.id, name: peer.name, role: peer.role, isSelf: peer.isSelf, muted, speaking, big: false };
  const camera = peer.isSelf ? state.local.camera : peer.streams.camera;
  const screen = peer.isSelf ? state.local.screen : peer.streams.screen;
  const active = !muted && state.activeSpeakerId === peer.id;
  const person: TileView = { ...shared, key: `${peer.id}:camera`, source: "camera", track: shownTrack(camera), active };
  if (!screen) return [person];
  return [person, { ...shared, key: `${peer.id}:screen`, source: "screen", track: shownTrack(screen), speaking: false, active: false }];
}

function shownTrack(stream: { track: MediaStreamTrack; paused: boolean } | null | undefined): MediaStreamTrack | null {
  return stream && !stream.paused ? stream.track : null;
}

function waitingFor(state: RoomState, presenters: readonly PeerInfo[], wasLive: boolean): Waiting {
  if (state.self?.role !== "viewer") return "none";
  if (presenters.length === 0) return wasLive ? "away" : "not-started";
  return wasLive ? "none" : "getting-ready";
}

export interface PlacedTile {
  tile: TileView;
  box: Box;
}

/** Gives each tile its place; where not all fit, whoever speaks is among those shown. */
export function placeTiles(tiles: readonly TileView[], area: Area): { placed: PlacedTile[]; hidden: number } {
  const { boxes, hidden } = arrange(area, tiles.length, tiles[0]?.big ?? false);
  const shown = tiles.slice(0, boxes.length);
  const speaker = tiles.slice(boxes.length).find((tile) => tile.active);
  if (speaker && shown.length > 1) shown[shown.length - 1] = speaker;
  const placed = shown.flatMap((tile, index) => {
    const box = boxes[index];
    return box ? [{ tile, box }] : [];
  });
  return { placed, hidden };
}

/** Two letters for a person without a picture. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => [...(word ?? "")][0] ?? "");
  return letters.join("").toLocaleUpperCase() || "?";
}

/** A person's own shade, the same on every screen: 0 to 7. */
export function shadeOf(text: string): number {
  return [...text].reduce((sum, char) => (sum * 31 + (char.codePointAt(0) ?? 0)) % 9973, 7) % 8;
}
