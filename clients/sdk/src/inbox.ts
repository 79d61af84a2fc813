import { RostrumError } from "./errors";
import type { ServerEventName, ServerEvents, WirePeer } from "./events";
import type { Emitter } from "./emitter";
import type { Media } from "./media";
import type { Signaling } from "./signaling";
import { findStream } from "./state";
import type { Store } from "./store";
import type { RoomEvents } from "./types";

export interface Inside {
  store: Store;
  media: Media;
  events: Emitter<RoomEvents>;
  /** The room is over for us. */
  close(reason: string, error?: RostrumError): void;
}

type Handlers = { [E in ServerEventName]: (inside: Inside, body: ServerEvents[E]) => void };

/** What each word of the server does; one entry an event. */
const handlers: Handlers = {
  peerJoined: (inside, peer) => peerJoined(inside, peer),
  peerLeft: (inside, { id, name }) => peerLeft(inside, id, name),
  // One picture a batch; in a room of this size the count tells more than the names, so no events come of it.
  presence: ({ store }, presence) => store.dispatch({ type: "presence", presence }),
  newProducers: ({ store, media }, producers) => media.receiver.add(producers.filter((one) => one.peer_id !== store.state.self?.id)),
  producerClosed: ({ media }, { producer_id: id }) => {
    media.publisher.closedByServer(id);
    media.receiver.remove(id);
  },
  consumerClosed: ({ media }, { consumer_id: id }) => media.receiver.removeConsumer(id),
  consumerPaused: ({ media }, { consumer_id: id }) => media.receiver.setPaused(id, true),
  consumerResumed: ({ media }, { consumer_id: id }) => media.receiver.setPaused(id, false),
  consumerLayersChanged: ({ media }, { consumer_id: id, spatialLayer: spatial, temporalLayer: temporal }) => {
    const layers = typeof spatial === "number" ? { spatial, ...(typeof temporal === "number" ? { temporal } : {}) } : undefined;
    media.receiver.setLayers(id, layers);
  },
  consumerScore: () => undefined,
  videoPaused: (inside, body) => producerPaused(inside, body.producer_id, true),
  videoResumed: (inside, body) => producerPaused(inside, body.producer_id, false),
  message: ({ store, events }, message) => {
    const before = store.state.chat;
    store.dispatch({ type: "chatReceived", message });
    const added = store.state.chat === before ? undefined : store.state.chat.find((one) => one.id === message.id);
    if (added && !added.own) events.emit("message", added);
  },
  "screen:shared": ({ store }, { peer_id: peerId }) => store.dispatch({ type: "screen", peerId: peerId ?? null }),
  "screen:stopped": ({ store }, { peer_id: who }) => {
    if (who === undefined || who === store.state.screenPeerId) store.dispatch({ type: "screen", peerId: null });
  },
  "cohost:request": ({ store, events }, { requestId, peerId, name }) => {
    store.dispatch({ type: "cohostRequested", request: { requestId, peerId, name } });
    events.emit("cohostRequest", { requestId, peerId, name });
  },
  "cohost:resolved": ({ store }, { requestId }) => store.dispatch({ type: "cohostSettled", requestId }),
  "cohost:response": ({ store, events }, { accepted }) => {
    store.dispatch({ type: "myCohostRequest", value: accepted ? "accepted" : "rejected" });
    events.emit("cohostResponse", { accepted });
  },
  roleChanged: ({ store, media, events }, { id, role, name }) => {
    const isSelf = store.state.self?.id === id;
    store.dispatch({ type: "roleChanged", id, role, name });
    if (isSelf && role === "viewer") for (const source of media.publisher.sources) void media.publisher.unpublish(source);
    events.emit("roleChanged", { peerId: id, role, isSelf });
  },
  "peer:mute": ({ store, media, events }, { peer_id: who, kind, name }) => {
    if (who !== store.state.self?.id) return;
    void media.publisher.setPaused(kind === "video" ? "camera" : "mic", true).catch(() => undefined);
    events.emit("muted", { by: name ?? null });
  },
  "peer:remove": (inside, { peer_id: who, name }) => {
    if (who !== inside.store.state.self?.id) return;
    inside.events.emit("removed", { by: name ?? null });
    inside.close("removed");
  },
  peerReplaced: (inside) => inside.close("replaced"),
  "room:lock": ({ store }, { locked }) => store.dispatch({ type: "locked", locked: locked ?? false }),
  activeSpeaker: ({ store }, { peer_id: peerId }) => store.dispatch({ type: "activeSpeaker", peerId: peerId ?? null }),
  audioLevels: ({ store }, body) => {
    const list = Array.isArray(body) ? body : (body.levels ?? []);
    store.dispatch({ type: "audioLevels", levels: new Map(list.map((one) => [one.peer_id, loudness(one.volume)])) });
  },
  viewerCount: ({ store }, { count }) => store.dispatch({ type: "viewerCount", count }),
  reactions: ({ events }, { counts }) => events.emit("reactions", counts),
  roomClosed: (inside, { reason, by }) => {
    if (reason === "removed") inside.events.emit("removed", { by: by ?? null });
    inside.close(reason);
  },
  mediaReset: ({ media, events }, { reason }) => {
    events.emit("mediaReset", { reason });
    void media.rebuild(false);
  },
};

/** Subscribes all of them; the function given back ends them all. */
export function listen(signaling: Signaling, inside: Inside): () => void {
  const ends = (Object.keys(handlers) as ServerEventName[]).map((event) => {
    const handle = handlers[event] as (inside: Inside, body: unknown) => void;
    return signaling.on(event, (body) => handle(inside, body));
  });
  return () => ends.forEach((end) => end());
}

/** From dBov (−127 to 0) to 0 … 1; below −60 there is nothing to hear. */
export function loudness(volume: number): number {
  return Math.max(0, Math.min(1, (volume + 60) / 60));
}

function peerJoined({ store, events }: Inside, peer: WirePeer): void {
  store.dispatch({ type: "peerJoined", peer });
  const known = store.state.peers.get(peer.id);
  if (known) events.emit("peerJoined", known);
}

function peerLeft({ store, media, events }: Inside, id: string, name?: string): void {
  const known = store.state.peers.get(id);
  media.receiver.removeOf(id);
  store.dispatch({ type: "peerLeft", id });
  if (known || name !== undefined) events.emit("peerLeft", { id, name: name ?? known?.name ?? "" });
}

function producerPaused({ store }: Inside, producerId: string | undefined, paused: boolean): void {
  if (producerId !== undefined && findStream(store.state, producerId)) {
    store.dispatch({ type: "streamChanged", producerId, change: { paused } });
  }
}
