"""What every test of the repository shares."""

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Rostrum runs on asyncio (uvloop in production) alone."""
    return "asyncio"
