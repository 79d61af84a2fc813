// The peer of bench/join: the documented SFU events on Socket.IO and npm's mediasoup, as one would write them in Node.
// It prints one line of JSON when it is ready: {url, pid, workerPid}. Options: --port, --media-port.
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { createWorker } from "mediasoup";
import { Server } from "socket.io";
import { Peer, Room, describe } from "./room.js";

const { values: options } = parseArgs({
  options: { port: { type: "string" }, "media-port": { type: "string" } },
});
const worker = await createWorker({ logLevel: "warn" });
const mediaPort = Number(options["media-port"]);
const webRtcServer = await worker.createWebRtcServer({
  listenInfos: ["udp", "tcp"].map((protocol) => ({ protocol, ip: "127.0.0.1", port: mediaPort })),
});
const rooms = new Map();

const handlers = {
  async createRoom(socket, { room_id }) {
    const created = !rooms.has(room_id);
    if (created) rooms.set(room_id, await Room.create(room_id, worker));
    return { room_id, created };
  },

  async join(socket, { room_id, name }) {
    const room = rooms.get(room_id);
    if (!room) throw new Error("no such room");
    const peers = [...room.peers.values()].map((peer) => peer.public);
    const peer = new Peer(socket, name, room);
    room.peers.set(peer.id, peer);
    socket.data.peer = peer;
    socket.join(room_id);
    socket.to(room_id).emit("peerJoined", { id: peer.id, name, role: peer.role });
    return { id: peer.id, room: { id: room.id }, peers, chatHistory: room.history, role: peer.role };
  },

  async getRouterRtpCapabilities(socket) {
    return socket.data.peer.room.router.rtpCapabilities;
  },

  async createWebRtcTransport(socket) {
    const { peer } = socket.data;
    const transport = await peer.room.router.createWebRtcTransport({
      webRtcServer, enableUdp: true, enableTcp: true, preferUdp: true,
    });
    peer.transports.set(transport.id, transport);
    const { id, iceParameters, iceCandidates, dtlsParameters } = transport;
    return { id, iceParameters, iceCandidates, dtlsParameters };
  },

  async connectTransport(socket, { transport_id, dtlsParameters }) {
    await socket.data.peer.transports.get(transport_id).connect({ dtlsParameters });
    return "success";
  },

  async produce(socket, { producerTransportId, kind, rtpParameters, appData }) {
    const { peer } = socket.data;
    const producer = await peer.transports.get(producerTransportId).produce({ kind, rtpParameters, appData });
    peer.producers.set(producer.id, producer);
    producer.on("transportclose", () => peer.producers.delete(producer.id));
    socket.to(peer.room.id).emit("newProducers", [describe(peer, producer)]);
    return { producer_id: producer.id, id: producer.id };
  },

  async producerClosed(socket, { producer_id }) {
    const { peer } = socket.data;
    peer.producers.get(producer_id).close();
    peer.producers.delete(producer_id);
    socket.to(peer.room.id).emit("producerClosed", { producer_id });
    return {};
  },

  async getProducers(socket, body, ack) {
    const { peer } = socket.data;
    const list = peer.room.producers(peer);
    if (!ack) socket.emit("newProducers", list);
    return list;
  },

  async consume(socket, { consumerTransportId, producerId, rtpCapabilities }) {
    const { peer } = socket.data;
    if (!peer.room.router.canConsume({ producerId, rtpCapabilities })) throw new Error("cannot consume");
    const consumer = await peer.transports.get(consumerTransportId).consume({ producerId, rtpCapabilities });
    peer.consumers.set(consumer.id, consumer);
    consumer.on("transportclose", () => peer.consumers.delete(consumer.id));
    consumer.on("producerclose", () => {
      peer.consumers.delete(consumer.id);
      socket.emit("consumerClosed", { consumer_id: consumer.id });
    });
    const { id, kind, rtpParameters, type, producerPaused } = consumer;
    return { id, producerId, kind, rtpParameters, type, producerPaused };
  },

  async resume(socket, { consumer_id }) {
    await socket.data.peer.consumers.get(consumer_id).resume();
    return { resumed: [consumer_id] };
  },

  async sendMessage(socket, { room_id, message }) {
    const { peer } = socket.data;
    const line = { id: String(peer.room.history.length), room_id, name: peer.name, peer_id: peer.id, message,
      timestamp: Date.now() };
    peer.room.history.push(line);
    socket.to(peer.room.id).emit("message", line);
    return { id: line.id, timestamp: line.timestamp };
  },

  async getMyRoomInfo(socket) {
    const { peer } = socket.data;
    const peers = [...peer.room.peers.values()].map((one) => one.public);
    return { id: peer.id, room: { id: peer.room.id }, peers, producers: peer.room.producers(peer) };
  },

  async exitRoom(socket) {
    leave(socket);
    return "successfully exited room";
  },
};

function leave(socket) {
  const { peer } = socket.data;
  if (!peer) return;
  socket.data.peer = undefined;
  peer.close();
  socket.leave(peer.room.id);
  socket.to(peer.room.id).emit("peerLeft", { id: peer.id, name: peer.name });
  if (!peer.room.peers.size) {
    rooms.delete(peer.room.id);
    peer.room.router.close();
  }
}

const http = createServer();
const io = new Server(http, { perMessageDeflate: false });
io.on("connection", (socket) => {
  for (const [event, handler] of Object.entries(handlers)) {
    socket.on(event, (body, ack) => {
      if (typeof body === "function") [body, ack] = [{}, body];
      handler(socket, body ?? {}, ack).then((answer) => ack?.(answer), (error) => ack?.({ error: error.message, code: "failed" }));
    });
  }
  socket.on("disconnect", () => leave(socket));
});
http.listen(Number(options.port), "127.0.0.1", () => {
  const url = `http://127.0.0.1:${http.address().port}`;
  console.log(JSON.stringify({ url, pid: process.pid, workerPid: worker.pid }));
});
process.on("SIGTERM", () => {
  worker.close();
  process.exit(0);
});
