import { FakeMediaStreamTrack } from "fake-mediastreamtrack";
import { afterEach, beforeEach } from "vitest";
import { Room } from "../src/index";
import type { RoomOptions } from "../src/index";
import { FakeRostrum, deviceMaker } from "./server";

/** A server for each test of a file, and visits to its room that end with the test. */
export interface Visits {
  server: FakeRostrum;
  readonly visit: (options?: Partial<RoomOptions>) => Room;
}

export function useVisits(oneShot = false): Visits {
  const rooms: Room[] = [];
  const visits: Visits = {
    server: new FakeRostrum(),
    visit: (options = {}) => {
      const { url } = visits.server;
      const room = new Room({ url, roomId: "r", name: "Ann", storage: null, makeDevice: deviceMaker(), ...options });
      rooms.push(room);
      return room;
    },
  };
  beforeEach(async () => {
    visits.server = new FakeRostrum();
    visits.server.oneShot = oneShot;
    await visits.server.start();
  });
  afterEach(async () => {
    for (const room of rooms.splice(0)) await room.leave();
    await visits.server.stop();
  });
  return visits;
}

export function track(kind: "audio" | "video"): MediaStreamTrack {
  return new FakeMediaStreamTrack({ kind });
}
