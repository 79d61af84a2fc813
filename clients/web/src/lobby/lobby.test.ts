import { RostrumError } from "@rostrum/sdk";
import { expect, it, vi } from "vitest";
import type { Notice } from "../app/notices";
import { FakeRoom } from "../dev/fakeroom";
import { peer } from "../dev/sample";
import { Devices } from "../devices/devices";
import { Lobby, type LobbyParts } from "./lobby";

const ROOM = { id: "r", name: "Launch", type: "webinar", isPrivate: false, live: true } as const;
const HOST_TOKEN = `x.${btoa(JSON.stringify({ use: "join", role: "host", name: "Ada" }))}.y`;

function memory(): Storage {
  const kept = new Map<string, string>();
  return { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value), removeItem: (key: string) => void kept.delete(key) } as Storage;
}

function parts(change: Partial<LobbyParts> = {}): LobbyParts & { room: FakeRoom; notices: Notice[]; tracks: MediaStreamTrack[] } {
  const room = new FakeRoom();
  const notices: Notice[] = [];
  const tracks: MediaStreamTrack[] = [];
  const capture = (): Promise<MediaStreamTrack> => {
    const track = { stop: vi.fn(), getSettings: () => ({}) } as unknown as MediaStreamTrack;
    tracks.push(track);
    return Promise.resolve(track);
  };
  return {
    room,
    notices,
    tracks,
    invitation: { roomId: "r", key: "k", forceTcp: false },
    url: "http://localhost",
    api: { getRoom: () => Promise.resolve(ROOM), guestToken: vi.fn(() => Promise.resolve({ token: "guest", role: "viewer" as const, expiresAt: new Date(1e15).toISOString() })) },
    devices: new Devices({ capture, list: () => Promise.resolve([]), onChange: () => () => undefined }, { name: "", cameraOn: true, micOn: true }),
    openRoom: vi.fn(() => room),
    local: memory(),
    tab: memory(),
    onEntered: vi.fn(),
    onTrouble: vi.fn(),
    onRefused: (notice) => notices.push(notice),
    now: () => 0,
    ...change,
  };
}

it("asks a guest for a name, and a viewer for no device", async () => {
  const given = parts();
  const lobby = new Lobby(given);
  await lobby.load();
  await lobby.enter();
  expect(lobby.state.nameProblem).not.toBeNull();
  expect(given.tracks).toHaveLength(0);
  lobby.setName(" Vera ");
  await lobby.enter();
  expect(given.openRoom).toHaveBeenCalledWith(expect.objectContaining({ token: "guest", name: "Vera", apiKey: "k" }));
  expect(given.onEntered).toHaveBeenCalledOnce();
});

it("takes a host in with what is previewed", async () => {
  const given = parts({ invitation: { roomId: "r", key: "k", token: HOST_TOKEN, forceTcp: false } });
  given.room.set({ self: peer("me", { isSelf: true, role: "host" }) });
  const lobby = new Lobby(given);
  await lobby.load();
  expect(lobby.state).toMatchObject({ name: "Ada", presents: true, role: "host" });
  await lobby.enter();
  expect(given.room.calls.map(([verb]) => verb)).toEqual(["join", "enableMic", "enableCamera"]);
  expect(given.api.guestToken).not.toHaveBeenCalled();
});

it("does not wait for a slow device to enter, nor forget it", async () => {
  const given = parts({ invitation: { roomId: "r", key: "k", token: HOST_TOKEN, forceTcp: false } });
  given.room.set({ self: peer("me", { isSelf: true, role: "host" }) });
  const track = { stop: vi.fn(), getSettings: () => ({}) } as unknown as MediaStreamTrack;
  let give: (track: MediaStreamTrack) => void = () => undefined;
  const capture = (): Promise<MediaStreamTrack> => new Promise((resolve) => (give = resolve));
  const source = { capture, list: () => Promise.resolve([]), onChange: () => () => undefined };
  const lobby = new Lobby({ ...given, devices: new Devices(source, { name: "", cameraOn: true, micOn: false }) });
  await lobby.load();
  const entering = lobby.enter();
  await vi.waitFor(() => expect(given.onEntered).toHaveBeenCalled());
  expect(given.room.calls).toEqual([["join"]]);
  give(track);
  await entering;
  expect(given.room.calls).toEqual([["join"], ["enableCamera", { track }]]);
});

it("says which device did not come along, and stays in the room", async () => {
  const given = parts({ invitation: { roomId: "r", key: "k", token: HOST_TOKEN, forceTcp: false } });
  given.room.set({ self: peer("me", { isSelf: true, role: "host" }) });
  given.room.failures.set("enableCamera", new RostrumError("media_restarting", "Later."));
  const lobby = new Lobby(given);
  await lobby.load();
  await lobby.enter();
  expect(given.onTrouble).toHaveBeenCalledExactlyOnceWith("Your camera is not on yet. Try its button again.");
  expect(given.notices).toEqual([]);
});

it("lets the devices go when it turns out that the person is a viewer", async () => {
  const given = parts({ invitation: { roomId: "r", key: "k", token: "opaque", forceTcp: false } });
  const lobby = new Lobby(given);
  await lobby.load();
  lobby.setName("Vera");
  await lobby.enter();
  for (const track of given.tracks) expect(track.stop).toHaveBeenCalled();
  expect(given.room.calls).toEqual([["join"]]);
});

it("keeps a guest the same across a reload, and forgets a pass that is refused", async () => {
  const given = parts();
  for (let visit = 0; visit < 2; visit++) {
    const lobby = new Lobby(given);
    await lobby.load();
    lobby.setName("Vera");
    await lobby.enter();
  }
  expect(given.api.guestToken).toHaveBeenCalledOnce();
  given.room.failures.set("join", new RostrumError("strange", "Not now."));
  const lobby = new Lobby(given);
  await lobby.load();
  await lobby.enter();
  expect(lobby.state).toMatchObject({ phase: "ready", problem: "Not now.", name: "Vera" });
  given.room.failures.clear();
  await lobby.enter();
  expect(given.api.guestToken).toHaveBeenCalledTimes(2);
});

it.each([
  ["room_not_found", 404, "not-found"],
  ["invalid_api_key", 403, "incomplete"],
  ["network", undefined, "failed"],
])("shows a page for %s", async (code, status, kind) => {
  const given = parts();
  given.api.getRoom = () => Promise.reject(new RostrumError(code, "No.", { status }));
  await new Lobby(given).load();
  expect(given.notices).toMatchObject([{ kind }]);
});

it("lets the door decide where the facts are not told, and explains a link without its key", async () => {
  const given = parts({ invitation: { roomId: "r", forceTcp: false } });
  given.api.getRoom = () => Promise.reject(new RostrumError("unauthorized", "No.", { status: 401 }));
  given.room.failures.set("join", new RostrumError("unauthorized", "No."));
  const lobby = new Lobby(given);
  await lobby.load();
  expect(lobby.state.phase).toBe("ready");
  lobby.setName("Vera");
  await lobby.enter();
  expect(given.notices).toMatchObject([{ kind: "incomplete" }]);
});
