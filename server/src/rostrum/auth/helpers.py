"""The processes that hash passwords, shared by all pools of this one: started at the first need, kept for the next.

Threads would not do: whichever thread of ours the system sets aside while it holds the interpreter's lock makes the
event loop wait, and a thread of low priority is set aside for long.
"""

import atexit
import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

PROGRAM: Final = Path(__file__).with_name("hasher.py")
PATIENCE: Final = 60
"""Seconds a helper may take for one password (about 0.03 on a free core) before it is taken for dead."""
TRIES: Final = 2


class Helper:
    """One helper process, for one caller at a time.

    Attributes:
        patience: how long it may take for an answer, in seconds.
    """

    def __init__(self) -> None:
        self.patience: float = PATIENCE
        self.process = subprocess.Popen(  # noqa: S603 - our own program.
            [sys.executable, "-I", str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            encoding="utf-8",
            # What stands in our environment, secrets among it, is not its business.
            env={name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ},
        )

    def ask(self, question: list[str]) -> Any:
        """Its answer. Raises OSError when it has died or takes too long."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        waiting = select.poll()
        waiting.register(self.process.stdout, select.POLLIN)
        line = self.process.stdout.readline() if waiting.poll(self.patience * 1000) else ""
        if not line.endswith("\n"):
            raise OSError("the helper that hashes passwords has died")
        return json.loads(line)

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        try:
            self.process.communicate()
        except OSError:
            self.process.wait()


_idle: list[Helper] = []


def ask(question: list[str]) -> Any:
    """The answer of a helper, of another one if the first dies over it. It blocks, so it is for a thread.

    There are as many helpers as there are threads that ask at once.

    Raises:
        OSError: the second has died too, or none could be started.
        ValueError: the question cannot be answered.
    """
    for left in reversed(range(TRIES)):
        helper = _take()
        try:
            answer = helper.ask(question)
        except OSError:
            helper.end()
            if not left:
                raise
        else:
            _idle.append(helper)
            break
    if answer is None:
        raise ValueError("no password, or no hash of one")
    return answer


def _take() -> Helper:
    """A helper that is alive. Those that died while nobody asked count as no try."""
    while True:
        try:
            helper = _idle.pop()
        except IndexError:
            return Helper()
        if helper.process.poll() is None:
            return helper
        helper.end()


# A process that is forked off must not speak to the helpers of its parent.
os.register_at_fork(after_in_child=_idle.clear)


@atexit.register
def end_all() -> None:
    """End the helpers that nobody asks now."""
    while _idle:
        _idle.pop().end()
