"""The media engine: it is there, starts, and answers by UDP and TCP on each address that media listens on."""

from mediasoup import WORKER_VERSION, ListenInfo, MediasoupError, Worker, worker_binary

from rostrum.doctor import stun
from rostrum.doctor.finding import Finding
from rostrum.settings import Settings
from rostrum.sfu.pool import resolve_addresses


async def check_engine(settings: Settings) -> list[Finding]:
    """Start a worker of its own on free ports and send it the connectivity check that a browser would send."""
    try:
        binary = settings.engine_binary or worker_binary()
        worker = await Worker.create(binary)
    except (MediasoupError, OSError) as error:
        advice = "Run `make setup` to build it, or set ROSTRUM_ENGINE_BINARY or MEDIASOUP_WORKER_BIN."
        return [Finding("engine", "fail", f"the engine does not start: {error}", advice)]
    try:
        started = Finding("engine", "ok", f"mediasoup-worker {WORKER_VERSION} starts ({binary})")
        answers = [await _reach(worker, address) for address in resolve_addresses(settings.media_addresses)]
        return [started, *answers]
    finally:
        worker.close()
        await worker.wait_closed()


async def _reach(worker: Worker, address: str) -> Finding:
    """Whether the engine answers on one address, by both ways that browsers use."""
    check = f"media on {address}"
    try:
        server = await worker.create_webrtc_server(
            [ListenInfo(protocol="udp", ip=address), ListenInfo(protocol="tcp", ip=address)]
        )
        router = await worker.create_router(media_codecs=[])
        transport = await router.create_webrtc_transport(webrtc_server=server)
    except MediasoupError as error:
        advice = "Set ROSTRUM_MEDIA_ADDRESSES to addresses that this host has."
        return Finding(check, "fail", f"the engine cannot listen there: {error}", advice)
    local = transport.ice_parameters
    username = f"{local.username_fragment}:doctor"
    ports = {candidate.protocol: candidate.port for candidate in transport.ice_candidates}
    silent = []
    if not await stun.ask_udp(address, ports["udp"], username, local.password):
        silent.append("UDP")
    if not await stun.ask_tcp(address, ports["tcp"], username, local.password):
        silent.append("TCP")
    transport.close()
    if silent:
        advice = "Look at this host's own firewall: iptables -L, nft list ruleset."
        return Finding(check, "fail", f"no answer by {' and '.join(silent)}", advice)
    return Finding(check, "ok", "the engine answers by UDP and by TCP")
