"""Our side of bench/media: one stream of plain RTP in, `--consumers` streams of SRTP out to `--sink`.

It prints one line of JSON when it is ready: {pid, workerPid, port}.
"""

import argparse
import asyncio
import json
import os
import signal

from mediasoup import ListenInfo, Worker

CODECS = [
    {"kind": "audio", "mimeType": "audio/opus", "clockRate": 48000, "channels": 2},
    {"kind": "video", "mimeType": "video/VP8", "clockRate": 90000},
]
SUITE = "AEAD_AES_128_GCM"


async def serve(options: argparse.Namespace) -> None:
    """Build the fan-out, say so, and stay until SIGTERM."""
    here = ListenInfo(protocol="udp", ip="127.0.0.1")
    worker = await Worker.create()
    router = await worker.create_router(media_codecs=CODECS)
    ingest = await router.create_plain_transport(listen_info=here, rtcp_mux=True, comedia=True)
    producer = await ingest.produce(kind="video", rtp_parameters=json.loads(options.rtp))
    capabilities = json.loads(options.capabilities)
    for _ in range(options.consumers):
        transport = await router.create_plain_transport(
            listen_info=here, rtcp_mux=True, enable_srtp=True, srtp_crypto_suite=SUITE
        )
        srtp = {"cryptoSuite": SUITE, "keyBase64": options.key}
        await transport.connect(ip="127.0.0.1", port=options.sink, srtp_parameters=srtp)
        await transport.consume(producer_id=producer.id, rtp_capabilities=capabilities)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    told = {"pid": os.getpid(), "workerPid": worker.pid, "port": ingest.tuple.local_port}
    print(json.dumps(told), flush=True)
    await stopped.wait()
    worker.close()
    await worker.wait_closed()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--consumers", type=int, required=True)
    arguments.add_argument("--sink", type=int, required=True)
    arguments.add_argument("--rtp", required=True)
    arguments.add_argument("--capabilities", required=True)
    arguments.add_argument("--key", required=True)
    asyncio.run(serve(arguments.parse_args()))
