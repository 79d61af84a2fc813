import type { Role } from "./events";
import { RoomFiles } from "./files";
import { Rest, path } from "./rest";
import type { ApiOptions, Page, PageOptions } from "./rest";

/** REST of a Rostrum server, with typed answers. Every method raises RostrumError with the server's code. */

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
  user: Account;
}

/** A user with their roles in the tenant. */
export interface Account extends User {
  roles: string[];
}

export interface Features {
  package: string;
  features: Record<string, boolean>;
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

/** A room as its owner sees it. No owner: it belongs to the tenant. */
export interface OwnRoom extends CreatedRoom {
  ownerId: string | null;
  live: boolean;
  createdAt: string;
}

/** Which rooms are asked for; administrators and secret keys see the whole tenant. */
export interface RoomFilter extends PageOptions {
  ownerId?: string;
  type?: RoomType;
  isPrivate?: boolean;
  /** A part of the name. */
  name?: string;
  since?: string | number;
  until?: string | number;
  order?: "newest" | "oldest";
}

/** What shall be different; `maxParticipants: null` takes the limit away. */
export type RoomChange = Partial<Pick<CreatedRoom, "name" | "isPrivate" | "maxParticipants">>;

export interface StoredMessage {
  id: string;
  room_id: string;
  name: string;
  peer_id: string;
  message: string;
  /** Milliseconds since 1970. */
  timestamp: number;
  createdAt: string;
  file?: Record<string, unknown>;
  clientId?: string;
}

export interface NewMeeting {
  title: string;
  hostId: string;
  transcriptEnabled: boolean;
  /** Without one a webinar's room is made. */
  roomId?: string;
  scheduledAt?: string | number;
  durationMinutes?: number;
}

/** What shall be different; `recordingId` is added to the meeting's recordings. */
export type MeetingChange = Partial<Omit<NewMeeting, "hostId">> & { userId?: string; recordingId?: string; summaryGenerated?: boolean };

/** A meeting. No room: it was deleted. */
export interface Meeting {
  _id: string;
  title: string;
  hostId: string;
  roomId: string | null;
  transcriptEnabled: boolean;
  summaryGenerated: boolean;
  recordingIds: string[];
  scheduledAt: string | null;
  durationMinutes: number | null;
  createdAt: string;
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
  readonly #rest: Rest;

  constructor(options: ApiOptions) {
    this.#rest = new Rest(options);
  }

  /** The token that goes out with each request. */
  get token(): string | undefined {
    return this.#rest.token;
  }

  async register(registration: Registration): Promise<User> {
    return (await this.#post<{ user: User }>("/v1/auth/register", registration)).user;
  }

  /** Logs in and uses the token from now on. */
  login(userName: string, password: string): Promise<Login> {
    return this.#begin("/v1/auth/login", { userName, password });
  }

  /** A fresh token of the same session, used from now on. */
  refresh(): Promise<Login> {
    return this.#begin("/v1/auth/refresh", {});
  }

  /** Ends the session: all its tokens are refused, its sockets close. */
  async logout(): Promise<void> {
    await this.#post("/v1/auth/logout", {});
    this.#rest.token = undefined;
  }

  /** Sets another password and uses the new token; all tokens of before are refused. */
  changePassword(currentPassword: string, newPassword: string): Promise<Login> {
    return this.#begin("/v1/auth/change-password", { currentPassword, newPassword });
  }

  /** Asks for a mail with a link to a new password; it never tells whether there is such a user. */
  async forgotPassword(email: string): Promise<void> {
    await this.#post("/v1/auth/forgot-password", { email });
  }

  /** Sets a new password by the token of such a link. */
  async resetPassword(token: string, newPassword: string): Promise<void> {
    await this.#post("/v1/auth/reset-password", { token, newPassword });
  }

  me(): Promise<Account> {
    return this.#rest.call("/v1/users/me");
  }

  /** All that the server keeps about the user. */
  exportData(): Promise<Record<string, unknown>> {
    return this.#rest.call("/v1/users/me/export");
  }

  async deleteAccount(password: string): Promise<void> {
    await this.#rest.call("/v1/users/me", { method: "DELETE", body: { password } });
    this.#rest.token = undefined;
  }

  /** Which features the tenant's package has on this server. */
  features(): Promise<Features> {
    return this.#rest.call("/v1/features");
  }

  createRoom(room: NewRoom): Promise<CreatedRoom> {
    return this.#post("/v1/room/create", room);
  }

  getRoom(roomId: string): Promise<PublicRoom> {
    return this.#rest.call(path`/v1/rooms/${roomId}`);
  }

  listRooms(filter: RoomFilter = {}): Promise<Page<OwnRoom>> {
    return this.#rest.page("/v1/rooms", filter);
  }

  changeRoom(roomId: string, change: RoomChange): Promise<OwnRoom> {
    return this.#rest.call(path`/v1/rooms/${roomId}`, { method: "PATCH", body: change });
  }

  deleteRoom(roomId: string): Promise<void> {
    return this.#rest.done(path`/v1/rooms/${roomId}`, { method: "DELETE" });
  }

  /** Makes a user a co-host of the room for good. */
  async addCohost(roomId: string, userId: string): Promise<void> {
    await this.#rest.call(path`/v1/rooms/${roomId}/cohosts/${userId}`, { method: "PUT" });
  }

  removeCohost(roomId: string, userId: string): Promise<void> {
    return this.#rest.done(path`/v1/rooms/${roomId}/cohosts/${userId}`, { method: "DELETE" });
  }

  /** A token with which a guest joins, and comes back as the same guest after a reconnection. */
  guestToken(roomId: string, name: string): Promise<GuestToken> {
    return this.#post(path`/v1/rooms/${roomId}/guest-token`, { name });
  }

  invite(roomId: string, invitation: { role: Role; name?: string; expiresAt?: string | number }): Promise<Invitation> {
    return this.#post(path`/v1/rooms/${roomId}/invitations`, invitation);
  }

  /** The room's chat, the newest message first. */
  messages(roomId: string, options: PageOptions = {}): Promise<Page<StoredMessage>> {
    return this.#rest.page(path`/v1/rooms/${roomId}/messages`, options);
  }

  /** The files of a room. */
  files(roomId: string): RoomFiles {
    return new RoomFiles(this.#rest, roomId);
  }

  createMeeting(meeting: NewMeeting): Promise<Meeting> {
    return this.#post("/v1/meetings/create", meeting);
  }

  getMeeting(meetingId: string): Promise<Meeting> {
    return this.#rest.call(path`/v1/meetings/${meetingId}`);
  }

  changeMeeting(meetingId: string, change: MeetingChange): Promise<Meeting> {
    return this.#rest.call(path`/v1/meetings/${meetingId}`, { method: "PATCH", body: change });
  }

  /** The meetings that a user hosts, the newest first. */
  listMeetings(userId: string, options: PageOptions = {}): Promise<Page<Meeting>> {
    return this.#rest.page(path`/v1/meetings/list/${userId}`, options);
  }

  #post<T>(address: string, body: object): Promise<T> {
    return this.#rest.call(address, { method: "POST", body });
  }

  async #begin(address: string, body: object): Promise<Login> {
    const login = await this.#post<Login>(address, body);
    this.#rest.token = login.token;
    return login;
  }
}
