import { io, type Socket } from "socket.io-client";
import { RostrumError, clientError, errorInAck, isPassing } from "./errors";
import type { Ack, RequestBody, RequestName, ServerEventName, ServerEvents } from "./events";
import { Emitter } from "./emitter";

export interface SignalingOptions {
  url: string;
  /** Path of the Socket.IO endpoint; `/socket.io` unless told. */
  path?: string | undefined;
  apiKey?: string | undefined;
  token?: string | undefined;
  /** Milliseconds to wait for an acknowledgement. */
  timeout?: number | undefined;
}

export interface ConnectionEvents {
  /** Connected: for the first time or again. */
  up: undefined;
  /** Lost. `byServer`: the server ended it on purpose. */
  down: { byServer: boolean };
  /** The server refused the handshake; it is not tried again. */
  refused: RostrumError;
}

/** The socket: typed requests with acknowledgement and time-out, typed events, quick reconnection. */
export class Signaling {
  readonly #socket: Socket;
  readonly #timeout: number;
  readonly #connection = new Emitter<ConnectionEvents>();
  #entered = false;
  #heard = 0;
  #again: ReturnType<typeof setTimeout> | null = null;

  constructor(options: SignalingOptions) {
    this.#timeout = options.timeout ?? 10_000;
    this.#socket = io(options.url, {
      path: options.path ?? "/socket.io",
      auth: credentials(options),
      autoConnect: false,
      forceNew: true,
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      reconnectionDelay: 200,
      reconnectionDelayMax: 1000,
      timeout: 5000,
    });
    this.#watch();
  }

  /** Connected, and in the room: what is asked now can be answered. */
  get connected(): boolean {
    return this.#socket.connected && this.#entered;
  }

  /** The room has been joined over the present connection. */
  entered(): void {
    this.#entered = true;
  }

  connect(): void {
    this.#socket.connect();
  }

  /** Connects after so many milliseconds. */
  connectLater(ms: number): void {
    this.#again = setTimeout(() => this.connect(), ms);
  }

  /** Ends the connection and every subscription. */
  close(): void {
    if (this.#again !== null) clearTimeout(this.#again);
    this.#entered = false;
    this.#connection.clear();
    this.#socket.off();
    this.#socket.disconnect();
  }

  onConnection<E extends keyof ConnectionEvents>(event: E, listener: (body: ConnectionEvents[E]) => void): () => void {
    return this.#connection.on(event, listener);
  }

  on<E extends ServerEventName>(event: E, listener: (body: ServerEvents[E]) => void): () => void {
    const socket = this.#socket as { on(e: string, l: unknown): void; off(e: string, l: unknown): void };
    socket.on(event, listener);
    return () => socket.off(event, listener);
  }

  /**
   * Asks the server and gives its answer.
   * Raises RostrumError: `disconnected` (also until the room is joined), `timeout`, or the server's own code.
   */
  async request<E extends RequestName>(event: E, ...body: RequestBody<E> extends undefined ? [] : [RequestBody<E>]): Promise<Ack<E>> {
    if (!this.#socket.connected || !this.#mayAsk(event)) throw clientError("disconnected");
    const heard = this.#heard;
    let ack: unknown;
    try {
      ack = await this.#socket.timeout(this.#timeout).emitWithAck(event, ...body);
    } catch (thrown) {
      throw this.#unanswered(heard, thrown);
    }
    const error = errorInAck(ack);
    if (error) throw error;
    return ack as Ack<E>;
  }

  /** Says something without waiting for the answer; lost when there is no connection. */
  tell(event: RequestName, body?: object): void {
    if (this.connected) this.#socket.emit(event, ...(body ? [body] : []));
  }

  #mayAsk(event: RequestName): boolean {
    return this.#entered || opening.has(event);
  }

  #unanswered(heard: number, cause: unknown): RostrumError {
    // Not even a ping has come since: the network has gone without saying so, and waiting for the ping's time-out would take longer.
    if (this.#socket.connected && this.#heard === heard) this.#socket.io.engine.close();
    return clientError(this.#socket.connected ? "timeout" : "disconnected", cause);
  }

  #watch(): void {
    const { io } = this.#socket;
    const heard = (): void => void (this.#heard += 1);
    io.on("open", () => io.engine.on("packet", heard));
    this.#socket.on("connect", () => this.#connection.emit("up", undefined));
    this.#socket.on("disconnect", (reason) => {
      this.#entered = false;
      this.#connection.emit("down", { byServer: reason === "io server disconnect" });
    });
    this.#socket.on("connect_error", (error: Error & { data?: unknown }) => {
      // While the socket stays active the library goes on trying: the server is only away.
      if (this.#socket.active) return;
      const refused = refusal(error);
      if (isPassing(refused)) this.connectLater(1000);
      else this.#connection.emit("refused", refused);
    });
  }
}

/** What may be asked before the room is joined. */
const opening: ReadonlySet<RequestName> = new Set<RequestName>(["createRoom", "join"]);

function credentials({ apiKey, token }: SignalingOptions): Record<string, string> {
  return { ...(apiKey ? { apiKey } : {}), ...(token ? { token } : {}) };
}

function refusal(error: Error & { data?: unknown }): RostrumError {
  const data = typeof error.data === "object" && error.data !== null ? (error.data as Record<string, unknown>) : {};
  const code = typeof data["code"] === "string" ? data["code"] : "unauthorized";
  const message = typeof data["error"] === "string" ? data["error"] : error.message;
  return new RostrumError(code, message, { details: data, cause: error });
}
