// The codecs of both servers under test: those of Rostrum's media rooms (server/src/rostrum/sfu/codecs.py).
export const mediaCodecs = [
  {
    kind: "audio", mimeType: "audio/opus", clockRate: 48000, channels: 2,
    parameters: { usedtx: 1, useinbandfec: 1 },
  },
  { kind: "video", mimeType: "video/VP8", clockRate: 90000 },
  { kind: "video", mimeType: "video/VP9", clockRate: 90000, parameters: { "profile-id": 0 } },
  {
    kind: "video", mimeType: "video/H264", clockRate: 90000,
    parameters: { "packetization-mode": 1, "profile-level-id": "42e01f", "level-asymmetry-allowed": 1 },
  },
  { kind: "video", mimeType: "video/AV1", clockRate: 90000 },
];
