"""Rostrum itself as the benchmarks run it: on the server's core, with one media worker, on loopback alone."""

from pathlib import Path

from bench.kit.process import Pinned

SETTINGS = {
    "ROSTRUM_MEDIA_PORT": "0",
    "ROSTRUM_MEDIA_ADDRESSES": "127.0.0.1",
    "ROSTRUM_MEDIA_WORKERS": "1",
    "ROSTRUM_MAX_SOCKETS_PER_ADDRESS": "20000",  # The whole load comes from one.
}

Auth = dict[str, str]


def demo(folder: Path, port: int = 0, **settings: str) -> Pinned:
    """The demo's server, with its data in `folder` and its log beside; clients without any key may make rooms in it.

    Settings are given without their prefix, in lower case: `chat_batch="1"`.
    """
    command = ["./rostrum", "demo", "--json", "--port", str(port), "--data-dir", str(folder)]
    return Pinned(command, _log(folder), _environment(settings))


def serve(folder: Path, port: int, **settings: str) -> tuple[Pinned, str]:
    """The server on the database that is in `folder`, and its URL; settings as in `demo`."""
    url = f"http://127.0.0.1:{port}"
    command = ["./rostrum", "serve", "--host", "127.0.0.1", "--port", str(port), "--data-dir", str(folder)]
    return Pinned(command, _log(folder), _environment(settings), ready=f"{url}/readyz"), url


def auths(server: Pinned) -> tuple[Auth, Auth]:
    """What the demo's host and its viewers show at the handshake."""
    key = server.told["publishableKey"]
    return {"apiKey": key, "token": server.told["hostToken"]}, {"apiKey": key}


def _log(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.log")


def _environment(settings: dict[str, str]) -> dict[str, str]:
    return {**SETTINGS, **{f"ROSTRUM_{name.upper()}": value for name, value in settings.items()}}
