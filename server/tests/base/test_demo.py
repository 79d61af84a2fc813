"""The commands as people and programs run them: real processes, real engine."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

ROSTRUM = [sys.executable, "-m", "rostrum"]
MEMBERS = {
    "url", "secretKey", "publishableKey", "adminToken", "hostToken", "hostLink", "viewerLink", "roomId"
}  # fmt: skip


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROSTRUM_")}
    return {**kept, "ROSTRUM_MEDIA_PORT": "0", "ROSTRUM_MEDIA_WORKERS": "2"}


def _run(*args: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**_environment(), **settings}
    return subprocess.run([*ROSTRUM, *args], env=environment, capture_output=True, text=True, timeout=90, check=False)


@contextlib.contextmanager
def _server(*args: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    environment = {**_environment(), **settings}
    with subprocess.Popen(
        [*ROSTRUM, *args], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


@contextlib.contextmanager
def _demo(folder: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    with _server("demo", "--json", "--port", "0", "--data-dir", str(folder)) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.stderr.read() if process.stderr else ""
        yield process, json.loads(line)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _gone(pids: list[int], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.05)
    return False


def _stop(process: subprocess.Popen[str]) -> float:
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    output, log = process.communicate(timeout=20)
    assert process.returncode == 0, log
    assert output == ""
    assert "Traceback" not in log, log[-3000:]
    return time.monotonic() - started


def test_the_same_demo_twice(tmp_path: Path) -> None:
    with _demo(tmp_path) as (process, first):
        assert set(first) == MEMBERS
        workers = _children(process.pid)
        assert len(workers) == 2
        url = first["url"]
        assert httpx.get(f"{url}/readyz").json() == {"status": "ready"}
        # A client that keeps its socket open does not keep the server.
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as idle:
            idle.sendall(b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: x\r\n\r\n")
            idle.recv(100)
            assert _stop(process) < 10
        assert _gone(workers)
    with _demo(tmp_path) as (process, second):
        stable = ("secretKey", "publishableKey", "roomId")
        assert [first[name] for name in stable] == [second[name] for name in stable]
        key = {"x-api-key": second["publishableKey"]}
        room = f"{second['url']}/v1/rooms/{second['roomId']}"
        for data in (first, second):  # Tokens of before the restart still hold.
            bearer = {"authorization": f"Bearer {data['hostToken']}"}
            invited = httpx.post(f"{room}/invitations", json={"role": "cohost"}, headers={**key, **bearer})
            assert invited.status_code == 201
            bearer = {"authorization": f"Bearer {data['adminToken']}"}
            assert httpx.get(room, headers={**key, **bearer}).status_code == 200
        assert httpx.get(room, headers=key).json()["data"]["type"] == "webinar"
        assert httpx.get(room, headers={"x-api-key": second["secretKey"]}).status_code == 200
        assert second["hostLink"] == f"{second['viewerLink']}&t={second['hostToken']}"
        assert second["viewerLink"] == f"{second['url']}/join/{second['roomId']}#k={second['publishableKey']}"
        _stop(process)


def test_stops_with_sockets_open(tmp_path: Path) -> None:
    with _demo(tmp_path) as (process, data):
        workers = _children(process.pid)
        path = "/socket.io/?EIO=4&transport=websocket"
        with connect(data["url"].replace("http", "ws", 1) + path, open_timeout=20) as client:
            assert str(client.recv()).startswith("0")
            client.send("40" + json.dumps({"apiKey": data["publishableKey"], "token": data["hostToken"]}))
            assert str(client.recv()).startswith("40{")
            client.send("420" + json.dumps(["join", {"room_id": data["roomId"], "name": "Hana"}]))
            assert _stop(process) < 10
            with pytest.raises(ConnectionClosed):
                while True:
                    client.recv(timeout=5)
        assert _gone(workers)


def test_a_second_signal_forces(tmp_path: Path) -> None:
    with _demo(tmp_path) as (process, data):
        workers = _children(process.pid)
        host, port = data["url"].removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as slow:
            slow.sendall(b"POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n")
            slow.sendall(f"x-api-key: {data['publishableKey']}\r\ncontent-type: application/json\r\n\r\n".encode())
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.1)
            process.send_signal(signal.SIGTERM)  # The same wish, delivered twice, is not a second one.
            time.sleep(1.2)
            assert process.poll() is None, "It should be waiting for the request."
            assert _stop(process) < 3
        assert _gone(workers)


def test_a_killed_server_leaves_no_worker(tmp_path: Path) -> None:
    with _demo(tmp_path) as (process, _):
        workers = _children(process.pid)
        process.kill()
        assert _gone(workers)


def test_people_get_the_links(tmp_path: Path) -> None:
    with _server("demo", "--port", "0", "--data-dir", str(tmp_path)) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(8)]
        text = "".join(lines)
        assert "host" in text
        assert text.count("/join/") == 2
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


@pytest.mark.parametrize("command", ["demo", "serve"])
def test_a_taken_port_is_one_sentence(tmp_path: Path, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = _run(command, "--host", "127.0.0.1", "--port", port, "--data-dir", str(tmp_path))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert port in done.stderr


def test_serve_says_when_it_is_ready_and_opens_no_rooms(tmp_path: Path) -> None:
    with _server("serve", "--host", "127.0.0.1", "--port", "0", "--data-dir", str(tmp_path)) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "server.ready" in line)
        url = line.split("url=")[1].split()[0]
        assert httpx.get(f"{url}/readyz").status_code == 200
        with connect(url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket") as client:
            client.recv()
            client.send("40")
            assert json.loads(str(client.recv()).removeprefix("44"))["data"]["code"] == "invalid_api_key"
        assert _stop(process) < 10


def test_a_taken_media_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        done = _run("serve", "--port", "0", "--data-dir", str(tmp_path), ROSTRUM_MEDIA_PORT=port)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"UDP port {port}" in done.stderr


def test_a_demo_without_an_engine_says_so(tmp_path: Path) -> None:
    done = _run("demo", "--json", "--port", "0", "--data-dir", str(tmp_path), ROSTRUM_ENGINE_BINARY="/bin/false")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "no media worker runs" in done.stderr
    assert "doctor" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_without_an_engine_lives_and_is_not_ready(tmp_path: Path) -> None:
    with _server(
        "serve", "--host", "127.0.0.1", "--port", "0", "--data-dir", str(tmp_path), ROSTRUM_ENGINE_BINARY="/bin/false"
    ) as process:
        url = _listening(process.pid)
        assert httpx.get(f"{url}/healthz").status_code == 200
        answer = httpx.get(f"{url}/readyz")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert "no media worker runs" in answer.json()["msg"]
        _stop(process)


def _listening(pid: int) -> str:
    """The URL of a server that does not tell it: the one TCP port that its process listens on."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        inodes = {link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                url = f"http://127.0.0.1:{int(fields[1].split(':')[1], 16)}"
                with contextlib.suppress(httpx.HTTPError):
                    httpx.get(f"{url}/healthz")
                    return url
        time.sleep(0.1)
    raise AssertionError("It never listened.")


