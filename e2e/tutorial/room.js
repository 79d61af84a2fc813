// A room client written from the documented event names alone: mediasoup-client and socket.io-client, no SDK.
// It knows nothing of keys, tokens or roles, as a page made from the public description would not.
import { Device } from "mediasoup-client";
import { io } from "socket.io-client";

export class TutorialRoom {
  constructor({ onTrack, onTrackEnded, onMessage }) {
    this.socket = io();
    this.device = new Device();
    this.consumers = new Map();
    this.onTrack = onTrack;
    this.onTrackEnded = onTrackEnded;
    this.onMessage = onMessage;
    this.known = new Set();
    this.socket.on("message", (message) => this.onMessage(message));
    this.socket.on("consumerClosed", ({ consumer_id }) => this.drop(consumer_id));
  }

  // Each event answers its acknowledgement; an error is an object with `error`.
  request(event, data) {
    return new Promise((resolve, reject) => {
      const answer = (reply) => (reply?.error ? reject(new Error(`${event}: ${reply.error}`)) : resolve(reply));
      if (data === undefined) this.socket.emit(event, answer);
      else this.socket.emit(event, data, answer);
    });
  }

  async enter(roomId, name) {
    this.roomId = roomId;
    this.name = name;
    await this.request("createRoom", { room_id: roomId });
    const joined = await this.request("join", { room_id: roomId, name });
    const routerRtpCapabilities = await this.request("getRouterRtpCapabilities");
    await this.device.load({ routerRtpCapabilities });
    this.sendTransport = await this.transport("createSendTransport");
    this.recvTransport = await this.transport("createRecvTransport");
    this.sendTransport.on("produce", ({ kind, rtpParameters, appData }, done, fail) =>
      this.request("produce", { producerTransportId: this.sendTransport.id, kind, rtpParameters, appData })
        .then(({ producer_id }) => done({ id: producer_id }), fail));
    this.socket.on("newProducers", (list) => this.consumeAll(list));
    // Without an acknowledgement the list comes as the event newProducers.
    this.socket.emit("getProducers");
    return joined;
  }

  async transport(create) {
    const transport = this.device[create](await this.request("createWebRtcTransport"));
    transport.on("connect", ({ dtlsParameters }, done, fail) =>
      this.request("connectTransport", { transport_id: transport.id, dtlsParameters }).then(done, fail));
    return transport;
  }

  async publish() {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 480 } });
    this.camera = await this.sendTransport.produce({
      track: stream.getVideoTracks()[0], appData: { type: "camera" },
    });
    this.mic = await this.sendTransport.produce({ track: stream.getAudioTracks()[0], appData: { type: "mic" } });
  }

  async consumeAll(list) {
    // A producer that starts while the first list is on its way is in both.
    const fresh = list.map((one) => one.producer_id).filter((id) => !this.known.has(id));
    for (const id of fresh) this.known.add(id);
    for (const id of fresh) await this.consume(id);
  }

  async consume(producerId) {
    const { id, kind, rtpParameters } = await this.request("consume", {
      consumerTransportId: this.recvTransport.id, producerId, rtpCapabilities: this.device.rtpCapabilities,
    });
    const consumer = await this.recvTransport.consume({ id, producerId, kind, rtpParameters });
    this.consumers.set(id, consumer);
    this.onTrack(id, consumer.track);
    await this.request("resume", { consumer_id: id });
  }

  drop(consumerId) {
    this.consumers.get(consumerId)?.close();
    this.consumers.delete(consumerId);
    this.onTrackEnded(consumerId);
  }

  async closeCamera() {
    this.camera.close();
    this.socket.emit("producerClosed", { producer_id: this.camera.id });
  }

  say(message) {
    return this.request("sendMessage", { room_id: this.roomId, name: this.name, message });
  }

  info() {
    return this.request("getMyRoomInfo");
  }

  async leave() {
    const answer = await this.request("exitRoom");
    this.sendTransport.close();
    this.recvTransport.close();
    return answer;
  }
}
