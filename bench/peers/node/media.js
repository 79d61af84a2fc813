// The peer of bench/media: one stream of plain RTP in, `--consumers` streams of SRTP out to `--sink`.
// It prints one line of JSON when it is ready: {pid, workerPid, port}.
import { parseArgs } from "node:util";
import { createWorker } from "mediasoup";
import { mediaCodecs } from "./codecs.js";

const { values: options } = parseArgs({
  options: Object.fromEntries(
    ["consumers", "sink", "rtp", "capabilities", "key"].map((name) => [name, { type: "string" }]),
  ),
});
const rtpCapabilities = JSON.parse(options.capabilities);
const listenInfo = { protocol: "udp", ip: "127.0.0.1" };
const worker = await createWorker({ logLevel: "warn" });
const router = await worker.createRouter({ mediaCodecs });
const ingest = await router.createPlainTransport({ listenInfo, rtcpMux: true, comedia: true });
const producer = await ingest.produce({ kind: "video", rtpParameters: JSON.parse(options.rtp) });
for (let number = 0; number < Number(options.consumers); number++) {
  const transport = await router.createPlainTransport({
    listenInfo, rtcpMux: true, enableSrtp: true, srtpCryptoSuite: "AEAD_AES_128_GCM",
  });
  await transport.connect({
    ip: "127.0.0.1", port: Number(options.sink),
    srtpParameters: { cryptoSuite: "AEAD_AES_128_GCM", keyBase64: options.key },
  });
  await transport.consume({ producerId: producer.id, rtpCapabilities });
}
console.log(JSON.stringify({ pid: process.pid, workerPid: worker.pid, port: ingest.tuple.localPort }));
process.on("SIGTERM", () => {
  worker.close();
  process.exit(0);
});
setInterval(() => {}, 1 << 30);