def test_a_wrong_setting_is_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [*ROSTRUM, "serve", "--data-dir", str(tmp_path)],
        env={**_environment(), "ROSTRUM_PEER_GRACE_SECONDS": "soon"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "ROSTRUM_PEER_GRACE_SECONDS" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_data_folder_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = _run("serve", "--port", "0", "--data-dir", str(tmp_path / "file" / "x"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1


@pytest.mark.timeout(300)  # A dozen processes, one after the other.
def test_keys_users_and_tenants(tmp_path: Path) -> None:
    folder = ("--data-dir", str(tmp_path))
    assert _run("migrate", *folder).returncode == 0
    tenant = _run("tenants", "create", "acme", *folder).stdout.strip()
    assert tenant in _run("tenants", "list", *folder).stdout
    again = _run("tenants", "create", "acme", *folder)
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    key_id, key = _run("keys", "create", "secret", "--tenant", "acme", "--name", "shop", *folder).stdout.split()
    listed = _run("keys", "list", "--tenant", "acme", *folder).stdout
    assert key_id in listed
    assert "shop" in listed
    assert key not in listed
    assert _run("keys", "revoke", key_id, *folder).returncode == 0
    assert "revoked" in _run("keys", "list", "--tenant", "acme", *folder).stdout
    made = _run("users", "create-admin", "boss@example.org", "--password", "long enough", *folder)
    assert (made.returncode, len(made.stdout.strip())) == (0, 24)
    short = _run("users", "create-admin", "b@example.org", "--password", "short", *folder)
    assert short.returncode == 1
