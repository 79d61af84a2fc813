"""npm's socket.io-client as a peer: what it sees of the server under test. The other half is peer.mjs."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from .subject import HERE, REFERENCE, Subject, node

MakeSubject = Callable[..., Subject]

EXERCISED = {
    "echo": [1, "zwei", {"three": [None, True]}, [1, 2, 3]],
    "ack": {"deep": "answer"},
    "binaryAck": [[7], [8, 9]],
    "nothing": [],
    "answered": "asked, answered",
    "burst": True,
    "recovered": False,
}


async def _run(scenario: str, subject: Subject) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        node(), str(HERE / "peer.mjs"), scenario, subject.url, stdout=asyncio.subprocess.PIPE
    )
    output, _nothing = await asyncio.wait_for(process.communicate(), 60)
    seen: dict[str, Any] = json.loads(output)
    return seen


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_one_transport_alone(subject: Subject, transport: str) -> None:
    assert await _run(transport, subject) == {**EXERCISED, "transport": transport}


async def test_polling_and_then_an_upgrade_in_the_midst_of_it_all(subject: Subject) -> None:
    seen = await _run("upgrade", subject)
    assert seen.pop("first") in ("polling", "websocket")
    assert seen == {**EXERCISED, "transport": "websocket", "after": "after"}


async def test_namespaces(subject: Subject) -> None:
    assert await _run("namespaces", subject) == {
        "auth": {"token": "abc"},
        "custom": "custom",
        "differ": True,
        "reason": "io server disconnect",
        "main": "main",
        "unknown": "Invalid namespace",
    }


async def test_a_refusal_with_its_data_and_another_try(subject: Subject) -> None:
    assert await _run("refused", subject) == {
        "message": "not allowed",
        "data": {"code": "wrong_token"},
        "active": False,
        "then": "in",
    }


async def test_reconnection_makes_a_new_socket_that_recovers_no_state(subject: Subject) -> None:
    seen = await _run("reconnection", subject)
    assert seen.pop("reason") in ("transport close", "forced close")
    assert seen == {"recovered": False, "differ": True, "late": "said while away"}


async def test_a_lost_connection_is_recovered_with_what_was_missed(make_subject: MakeSubject) -> None:
    seen = await _run("recovery", make_subject(recoverySeconds=30))
    # Node's server takes who has said good-bye for who was lost, as long as it remembers an earlier loss.
    assert seen.pop("then") == [REFERENCE, REFERENCE]
    assert seen == {
        "recovered": True,
        "same": True,
        "heard": ["before", "missed 1", "missed 2", "after"],
        "server": [True, ["inside"]],
        "present": 2,
    }


async def test_who_is_away_for_too_long_is_somebody_new(make_subject: MakeSubject) -> None:
    assert await _run("late", make_subject(recoverySeconds=0.3)) == {"recovered": False, "differ": True}


async def test_a_client_that_the_server_disconnects_does_not_come_back(subject: Subject) -> None:
    assert await _run("kicked", subject) == {"reason": "io server disconnect", "active": False}


async def test_heartbeats_keep_both_transports_alive(hasty: Subject) -> None:
    assert await _run("heartbeat", hasty) == {"connected": [True, True], "acks": [1, 2]}
