import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Device } from "mediasoup-client";
import * as fake from "mediasoup-client/fakeParameters";
import { FakeHandler } from "mediasoup-client/handlers/FakeHandler";
import { Server, type Socket } from "socket.io";

/**
 * A small server that speaks the SFU events over real sockets, with invented media parameters, for one room.
 * It keeps what the tests ask about: peers, transports, producers, messages, and every event it got.
 */

type Body = Record<string, unknown>;
type Reply = (answer: unknown) => void;

export interface FakePeer {
  id: string;
  name: string;
  role: string;
  resume: string;
  socket: Socket | null;
  transports: Set<string>;
  producers: Map<string, Body>;
}

export class FakeRostrum {
  readonly peers = new Map<string, FakePeer>();
  readonly messages: Body[] = [];
  readonly heard: { event: string; body: Body }[] = [];
  /** Events that are refused, with what they are answered: `times` counts down. */
  readonly refusals = new Map<string, { answer: Body; times: number }>();
  /** Called with each event before it is answered. */
  onEvent: (event: string) => void = () => undefined;
  /** This event is never answered. */
  silent: string | null = null;
  /** The next answer to this event is computed and never sent: the sockets break instead. */
  cutAt: string | null = null;
  /** Producers of somebody who is not there, for everybody to consume. */
  readonly foreign = new Map<string, Body>();
  role = "host";
  /** It knows of `media` in `join`; an older server does not. */
  oneShot = false;
  /** What it answers to `media` instead. */
  mediaError: Body | null = null;
  tag = "tag1";
  refuseHandshake: Body | null = null;
  #http: HttpServer | null = null;
  #io: Server | null = null;
  #port = 0;
  #count = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    this.#http = createServer();
    this.#io = new Server(this.#http);
    this.#io.use((_socket, next) => {
      if (!this.refuseHandshake) return next();
      next(Object.assign(new Error("refused"), { data: this.refuseHandshake }));
    });
    this.#io.on("connection", (socket) => this.#serve(socket));
    await new Promise<void>((resolve) => this.#http?.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (this.#http.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    await this.#io?.close();
  }

  /** As after a kill: nothing live is left, the messages are. */
  async restart(): Promise<void> {
    await this.stop();
    this.peers.clear();
    await this.start();
  }

  /** Breaks the connections without ending the sockets properly. */
  cut(): void {
    for (const socket of this.#io?.sockets.sockets.values() ?? []) socket.conn.close();
  }

  get peer(): FakePeer {
    const [first] = this.peers.values();
    if (!first) throw new Error("nobody is here");
    return first;
  }

  emit(event: string, body: unknown): void {
    this.#io?.emit(event, body);
  }

  count(event: string): number {
    return this.heard.filter((one) => one.event === event).length;
  }

  bodies(event: string): Body[] {
    return this.heard.filter((one) => one.event === event).map((one) => one.body);
  }

  #id(): string {
    return `id${++this.#count}`;
  }

  #serve(socket: Socket): void {
    socket.onAny((event: string, ...args: unknown[]) => {
      const reply = args.at(-1);
      const body = (typeof args[0] === "object" ? args[0] : {}) as Body;
      this.heard.push({ event, body });
      this.onEvent(event);
      const answer = this.#refused(event) ?? this.#answer(socket, event, body);
      if (this.silent === event) return;
      if (this.cutAt === event) {
        this.cutAt = null;
        return this.cut();
      }
      if (typeof reply === "function") (reply as Reply)(answer);
    });
    socket.on("disconnect", () => {
      for (const peer of this.peers.values()) if (peer.socket === socket) peer.socket = null;
    });
  }

  #refused(event: string): Body | undefined {
    const refusal = this.refusals.get(event);
    if (!refusal || refusal.times <= 0) return undefined;
    refusal.times -= 1;
    return refusal.answer;
  }

  #answer(socket: Socket, event: string, body: Body): unknown {
    if (event === "join") return this.#join(socket, body);
    const peer = [...this.peers.values()].find((one) => one.socket === socket);
    if (!peer) return { error: "not currently in a room", code: "not_in_room" };
    const handle = this.#handlers[event];
    return handle ? handle(peer, body) : {};
  }

  #join(socket: Socket, body: Body): Body {
    const known = [...this.peers.values()].find((one) => one.resume === body["resume"]);
    const peer: FakePeer = known ?? {
      id: this.#id(), name: String(body["name"]), role: this.role, resume: this.#id(), socket, transports: new Set(), producers: new Map(),
    };
    peer.socket = socket;
    if (body["fresh"] === true) this.#reset(peer);
    this.peers.set(peer.id, peer);
    const { id, name, role, resume } = peer;
    return {
      id, name, role, resume,
      myTransports: [...peer.transports],
      myProducers: [...peer.producers.keys()].map((producer_id) => ({ producer_id })),
      resumed: known !== undefined && body["fresh"] !== true,
      room: { id: body["room_id"], name: "Test", type: "webinar", locked: false, viewerCount: 3, startedAt: "2026-01-01T00:00:00.000Z" },
      peers: [{ id: "other", name: "Other", role: "cohost", producers: [...this.foreign.values()] }],
      chatHistory: this.messages,
      iceServers: [],
      ...(this.oneShot && body["media"] ? { media: this.mediaError ?? this.#media(peer, body["media"] as Body) } : {}),
    };
  }

  #media(peer: FakePeer, asked: Body): Body {
    const known = asked["tag"] === this.tag;
    const transport = (): unknown => this.#handlers["createWebRtcTransport"]?.(peer, {});
    const recvTransport = transport() as Body;
    const consume = (producerId: string): unknown => this.#handlers["consume"]?.(peer, { producerId, consumerTransportId: recvTransport["id"] });
    return {
      tag: this.tag,
      ...(known ? {} : { routerRtpCapabilities: fake.generateRouterRtpCapabilities() }),
      recvTransport,
      ...(asked["send"] === true ? { sendTransport: transport() } : {}),
      producers: [...this.foreign.values()],
      consumers: known && asked["rtpCapabilities"] ? [...this.foreign.keys()].map(consume) : [],
    };
  }

  #reset(peer: FakePeer): void {
    peer.transports.clear();
    peer.producers.clear();
  }

  /** As after the death of a media worker. */
  forgetMedia(): void {
    this.#reset(this.peer);
  }

  killMedia(): void {
    this.forgetMedia();
    this.emit("mediaReset", { reason: "worker_died" });
  }

  readonly #handlers: Record<string, (peer: FakePeer, body: Body) => unknown> = {
    exitRoom: (peer) => {
      this.peers.delete(peer.id);
      return "successfully exited room";
    },
    getRouterRtpCapabilities: () => fake.generateRouterRtpCapabilities(),
    createWebRtcTransport: (peer) => {
      const parameters = { ...fake.generateTransportRemoteParameters(), id: this.#id() };
      peer.transports.add(parameters.id);
      return parameters;
    },
    connectTransport: (peer, body) => this.#withTransport(peer, body["transport_id"], () => "success"),
    closeTransport: (peer, body) => {
      peer.transports.delete(String(body["transport_id"]));
      return {};
    },
    restartIce: (peer, body) => this.#withTransport(peer, body["transport_id"], () => fake.generateTransportRemoteParameters()),
    getProducers: () => [...this.foreign.values()],
    produce: (peer, body) =>
      this.#withTransport(peer, body["producerTransportId"], () => {
        const id = this.#id();
        peer.producers.set(id, body);
        return { producer_id: id, id };
      }),
    producerClosed: (peer, body) => {
      peer.producers.delete(String(body["producer_id"]));
      return {};
    },
    consume: (peer, body) =>
      this.#withTransport(peer, body["consumerTransportId"], () => {
        const producer = this.foreign.get(String(body["producerId"]));
        if (!producer) return { error: "no such producer", code: "producer_not_found" };
        const codecMimeType = producer["kind"] === "audio" ? "audio/opus" : "video/VP8";
        const { kind, rtpParameters } = fake.generateConsumerRemoteParameters({ codecMimeType });
        const id = `c-${String(body["producerId"])}`;
        return { id, producerId: body["producerId"], kind, rtpParameters, type: "simulcast", producerPaused: false };
      }),
    resume: (_peer, body) => ({ resumed: [body["consumer_id"]] }),
    sendMessage: (peer, body) => {
      const known = this.messages.find((one) => one["clientId"] === body["clientId"]);
      const { message, clientId, room_id } = body;
      const saved = known ?? { id: this.#id(), room_id, name: peer.name, peer_id: peer.id, message, clientId, timestamp: Date.now() };
      if (!known) this.messages.push(saved);
      return { id: saved["id"], timestamp: saved["timestamp"] };
    },
    "cohost:request": () => ({ requestId: "r1" }),
  };

  #withTransport(peer: FakePeer, id: unknown, answer: () => unknown): unknown {
    return peer.transports.has(String(id)) ? answer() : { error: "no such transport", code: "transport_not_found" };
  }
}

/** A producer of the peer `other`. */
export function foreignProducer(id: string, kind: "audio" | "video" = "video", type = "camera"): Body {
  return { producer_id: id, producer_socket_id: "s", peer_id: "other", name: "Other", kind, type };
}

/** What the fake handler lets a test do with a transport. */
export type Playable = Pick<FakeHandler, "setConnectionState">;

/** A mediasoup device that needs no browser; `made` gets every transport's handler, to play with its state. */
export function deviceMaker(made: Playable[] = []): () => Promise<Device> {
  const plain = FakeHandler.createFactory(fake);
  const factory: typeof plain.factory = (options) => {
    const handler = plain.factory(options);
    made.push(handler as unknown as Playable);
    return handler;
  };
  return () => Device.factory({ handlerFactory: { ...plain, factory } });
}

/** Waits until something is so; fails with its name when it does not become so. */
export async function until(what: string, holds: () => boolean, ms = 3000): Promise<void> {
  const end = Date.now() + ms;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
