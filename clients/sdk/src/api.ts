import { RostrumError, asRostrumError, clientError } from "./errors";
import type { Role } from "./events";

/** REST of a Rostrum server, with typed answers. Every method raises RostrumError with the server's code. */

export interface ApiOptions {
  url: string;
  apiKey?: string | undefined;
  /** A user's JWT. */
  token?: string | undefined;
}

export interface Registration {
  email: string;
  fName: string;
  lName: string;
  phoneNumber: string;
  country: string;
  password: string;
}

export interface User {
  _id: string;
  email: string;
  fName: string;
  lName: string;
}

export interface Login {
  token: string;
  tokenType: "Bearer";
  /** Seconds. */
  expiresIn: number;
  user: User;
}

export type RoomType = "meeting" | "conference" | "webinar" | "live";

export interface NewRoom {
  name: string;
  type: RoomType;
  maxParticipants?: number;
  isPrivate?: boolean;
  p2p?: boolean;
}

export interface CreatedRoom {
  id: string;
  name: string;
  type: RoomType;
  p2p: boolean;
  maxParticipants: number | null;
  isPrivate: boolean;
  joinUrl: string;
}

/** What anybody who may join sees before joining. */
export interface PublicRoom {
  id: string;
  name: string;
  type: RoomType;
  isPrivate: boolean;
  live: boolean;
}

export interface GuestToken {
  token: string;
  role: Role;
  expiresAt: string;
}

export interface Invitation extends GuestToken {
  url: string;
}

export class RostrumApi {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = { ...options };
  }

  async register(registration: Registration): Promise<User> {
    return (await this.#post<{ user: User }>("/v1/auth/register", registration)).user;
  }

  /** Logs in and uses the token from now on. */
  async login(userName: string, password: string): Promise<Login> {
    const login = await this.#post<Login>("/v1/auth/login", { userName, password });
    this.#options.token = login.token;
    return login;
  }

  createRoom(room: NewRoom): Promise<CreatedRoom> {
    return this.#post("/v1/room/create", room);
  }

  getRoom(roomId: string): Promise<PublicRoom> {
    return this.#call("GET", `/v1/rooms/${encodeURIComponent(roomId)}`);
  }

  /** A token with which a guest joins, and comes back as the same guest after a reconnection. */
  guestToken(roomId: string, name: string): Promise<GuestToken> {
    return this.#post(`/v1/rooms/${encodeURIComponent(roomId)}/guest-token`, { name });
  }

  invite(roomId: string, invitation: { role: Role; name?: string; expiresAt?: string | number }): Promise<Invitation> {
    return this.#post(`/v1/rooms/${encodeURIComponent(roomId)}/invitations`, invitation);
  }

  /** Which features the tenant's package has. */
  features(): Promise<Record<string, boolean>> {
    return this.#call("GET", "/v1/features");
  }

  #post<T>(path: string, body: object): Promise<T> {
    return this.#call("POST", path, body);
  }

  async #call<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await this.#fetch(method, path, body);
    const answer = await parse(response);
    if (!response.ok) throw refusal(response, answer);
    if (answer === null) throw clientError("bad_answer");
    return ("data" in answer ? answer["data"] : answer) as T;
  }

  async #fetch(method: string, path: string, body: object | undefined): Promise<Response> {
    const { url, apiKey, token } = this.#options;
    const headers: Record<string, string> = {
      ...(apiKey ? { "x-api-key": apiKey } : {}),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(body ? { "content-type": "application/json" } : {}),
    };
    try {
      return await fetch(new URL(path, url), { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
    } catch (thrown) {
      throw clientError("network", asRostrumError(thrown));
    }
  }
}

async function parse(response: Response): Promise<Record<string, unknown> | null> {
  try {
    const answer: unknown = await response.json();
    return typeof answer === "object" && answer !== null ? (answer as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function refusal(response: Response, answer: Record<string, unknown> | null): RostrumError {
  const { code, message, msg, ...details } = answer ?? {};
  const sentence = [message, msg].find((one) => typeof one === "string") ?? `The server answered ${response.status}.`;
  return new RostrumError(typeof code === "string" ? code : `http_${response.status}`, sentence, { status: response.status, details });
}
