"""Ids, time, events, limits, and logs without secrets."""

import io
import json
import logging
from dataclasses import dataclass

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from rostrum.kit import clock
from rostrum.kit.errors import RateLimited
from rostrum.kit.events import EventBus
from rostrum.kit.ids import is_id, new_id
from rostrum.kit.logging import configure_logging
from rostrum.kit.ratelimit import RateLimiter


def test_ids_have_the_form_and_differ() -> None:
    made = {new_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(is_id(one) for one in made)
    assert not is_id("68AFEA5F8ED95FAE8F7F6D86")


def test_times() -> None:
    assert clock.iso(1_760_447_289_559) == "2025-10-14T13:08:09.559Z"
    assert clock.parse("2025-10-14T13:08:09.559Z") == 1_760_447_289_559
    assert clock.parse("2025-10-14T15:08:09.559+02:00") == 1_760_447_289_559
    assert clock.parse("2025-10-14T13:08:09.559") == 1_760_447_289_559
    assert clock.parse("1760447289559") == clock.parse(1_760_447_289_559) == 1_760_447_289_559


@pytest.mark.parametrize("value", ["", "soon", -1, 10**20, "-5", "2025-13-01", "0001-01-01T00:00:00Z"])
def test_refuses_what_is_no_time(value: int | str) -> None:
    with pytest.raises(ValueError):
        clock.parse(value)


@given(st.integers(0, 253_402_300_799_999))
def test_times_come_back(moment: int) -> None:
    assert clock.parse(clock.iso(moment)) == moment


@dataclass(frozen=True)
class Happened:
    """A fact."""

    what: str


async def test_a_failing_subscriber_stops_no_other() -> None:
    bus, heard = EventBus(), []

    async def fail(_fact: Happened) -> None:
        raise RuntimeError("no")

    async def hear(fact: Happened) -> None:
        heard.append(fact.what)

    bus.subscribe(Happened, fail)
    end = bus.subscribe(Happened, hear)
    await bus.publish(Happened("one"))
    end()
    end()
    await bus.publish(Happened("two"))
    assert heard == ["one"]


async def test_limits_count_by_key_and_can_be_cleared() -> None:
    limits = RateLimiter()
    for _ in range(3):
        await limits.hit("3/minute", "door", "ada")
    with pytest.raises(RateLimited) as refused:
        await limits.hit("3/minute", "door", "ada")
    assert 1 <= (refused.value.retry_after or 0) <= 60
    with pytest.raises(RateLimited):
        await limits.check("3/minute", "door", "ada")
    await limits.hit("3/minute", "door", "bob")
    await limits.clear("3/minute", "door", "ada")
    await limits.hit("3/minute", "door", "ada")


def test_logs_hold_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    before = list(logging.getLogger().handlers)
    try:
        configure_logging("json", "info")
        structlog.get_logger("x").info(
            "seen", password="hunter2", token="t", note="key rk_secret_abc-DEF and eyJh.eyJi.c"
        )
        logging.getLogger("library").warning("with rk_pub_xyz in its text")
        try:
            raise ValueError("rk_secret_trace")
        except ValueError:
            structlog.get_logger("x").exception("failed")
    finally:
        logging.getLogger().handlers[:] = before
        structlog.reset_defaults()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"][:4] for line in lines] == ["seen", "with", "fail"]
    for secret in ("hunter2", "rk_secret_abc", "eyJh", "rk_pub_xyz", "rk_secret_trace"):
        assert secret not in stream.getvalue()
