"""A PostgreSQL server of one's own: made in a temporary folder, reached over a socket there and over loopback."""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

DURABLE = ("fsync=on",)
"""For tests whose subject is what survives a crash."""
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
SMALL = ("shared_buffers=32MB", "dynamic_shared_memory_type=mmap", "max_connections=60", "timezone=UTC")
USER = "rostrum"


def programs() -> Path:
    """The folder of `initdb` and `postgres`: Debian keeps them off the path, one folder a version."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    found = debian[-1] if debian else shutil.which("postgres")
    assert found, "PostgreSQL is not installed; `make setup-dev` does that."
    return Path(found).parent


class Cluster:
    """One server. It ends with the process that started it, at the latest.

    `postgres` refuses to run as root, so that root starts it as the user that Debian's package has made.
    """

    def __init__(self, *options: str) -> None:
        self.options = (*SMALL, *(options or QUICK))
        self.folder = Path(tempfile.mkdtemp(prefix="rostrum-pg-"))
        self.port = _free_port()
        self.password = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None
        self._switch: list[str] = []
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            self._switch = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        self._make()

    def _command(self, program: str, *arguments: str) -> list[str]:
        switch = ["setpriv", *self._switch, "--pdeathsig", "INT"]
        return [*switch, str(programs() / program), *arguments]

    def _make(self) -> None:
        secret = self.folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o644)  # Inside of a folder that nobody else may enter.
        self.data.parent.mkdir(exist_ok=True)
        ways = ("--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={secret}", f"--username={USER}")
        form = ("--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
        done = subprocess.run(
            self._command("initdb", f"--pgdata={self.data}", *ways, *form),
            capture_output=True,
            check=False,
            cwd="/",
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        )
        assert done.returncode == 0, done.stderr.decode()

    @property
    def data(self) -> Path:
        """Where the cluster is."""
        return self.folder / "data"

    @property
    def pid(self) -> int:
        """The postmaster."""
        assert self._process is not None
        return self._process.pid

    def pids(self) -> list[int]:
        """The postmaster and all of its processes."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [self.pid, *(int(child) for child in children.split())]

    def url(self, database: str = "postgres") -> str:
        """A database, over the socket in the folder."""
        return f"postgresql+asyncpg://{USER}@/{database}?host={quote(str(self.folder))}&port={self.port}"

    def tcp_url(self, database: str = "postgres", port: int | None = None) -> str:
        """A database, over loopback with a password; `port` is another one that leads here."""
        return f"postgresql+asyncpg://{USER}:{self.password}@127.0.0.1:{port or self.port}/{database}"

    def start(self) -> "Cluster":
        """Start it and wait until it takes connections."""
        settings = (f"unix_socket_directories={self.folder}", "listen_addresses=127.0.0.1", f"port={self.port}")
        flags = [flag for option in (*settings, *self.options) for flag in ("-c", option)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command("postgres", "-D", str(self.data), *flags),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while not self._is_ready():
            assert self._process.poll() is None and time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)
        return self

    def _is_ready(self) -> bool:
        """As `pg_ctl` tells it: the eighth line of the lock file."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run one statement with `psql`; what it prints."""
        where = (f"--host={self.folder}", f"--port={self.port}", f"--username={USER}", f"--dbname={database}")
        command = [str(programs() / "psql"), "--no-psqlrc", "--tuples-only", "--no-align", *where]
        return subprocess.run([*command, "--command", statement], capture_output=True, check=True, text=True).stdout

    def freeze(self) -> list[int]:
        """Stop all of its processes in the middle of whatever they do; what to thaw."""
        frozen = self.pids()
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        return frozen

    def thaw(self, frozen: list[int]) -> None:
        """Let them go on."""
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT ends its connections and shuts down cleanly, SIGQUIT is as good as a crash."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(60)

    def remove(self) -> None:
        """End it and delete all that it has."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def ending(cluster: Cluster) -> Iterator[Cluster]:
    """End a cluster and delete it, whatever happens."""
    try:
        yield cluster
    finally:
        cluster.remove()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
