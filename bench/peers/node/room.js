// One live room of the peer server: its router and its peers, in memory.
import { randomUUID } from "node:crypto";
import { mediaCodecs } from "./codecs.js";

export class Room {
  constructor(id, router) {
    this.id = id;
    this.router = router;
    this.peers = new Map();
    this.history = [];
  }

  static async create(id, worker) {
    return new Room(id, await worker.createRouter({ mediaCodecs }));
  }

  producers(except) {
    const list = [];
    for (const peer of this.peers.values()) {
      if (peer === except) continue;
      for (const producer of peer.producers.values()) list.push(describe(peer, producer));
    }
    return list;
  }
}

export class Peer {
  constructor(socket, name, room) {
    this.id = randomUUID();
    this.socket = socket;
    this.name = name;
    this.room = room;
    this.role = room.peers.size ? "viewer" : "host";
    this.transports = new Map();
    this.producers = new Map();
    this.consumers = new Map();
  }

  get public() {
    return { id: this.id, name: this.name, role: this.role, producers: [...this.producers.keys()] };
  }

  close() {
    for (const transport of this.transports.values()) transport.close();
    this.room.peers.delete(this.id);
  }
}

export function describe(peer, producer) {
  return {
    producer_id: producer.id,
    producer_socket_id: peer.socket.id,
    peer_id: peer.id,
    name: peer.name,
    kind: producer.kind,
    type: producer.appData.type,
  };
}
