"""Starts servers that are there to be killed. What they import is imported once, here, and each is a fork of this.

Settings come from the environment. On standard input a line asks for a server; on standard output stand its process id,
its port when it serves, and `ended` when it is gone.
"""

import os
import sys

from rostrum.kit.logging import configure_logging
from rostrum.main import create_app
from rostrum.serving import bind, serve
from rostrum.settings import Settings


def tell(fact: object) -> None:
    sys.stdout.write(f"{fact}\n")
    sys.stdout.flush()


def run(settings: Settings) -> None:
    configure_logging("json", "error")
    listener = bind(settings.host, settings.port)
    port = listener.getsockname()[1]
    real = settings.model_copy(update={"port": port})
    serve(lambda: create_app(real), listener, lambda _app: tell(port), patience=30)


def main() -> None:
    settings = Settings()
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                run(settings)
            finally:
                os._exit(1)
        tell(child)
        os.waitpid(child, 0)
        tell("ended")


main()
