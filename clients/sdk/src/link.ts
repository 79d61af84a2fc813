import { Device, type types } from "mediasoup-client";
import { RostrumError, asRostrumError, clientError, isPassing } from "./errors";
import type { JoinMedia, JoinedMedia, Source, TransportParameters } from "./events";
import type { RouterMemory } from "./routers";
import type { Signaling } from "./signaling";
import { Healer } from "./healer";

export interface LinkOptions {
  forceTcp?: boolean | undefined;
  iceServers?: RTCIceServer[] | undefined;
  makeDevice?: (() => Promise<Device>) | undefined;
  routers: RouterMemory;
}

export interface LinkHooks {
  /** A transport's state changed. */
  state(): void;
  /** This link cannot be mended: a new one is needed. */
  broken(error: RostrumError): void;
}

type Direction = "send" | "recv";
type ConnectionState = types.ConnectionState;

/**
 * One life of the media path: a device and at most one transport each way, made when first needed.
 * It is never used again once closed; a rebuilt path is a new Link.
 */
export class Link {
  readonly #signaling: Signaling;
  readonly #options: LinkOptions;
  readonly #hooks: LinkHooks;
  readonly #abort = new AbortController();
  readonly #transports = new Map<Direction, Promise<types.Transport>>();
  readonly #open = new Map<types.Transport, Healer>();
  #device: Promise<Device> | null = null;
  #doubtful = false;

  constructor(signaling: Signaling, options: LinkOptions, hooks: LinkHooks) {
    this.#signaling = signaling;
    this.#options = options;
    this.#hooks = hooks;
  }

  /** Ends when the link does. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get closed(): boolean {
    return this.#abort.signal.aborted;
  }

  /** An answer was lost: what the server has may differ from what is here, so that only a new link is sure. */
  get doubtful(): boolean {
    return this.#doubtful;
  }

