import { captureCamera, captureMic, captureScreen } from "./capture";
import { Emitter } from "./emitter";
import { RostrumError, asRostrumError, clientError } from "./errors";
import type { JoinAck, ReactionKind, RequestBody, RequestName, Source } from "./events";
import { listen } from "./inbox";
import { Media } from "./media";
import { Outbox } from "./outbox";
import { onPageHide, sfuEndpoint } from "./page";
import { RouterMemory, storageOf } from "./routers";
import { Session } from "./session";
import { Signaling } from "./signaling";
import { Store } from "./store";
import { Serial } from "./timing";
import type { PeerInfo, RoomEvents, RoomOptions, RoomState } from "./types";

/** Milliseconds that leaving waits for the server's goodbye. */
const goodbye = 1500;

/** A live room: one instance a visit. `state` is what to show, the methods are what a person can do. */
export class Room {
  readonly #options: RoomOptions;
  readonly #store = new Store();
  readonly #events = new Emitter<RoomEvents>();
  readonly #signaling: Signaling;
  readonly #media: Media;
  readonly #outbox: Outbox;
  readonly #session: Session;
  readonly #devices = new Serial();
  readonly #owned: (() => void)[] = [];

  constructor(options: RoomOptions) {
    this.#options = options;
    this.#signaling = new Signaling({ ...sfuEndpoint(options), apiKey: options.apiKey, token: options.token });
    this.#media = this.#makeMedia();
    this.#outbox = new Outbox(this.#signaling, this.#store, options.roomId);
    this.#session = new Session(this.#signaling, options, {
      reusable: () => this.#media.reusable,
      inviting: () => this.#media.invite(),
      joined: (ack) => this.#joined(ack),
      offline: () => this.#offline(),
      refused: (error) => this.#close(error.code, error),
    });
  }

  /** An immutable picture of the room, replaced by a new one at each change. */
  get state(): RoomState {
    return this.#store.state;
  }

  /** Calls the listener at once and at each change; the function given back ends it. */
  subscribe(listener: (state: RoomState) => void): () => void {
    return this.#store.subscribe(listener);
  }

  on<E extends keyof RoomEvents>(event: E, listener: (body: RoomEvents[E]) => void): () => void {
    return this.#events.on(event, listener);
  }

  /** Joins the room. Raises RostrumError with the server's code when it refuses, `network` when it cannot be reached. */
  async join(): Promise<void> {
    if (this.state.connection !== "idle") throw clientError(this.state.connection === "closed" ? "closed" : "already_joined");
    this.#store.dispatch({ type: "connection", connection: "connecting" });
    const { store, events } = { store: this.#store, events: this.#events };
    this.#owned.push(listen(this.#signaling, { store, events, media: this.#media, close: (reason, error) => this.#close(reason, error) }));
    if (this.#options.leaveOnPageHide !== false) this.#owned.push(onPageHide(() => this.#vanish()));
    await this.#session.start();
  }

  /** Leaves for good: tells the server, stops the devices, closes all. Never fails. */
  async leave(): Promise<void> {
    if (this.state.connection === "closed") return;
    const told = this.#signaling.connected ? this.#signaling.request("exitRoom").catch(() => undefined) : undefined;
    await Promise.race([told, new Promise((resolve) => setTimeout(resolve, goodbye))]);
    this.#close("left");
  }

  /** Ends the room for everybody; hosts only. */
  async end(): Promise<void> {
    await this.#ask("room:end").catch((thrown: unknown) => {
      // The end is told to everybody, and may reach us before the answer does.
      if (this.state.closedReason !== "ended") throw thrown;
    });
    this.#close("ended");
  }

  /** Sends the camera, or another track in its place; a track given here belongs to the room from now on. */
  enableCamera(choice: { deviceId?: string; track?: MediaStreamTrack } = {}): Promise<void> {
    return this.#enable("camera", choice, captureCamera);
  }

  disableCamera(): Promise<void> {
    return this.#devices.run(() => this.#media.publisher.unpublish("camera"));
  }

  enableMic(choice: { deviceId?: string; track?: MediaStreamTrack } = {}): Promise<void> {
    return this.#enable("mic", choice, captureMic);
  }

  disableMic(): Promise<void> {
    return this.#devices.run(() => this.#media.publisher.unpublish("mic"));
  }

  /** Mutes the camera without giving it back. Raises `not_published` when it is not on. */
  setCameraPaused(paused: boolean): Promise<void> {
    return this.#media.publisher.setPaused("camera", paused);
  }

  setMicPaused(paused: boolean): Promise<void> {
    return this.#media.publisher.setPaused("mic", paused);
  }

  switchCamera(deviceId: string): Promise<void> {
    return this.#enable("camera", { deviceId }, captureCamera);
  }

  switchMic(deviceId: string): Promise<void> {
    return this.#enable("mic", { deviceId }, captureMic);
  }

  /** Shares the screen. Raises `screen_busy` while somebody else does, `permission_denied` when the person chose nothing. */
  async startScreen(options: { audio?: boolean; track?: MediaStreamTrack } = {}): Promise<void> {
    const begun = await this.#devices.run(async () => {
      if (this.state.local.screen) return [];
      this.#mustBeOnStage();
      const sharer = this.state.screenPeerId;
      if (sharer !== null && sharer !== this.state.self?.id) throw clientError("screen_busy");
      const chosen = options.track ? { video: options.track, audio: null } : await captureScreen(options.audio ?? false);
      this.#stillOnStage(chosen.video, chosen.audio);
      const video = this.#media.publisher.publish("screen", chosen.video);
      // A screen that may not be shown is not to be heard either.
      video.catch(() => this.#media.publisher.unpublish("screen-audio"));
      return chosen.audio ? [video, this.#media.publisher.publish("screen-audio", chosen.audio)] : [video];
    });
    // Waited for outside of the queue: without a connection it may take long, and must not keep anything from being stopped.
    await Promise.all(begun);
  }

  stopScreen(): Promise<void> {
    return this.#devices.run(async () => {
      if (!this.#media.publisher.track("screen")) return;
      await Promise.all([this.#media.publisher.unpublish("screen"), this.#media.publisher.unpublish("screen-audio")]);
      if (this.#signaling.connected) await this.#signaling.request("screen:stopped");
    });
  }

  /** Shows the message at once; resolves when the server has stored it, also after a reconnection. */
  async sendMessage(text: string): Promise<void> {
    this.#mustBeIn();
    await this.#outbox.send(text);
  }

  /** Claps, or the like; the room hears sums, by the event `reactions`. Raises `rate_limited` when it is too much. */
  async react(kind: ReactionKind): Promise<void> {
    await this.#ask("reaction", { kind });
  }

  /** Asks the hosts for a place on stage. */
  async requestCohost(): Promise<void> {
    await this.#ask("cohost:request");
    // The answer may have come before the acknowledgement was handled.
    if (this.state.self?.role === "viewer") this.#store.dispatch({ type: "myCohostRequest", value: "pending" });
  }

  async respondCohost(requestId: string, accepted: boolean): Promise<void> {
    await this.#ask("cohost:respond", { requestId, accepted });
    this.#store.dispatch({ type: "cohostSettled", requestId });
  }

  async removeCohost(peerId: string): Promise<void> {
    await this.#ask("cohost:remove", { peerId });
  }

  async mutePeer(peerId: string): Promise<void> {
    await this.#ask("peer:mute", { peerId });
  }

  async removePeer(peerId: string): Promise<void> {
    await this.#ask("peer:remove", { peerId });
  }

  /** Lets nobody new in, or again everybody. */
  async lock(locked: boolean): Promise<void> {
    await this.#ask("room:lock", { locked });
    this.#store.dispatch({ type: "locked", locked });
  }

  #makeMedia(): Media {
    const { forceTcp, iceServers, makeDevice, simulcast } = this.#options;
    const routers = new RouterMemory(this.#options.url, () => storageOf(this.#options));
    return new Media(this.#signaling, { forceTcp, iceServers, makeDevice, routers, simulcast: simulcast ?? true }, {
      produced: (source, producerId) => this.#announce(source, producerId),
      changed: (source, track) => this.#store.dispatch({ type: "local", source, track }),
      ended: (source) => this.#ended(source),
      state: (media) => this.#store.dispatch({ type: "media", media }),
      error: (error) => this.#report(error),
      received: {
        added: (info, stream) => {
          this.#store.dispatch({ type: "streamAdded", owner: info, stream });
          this.#events.emit("streamAdded", { peerId: info.peer_id, stream });
        },
        changed: (producerId, change) => this.#store.dispatch({ type: "streamChanged", producerId, change }),
        removed: ({ producer_id: producerId, peer_id: peerId, type: source }) => {
          this.#store.dispatch({ type: "streamRemoved", producerId });
          this.#events.emit("streamRemoved", { peerId, source, producerId });
        },
      },
    });
  }

  #joined(ack: JoinAck): void {
    const resumed = ack.resumed === true;
    const before = this.state.self?.role;
    this.#store.dispatch({ type: "joined", ack, name: this.#options.name });
    if (ack.role === "viewer" && before !== undefined && before !== "viewer") this.#leaveStage();
    this.#media.useIceServers(ack.iceServers);
    // What the join has told need not be asked for: it is received as soon as there is a transport.
    this.#media.receiver.add(ack.peers.filter(({ id }) => id !== ack.id).flatMap(({ producers }) => producers ?? []));
    this.#media.bring(ack.media);
    void this.#startMedia(ack, resumed);
    this.#outbox.flush();
    this.#events.emit("joined", { self: this.state.self as PeerInfo, resumed });
  }

  async #startMedia(ack: JoinAck, resumed: boolean): Promise<void> {
    if (!resumed || !this.#media.reusable) return this.#media.rebuild(false);
    await this.#media.resume(ack).catch(() => this.#media.rebuild(true));
  }

  #offline(): void {
    if (this.state.connection === "joined") this.#store.dispatch({ type: "connection", connection: "reconnecting" });
    this.#media.offline();
  }

  async #enable(
    source: "camera" | "mic",
    choice: { deviceId?: string; track?: MediaStreamTrack },
    capture: (deviceId?: string) => Promise<MediaStreamTrack>,
  ): Promise<void> {
    const begun = await this.#devices.run(async () => {
      this.#mustBeOnStage();
      const { track, deviceId } = choice;
      if (this.#media.publisher.track(source) && !track && deviceId === undefined) return [];
      const captured = track ?? (await capture(deviceId));
      this.#stillOnStage(captured);
      return [this.#media.publisher.publish(source, captured)];
    });
    await Promise.all(begun);
  }

  /** The room may have been left while the person was asked for the device. */
  #stillOnStage(...tracks: (MediaStreamTrack | null)[]): void {
    try {
      this.#mustBeOnStage();
    } catch (thrown) {
      for (const track of tracks) track?.stop();
      throw thrown;
    }
  }

  /** Producing a screen takes the room's one place for it; this tells the others. */
  #announce(source: Source, producerId: string): void {
    if (source === "screen") this.#signaling.tell("screen:shared", { producer_id: producerId });
  }

  #ended(source: Source): void {
    if (source === "screen") return void this.stopScreen().catch((thrown: unknown) => this.#report(asRostrumError(thrown)));
    void this.#media.publisher.unpublish(source);
    if (source !== "screen-audio") this.#report(new RostrumError("device_lost", `The ${source} stopped by itself.`, { details: { source } }));
  }

  #leaveStage(): void {
    for (const source of this.#media.publisher.sources) void this.#media.publisher.unpublish(source);
  }

  #report(error: RostrumError): void {
    this.#store.dispatch({ type: "error", error });
    this.#events.emit("error", error);
  }

  #mustBeIn(): void {
    const { connection } = this.state;
    if (connection === "closed") throw clientError("closed");
    if (connection === "idle" || !this.state.self) throw clientError("not_joined");
  }

  #mustBeOnStage(): void {
    this.#mustBeIn();
    if (this.state.self?.role === "viewer") throw new RostrumError("forbidden", "Viewers cannot send audio or video.");
  }

  async #ask<E extends RequestName>(event: E, ...body: RequestBody<E> extends undefined ? [] : [RequestBody<E>]): Promise<void> {
    this.#mustBeIn();
    await this.#signaling.request(event, ...body);
  }

  /** The page goes away: whoever stays should not look at a frozen picture until the server misses us. */
  #vanish(): void {
    this.#signaling.tell("exitRoom");
    this.#close("left");
  }

  #close(reason: string, error: RostrumError | null = null): void {
    if (this.state.connection === "closed") return;
    // Another tab that took the peer over needs the secret.
    this.#session.stop(error ?? clientError("closed"), reason !== "replaced");
    for (const end of this.#owned.splice(0)) end();
    this.#media.close();
    this.#outbox.close();
    this.#signaling.close();
    this.#store.dispatch({ type: "closed", reason, error });
    if (error) this.#events.emit("error", error);
    if (reason === "left") this.#events.emit("left", { reason });
    this.#events.emit("closed", { reason });
  }
}
