import { type ClientErrorCode, RostrumError, clientError } from "./errors";

/** Cameras, microphones and screens of this machine. */

const cameraShape: MediaTrackConstraints = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
const micShape: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

function device(deviceId: string | undefined): MediaTrackConstraints {
  return deviceId === undefined ? {} : { deviceId: { exact: deviceId } };
}

/** Raises RostrumError `permission_denied`, `device_not_found`, `device_busy` or `device_failed`. */
export async function captureCamera(deviceId?: string): Promise<MediaStreamTrack> {
  return first(await captured(() => mediaDevices().getUserMedia({ video: { ...cameraShape, ...device(deviceId) } })));
}

export async function captureMic(deviceId?: string): Promise<MediaStreamTrack> {
  return first(await captured(() => mediaDevices().getUserMedia({ audio: { ...micShape, ...device(deviceId) } })));
}

/** The person chooses in the browser's own window; `audio` only where the browser and the choice give it. */
export async function captureScreen(audio: boolean): Promise<{ video: MediaStreamTrack; audio: MediaStreamTrack | null }> {
  const video: MediaTrackConstraints = { frameRate: { ideal: 15, max: 30 } };
  const stream = await captured(() => mediaDevices().getDisplayMedia({ video, audio }));
  const track = first({ getTracks: () => stream.getVideoTracks() });
  // Text must stay sharp; movement may suffer.
  if ("contentHint" in track) track.contentHint = "detail";
  return { video: track, audio: stream.getAudioTracks()[0] ?? null };
}

function mediaDevices(): MediaDevices {
  // Absent where the page is not served over TLS or from localhost.
  const devices = (globalThis.navigator as Partial<Navigator> | undefined)?.mediaDevices;
  if (!devices) throw clientError("unsupported");
  return devices;
}

function first(stream: Pick<MediaStream, "getTracks">): MediaStreamTrack {
  const track = stream.getTracks()[0];
  if (!track) throw clientError("device_not_found");
  return track;
}

async function captured(ask: () => Promise<MediaStream>): Promise<MediaStream> {
  try {
    return await ask();
  } catch (thrown) {
    if (thrown instanceof RostrumError) throw thrown;
    throw clientError(codeOf(thrown), thrown);
  }
}

const codes: Readonly<Record<string, ClientErrorCode>> = {
  NotAllowedError: "permission_denied",
  SecurityError: "permission_denied",
  NotFoundError: "device_not_found",
  OverconstrainedError: "device_not_found",
  NotReadableError: "device_busy",
  AbortError: "device_busy",
};

function codeOf(thrown: unknown): ClientErrorCode {
  return (thrown instanceof Error ? codes[thrown.name] : undefined) ?? "device_failed";
}