  /** The states of the transports that carry, or should carry, media. */
  get states(): ConnectionState[] {
    return [...this.#open.keys()].map((transport) => transport.connectionState).filter((state) => state !== "new");
  }

  get transportIds(): string[] {
    return [...this.#open.keys()].map((transport) => transport.id);
  }

  device(): Promise<Device> {
    return (this.#device ??= this.#signaling.request("getRouterRtpCapabilities").then((known) => this.#loadDevice(known)));
  }

  /** The transport of that direction, made when first asked for. */
  transport(direction: Direction): Promise<types.Transport> {
    const known = this.#transports.get(direction);
    if (known) return known;
    return this.#keep(direction, this.#makeTransport(direction));
  }

  /** What a join asks for on behalf of this link. */
  async wish(send: boolean): Promise<JoinMedia> {
    const wish = { recv: true, ...(send ? { send } : {}), ...(this.#options.forceTcp === true ? { forceTcp: true } : {}) };
    const { known } = this.#options.routers;
    if (!known) return wish;
    try {
      const device = await this.#loadDevice(known.capabilities);
      this.#device = Promise.resolve(device);
      return { ...wish, tag: known.tag, rtpCapabilities: device.recvRtpCapabilities };
    } catch {
      // What was remembered is of no use; what really is wrong with the browser shows when the server's own word is loaded.
      this.#options.routers.forget();
      return wish;
    }
  }

  /** Takes up what the join has brought. */
  adopt({ tag, routerRtpCapabilities: capabilities, recvTransport, sendTransport }: JoinedMedia): void {
    if (capabilities) {
      this.#options.routers.remember({ tag, capabilities });
      this.#device = this.#loadDevice(capabilities);
      this.#device.catch(() => undefined);
    }
    if (recvTransport) void this.#keep("recv", this.#takeUp("recv", recvTransport));
    if (sendTransport) void this.#keep("send", this.#takeUp("send", sendTransport));
  }

  /** Restarts ICE where the path is down; for the moment after a reconnection. */
  mend(): void {
    for (const healer of this.#open.values()) healer.check();
  }

  /** Says that this link is beyond mending. */
  fail(error: RostrumError): void {
    if (!this.closed) this.#hooks.broken(error);
  }

  /** Sorts what was thrown by work on this link: an error, with the doubt noted where an answer is missing. */
  judge(thrown: unknown): RostrumError {
    if (this.closed) return clientError("transport_closed", thrown);
    const error = asRostrumError(thrown, "media_failed");
    if (error.code === "disconnected" || error.code === "timeout") this.#doubtful = true;
    return error;
  }

  /** Closes all here; the server is told, if it still has the transports. */
  close(tellServer: boolean): void {
    if (this.closed) return;
    this.#abort.abort();
    for (const [transport, healer] of this.#open) {
      healer.stop();
      transport.close();
      if (tellServer) this.#signaling.tell("closeTransport", { transport_id: transport.id });
    }
    this.#open.clear();
  }

  async #loadDevice(routerRtpCapabilities: types.RtpCapabilities): Promise<Device> {
    const device = await (this.#options.makeDevice ?? Device.factory.bind(Device))().catch((thrown: unknown) => {
      throw clientError("unsupported", thrown);
    });
    await device.load({ routerRtpCapabilities });
    return device;
  }

  #keep(direction: Direction, made: Promise<types.Transport>): Promise<types.Transport> {
    this.#transports.set(direction, made);
    made.catch(() => this.#transports.get(direction) === made && this.#transports.delete(direction));
    return made;
  }

  async #makeTransport(direction: Direction): Promise<types.Transport> {
    const forceTcp = this.#options.forceTcp === true;
    const asked = this.#signaling.request("createWebRtcTransport", { direction, ...(forceTcp ? { forceTcp } : {}) });
    const [, parameters] = await Promise.all([this.device(), asked]);
    return this.#takeUp(direction, parameters);
  }

  async #takeUp(direction: Direction, parameters: TransportParameters): Promise<types.Transport> {
    const device = await this.device();
    if (this.closed) {
      this.#signaling.tell("closeTransport", { transport_id: parameters.id });
      throw clientError("transport_closed");
    }
    const settings = transportSettings(parameters, this.#options);
    const transport = direction === "send" ? device.createSendTransport(settings) : device.createRecvTransport(settings);
    this.#wire(transport);
    return transport;
  }

  #wire(transport: types.Transport): void {
    const healer = new Healer(() => transport.connectionState, () => this.#restartIce(transport), (error) => this.fail(error));
    this.#open.set(transport, healer);
    transport.on("connect", ({ dtlsParameters }, done) => {
      const asked = this.#signaling.request("connectTransport", { transport_id: transport.id, dtlsParameters });
      asked.catch((thrown: unknown) => this.fail(this.judge(thrown)));
      // The socket keeps the order, so that what follows need not wait a round trip for an answer that says nothing.
      done();
    });
    transport.on("produce", ({ kind, rtpParameters, appData }, done, failed) => {
      const { type, paused } = appData as { type: Source; paused?: boolean };
      const body = { producerTransportId: transport.id, kind, rtpParameters, appData: { type }, ...(paused ? { paused } : {}) };
      const asked = this.#signaling.request("produce", body);
      asked.then((ack) => done({ id: ack.producer_id }), (thrown: unknown) => failed(this.judge(thrown)));
    });
    transport.on("connectionstatechange", () => {
      healer.check();
      this.#hooks.state();
    });
  }

  async #restartIce(transport: types.Transport): Promise<void> {
    // Without the socket there is nobody to ask: the reconnection calls mend().
    if (!this.#signaling.connected) return;
    try {
      const { iceParameters } = await this.#signaling.request("restartIce", { transport_id: transport.id });
      if (!this.closed) await transport.restartIce({ iceParameters });
    } catch (thrown) {
      const error = this.judge(thrown);
      if (!this.closed && !isPassing(error)) this.fail(error);
    }
  }
}

function transportSettings(parameters: TransportParameters, { forceTcp, iceServers }: LinkOptions): types.TransportOptions {
  const { id, iceParameters, iceCandidates, dtlsParameters } = parameters;
  const overTcp = iceCandidates.filter((candidate) => candidate.protocol === "tcp");
  return {
    id,
    iceParameters,
    iceCandidates: forceTcp && overTcp.length > 0 ? overTcp : iceCandidates,
    dtlsParameters,
    ...(iceServers ? { iceServers } : {}),
  };
}
