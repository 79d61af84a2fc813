import { RostrumError } from "@rostrum/sdk";
import { describe, expect, it, vi } from "vitest";
import { Devices, type DeviceSource } from "./devices";

const MEMORY = { name: "", cameraOn: true, micOn: true };

function fakeTrack(deviceId: string): MediaStreamTrack {
  return { stop: vi.fn(), getSettings: () => ({ deviceId }) } as unknown as MediaStreamTrack;
}

function fakeSource(change: Partial<DeviceSource> = {}): DeviceSource {
  return {
    capture: (kind, id) => Promise.resolve(fakeTrack(id ?? `${kind}-default`)),
    list: () => Promise.resolve([{ kind: "videoinput", deviceId: "c1", label: "" }] as MediaDeviceInfo[]),
    onChange: () => () => undefined,
    ...change,
  };
}

describe("Devices", () => {
  it("previews what the person wants and lists what there is", async () => {
    const devices = new Devices(fakeSource(), { ...MEMORY, micOn: false });
    await devices.preview();
    expect(devices.state.camera).not.toBeNull();
    expect(devices.state.mic).toBeNull();
    expect(devices.state.cameras).toEqual([{ id: "c1", label: "Camera 1" }]);
  });

  it("keeps the microphone when the camera is refused", async () => {
    const source = fakeSource({
      capture: (kind) => (kind === "camera" ? Promise.reject(new RostrumError("permission_denied", "no")) : Promise.resolve(fakeTrack("m"))),
    });
    const devices = new Devices(source, MEMORY);
    await devices.preview();
    expect(devices.state.mic).not.toBeNull();
    expect(devices.state.cameraProblem).toContain("blocks the camera");
  });

  it("takes another device when the remembered one is gone", async () => {
    const source = fakeSource({
      capture: (_, id) => (id === "gone" ? Promise.reject(new RostrumError("device_not_found", "no")) : Promise.resolve(fakeTrack("other"))),
    });
    const devices = new Devices(source, { ...MEMORY, cameraId: "gone" });
    await devices.preview();
    expect(devices.state.cameraId).toBe("other");
  });

  it("stops a track that comes after it was switched off", async () => {
    const late = fakeTrack("c");
    let give: (track: MediaStreamTrack) => void = () => undefined;
    const devices = new Devices(fakeSource({ capture: () => new Promise((resolve) => (give = resolve)) }), { ...MEMORY, micOn: false });
    const asking = devices.preview();
    await devices.setCamera(false);
    give(late);
    await asking;
    expect(late.stop).toHaveBeenCalled();
    expect(devices.state.camera).toBeNull();
  });

  it("stops what it still has when closed, and not what was taken", async () => {
    const devices = new Devices(fakeSource(), MEMORY);
    await devices.preview();
    const camera = await devices.take("camera");
    await devices.setMic(true);
    const mic = devices.state.mic;
    devices.close();
    expect(camera?.stop).not.toHaveBeenCalled();
    expect(mic?.stop).toHaveBeenCalled();
  });

  it("gives away a track that is still on its way, and none that was switched off meanwhile", async () => {
    const given: ((track: MediaStreamTrack) => void)[] = [];
    const devices = new Devices(fakeSource({ capture: () => new Promise((resolve) => given.push(resolve)) }), MEMORY);
    void devices.preview();
    const [camera, mic] = [devices.take("camera"), devices.take("mic")];
    void devices.setMic(false);
    const [late, unwanted] = [fakeTrack("c"), fakeTrack("m")];
    given[0]?.(late);
    given[1]?.(unwanted);
    expect(await camera).toBe(late);
    expect(await mic).toBeNull();
    expect(unwanted.stop).toHaveBeenCalled();
  });
});
