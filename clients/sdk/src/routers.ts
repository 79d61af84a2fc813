import type { types } from "mediasoup-client";
import type { RoomOptions } from "./types";

/** The capabilities of a server's routers, and what the server calls them. */
export interface KnownRouters {
  tag: string;
  capabilities: types.RtpCapabilities;
}

/** Remembers what a server's routers can do from one visit to the next: who knows it joins with a round trip less. */
export class RouterMemory {
  readonly #storage: () => RoomOptions["storage"];
  readonly #key: string;
  #known: KnownRouters | null = null;

  constructor(url: string, storage: () => RoomOptions["storage"]) {
    this.#storage = storage;
    this.#key = `rostrum.routers.${url}`;
  }

  get known(): KnownRouters | null {
    return (this.#known ??= this.#stored());
  }

  remember(known: KnownRouters): void {
    this.#known = known;
    this.#store(JSON.stringify(known));
  }

  forget(): void {
    this.#known = null;
    this.#store(null);
  }

  #stored(): KnownRouters | null {
    // A browser may forbid storage altogether, and anything may have been written into it.
    try {
      const known = JSON.parse(this.#storage()?.getItem(this.#key) ?? "null") as Partial<KnownRouters> | null;
      if (typeof known?.tag !== "string" || typeof known.capabilities !== "object") return null;
      return { tag: known.tag, capabilities: known.capabilities };
    } catch {
      return null;
    }
  }

  #store(text: string | null): void {
    try {
      if (text === null) this.#storage()?.removeItem(this.#key);
      else this.#storage()?.setItem(this.#key, text);
    } catch {
      // As above.
    }
  }
}

/** Where this page keeps things for its next visit. */
export function storageOf(options: Pick<RoomOptions, "storage">): RoomOptions["storage"] {
  if (options.storage !== undefined) return options.storage;
  return (globalThis as { sessionStorage?: Storage }).sessionStorage;
}
