import type { types } from "mediasoup-client";
import { isPassing } from "./errors";
import type { ConsumerParameters, JoinedMedia, Layers, ProducerInfo } from "./events";
import type { Link } from "./link";
import type { Signaling } from "./signaling";
import { readStats } from "./stats";
import type { StreamChange } from "./state";
import { backoff, pause } from "./timing";
import type { RemoteStream } from "./types";

/** One producer of somebody else's, from its announcement until it is closed. */
interface Entry {
  readonly info: ProducerInfo;
  consumer: types.Consumer | null;
  /** The link on which it is being, or has been, consumed. */
  link: Link | null;
  /** When it was announced, by the receiver's own count of announcements. */
  readonly since: number;
}

export interface ReceiverHooks {
  added(info: ProducerInfo, stream: RemoteStream): void;
  changed(producerId: string, change: StreamChange): void;
  removed(info: ProducerInfo): void;
}

/** So many videos are received at once; those beyond wait until one goes. Sound is always received. */
export const mostVideos = 16;
const mostTries = 6;

/** Receives the others' streams: knows who produces what, and consumes it on whatever link there is. */
export class Receiver {
  readonly #signaling: Signaling;
  readonly #hooks: ReceiverHooks;
  readonly #entries = new Map<string, Entry>();
  readonly #ready = new Map<string, ConsumerParameters>();
  #link: Link | null = null;
  #announced = 0;

  constructor(signaling: Signaling, hooks: ReceiverHooks) {
    this.#signaling = signaling;
    this.#hooks = hooks;
  }

