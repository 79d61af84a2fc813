import type { RoomState } from "@rostrum/sdk";

/** The layers of a camera's simulcast, lowest first: 320, 640 and 1280 pixels wide. */
const TOP_LAYER = 2;

/** The lowest layer that still fills a tile of this many device pixels. */
export function layerFor(pixels: number): number {
  if (pixels <= 360) return 0;
  return pixels <= 720 ? 1 : TOP_LAYER;
}

/**
 * Asks for no larger pictures than the page shows: a filmstrip of twelve faces is not worth twelve 720p streams.
 * A stream begins with everything; only a change is told, and each once.
 */
export class Quality {
  readonly #asked = new Map<string, number>();

  /** @param widths tile key (`peer:camera`) → width in device pixels */
  fit(state: RoomState, widths: ReadonlyMap<string, number>): void {
    const seen = new Set<string>();
    for (const peer of state.peers.values()) {
      const { camera } = peer.streams;
      const width = widths.get(`${peer.id}:camera`);
      if (!camera) continue;
      seen.add(camera.producerId);
      const layer = width === undefined ? 0 : layerFor(width);
      if ((this.#asked.get(camera.producerId) ?? TOP_LAYER) === layer) continue;
      this.#asked.set(camera.producerId, layer);
      // A stream that is just closing cannot be asked any more; the next one starts afresh.
      void camera.setPreferredLayers(layer).catch(() => this.#asked.delete(camera.producerId));
    }
    for (const id of this.#asked.keys()) if (!seen.has(id)) this.#asked.delete(id);
  }
}
