"""The program that hashes passwords: Argon2id in a process of its own, at low priority. `passwords.py` starts it.

Each line on standard input is JSON, `[password]` to hash or `[password, hash]` to check; a line answers each: the hash,
true or false, or null where that could not be done. It ends when standard input does, so it outlives nobody, and it
imports nothing of Rostrum: it is started by its path, and small.
"""

import json
import os
import signal
import sys

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

NICENESS = 19
"""The lowest: Argon2 computes in four threads, and what the scheduler grants is granted to each of them."""


def answer(hasher: PasswordHash, password: str, hashed: str | None = None) -> str | bool | None:
    """The hash, or whether the password has this hash, or None for what is no text or no hash."""
    try:
        return hasher.hash(password) if hashed is None else hasher.verify(password, hashed)
    except Exception:  # Whatever was wrong with one password, the next ones are still to be hashed.
        return None


def main() -> None:
    """Answer until standard input ends."""
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which lets us go when it has ended.
    hasher = PasswordHash((Argon2Hasher(),))
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(hasher, *json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