  add(infos: readonly ProducerInfo[]): void {
    for (const info of infos) {
      if (this.#entries.has(info.producer_id)) continue;
      this.#entries.set(info.producer_id, { info, consumer: null, link: null, since: ++this.#announced });
    }
    this.#fill();
  }

  /** Whether nobody is known to send anything. */
  get idle(): boolean {
    return this.#entries.size === 0;
  }

  /** Asks the server for its complete list: what is not on it is gone, unless it was announced after the question. */
  async sync(): Promise<void> {
    const asked = this.#announced;
    this.#compare(await this.#signaling.request("getProducers"), asked);
  }

  /** Takes the list and the consumers that came with the join; they are received on the next link. */
  take({ producers, consumers }: Pick<JoinedMedia, "producers" | "consumers">): void {
    for (const consumer of consumers) this.#ready.set(consumer.producerId, consumer);
    this.#compare(producers, this.#announced);
  }

  #compare(infos: readonly ProducerInfo[], asked: number): void {
    const listed = new Set(infos.map((info) => info.producer_id));
    for (const { info, since } of [...this.#entries.values()]) {
      if (since <= asked && !listed.has(info.producer_id)) this.remove(info.producer_id);
    }
    // What was paused or resumed while the socket was away has been told to nobody.
    for (const { producer_id: id, paused } of infos) {
      if (paused !== undefined && this.#entries.get(id)?.consumer) this.#hooks.changed(id, { paused });
    }
    this.add(infos);
  }

  remove(producerId: string): void {
    const entry = this.#entries.get(producerId);
    if (!entry) return;
    this.#entries.delete(producerId);
    this.#release(entry);
    this.#fill();
  }

  removeOf(peerId: string): void {
    for (const { info } of [...this.#entries.values()]) if (info.peer_id === peerId) this.remove(info.producer_id);
  }

  removeConsumer(consumerId: string): void {
    const entry = this.#byConsumer(consumerId);
    if (entry) this.remove(entry.info.producer_id);
  }

  setPaused(consumerId: string, paused: boolean): void {
    const entry = this.#byConsumer(consumerId);
    if (entry) this.#hooks.changed(entry.info.producer_id, { paused });
  }

  setLayers(consumerId: string, currentLayers: Layers | undefined): void {
    const entry = this.#byConsumer(consumerId);
    if (entry) this.#hooks.changed(entry.info.producer_id, { currentLayers });
  }

  attach(link: Link): void {
    this.#link = link;
    this.#fill();
  }

  detach(): void {
    this.#link = null;
    this.#ready.clear();
    for (const entry of this.#entries.values()) this.#release(entry);
  }

  close(): void {
    this.detach();
    this.#entries.clear();
  }

  #byConsumer(consumerId: string): Entry | undefined {
    return [...this.#entries.values()].find((entry) => entry.consumer?.id === consumerId);
  }

  #release(entry: Entry): void {
    entry.link = null;
    if (!entry.consumer) return;
    entry.consumer.close();
    entry.consumer = null;
    this.#hooks.removed(entry.info);
  }

  /** Starts to consume whatever is not consumed yet, as far as the cap allows. */
  #fill(): void {
    const link = this.#link;
    if (!link || !this.#signaling.connected) return;
    let videos = [...this.#entries.values()].filter((entry) => entry.link && entry.info.kind === "video").length;
    for (const entry of this.#entries.values()) {
      if (entry.link) continue;
      if (entry.info.kind === "video" && ++videos > mostVideos) continue;
      entry.link = link;
      void this.#consume(entry, link, this.#ready.get(entry.info.producer_id));
    }
    this.#ready.clear();
  }

  /** `ready`: the server has made the consumer already. */
  async #consume(entry: Entry, link: Link, ready?: ConsumerParameters): Promise<void> {
    const current = (): boolean => entry.link === link && !link.closed && this.#entries.get(entry.info.producer_id) === entry;
    for (let attempt = 0; current(); attempt += 1) {
      try {
        return await this.#consumeOnce(entry, link, current, ready);
      } catch (thrown) {
        const error = link.judge(thrown);
        if (!current()) return;
        // Without the socket nothing can be asked: the reconnection brings the list again.
        if (error.code === "disconnected") return void (entry.link = null);
        if (!isPassing(error)) return this.remove(entry.info.producer_id);
        if (attempt >= mostTries || link.doubtful) return link.fail(error);
        await pause(backoff(attempt), link.signal);
      }
    }
  }

  async #consumeOnce(entry: Entry, link: Link, current: () => boolean, ready?: ConsumerParameters): Promise<void> {
    const [device, transport] = await Promise.all([link.device(), link.transport("recv")]);
    if (!current()) return;
    const { producer_id: producerId, peer_id: peerId, type: source } = entry.info;
    const asked = { consumerTransportId: transport.id, producerId, rtpCapabilities: device.recvRtpCapabilities, paused: true };
    const ack = ready ?? (await this.#signaling.request("consume", asked));
    if (!current()) return;
    const streamId = `${peerId}-${source.startsWith("screen") ? "screen" : "camera"}`;
    const consumer = await transport.consume({ id: ack.id, producerId, kind: ack.kind, rtpParameters: ack.rtpParameters, streamId });
    if (!current()) return consumer.close();
    entry.consumer = consumer;
    this.#hooks.added(entry.info, this.#stream(entry.info, consumer, ack));
    // One that came ready flows as soon as the transport is connected.
    if (!ready) await this.#resume(consumer, link);
  }

  async #resume(consumer: types.Consumer, link: Link): Promise<void> {
    for (let attempt = 0; !consumer.closed; attempt += 1) {
      try {
        await this.#signaling.request("resume", { consumer_id: consumer.id });
        return;
      } catch (thrown) {
        const error = link.judge(thrown);
        if (link.closed || error.code === "disconnected") return;
        if (!isPassing(error) || attempt >= mostTries) return link.fail(error);
        await pause(backoff(attempt), link.signal);
      }
    }
  }

  #stream(info: ProducerInfo, consumer: types.Consumer, ack: ConsumerParameters): RemoteStream {
    return {
      producerId: info.producer_id,
      source: info.type,
      kind: info.kind,
      track: consumer.track,
      paused: ack.producerPaused,
      stats: async () => readStats(await consumer.getStats()),
      setPreferredLayers: async (spatial, temporal) => {
        const layers = { spatialLayer: spatial, ...(temporal === undefined ? {} : { temporalLayer: temporal }) };
        await this.#signaling.request("setPreferredLayers", { consumer_id: consumer.id, ...layers });
      },
    };
  }
}
