"""Chat on each kind of database: many writers at once, resends, and one message that cannot be stored."""

import asyncio
from typing import Any

import msgspec
import pytest
from rostrum.chat.schemas import SendMessage
from rostrum.chat.service import KEPT
from rostrum.kit.errors import RostrumError
from rostrum.live import LiveRoom, Peer
from rostrum.rooms.service import NewRoom
from rostrum.services import Services
from sqlalchemy import text


@pytest.fixture
async def room(services: Services, person: Any) -> LiveRoom:
    """The live state of a room."""
    ada = await person("ada")
    principal = await services.auth.authenticate_socket(ada.headers["x-api-key"], ada.token)
    return LiveRoom(await services.rooms.create(principal, NewRoom(name="Test", type="webinar")))


def _peers(room: LiveRoom, count: int) -> list[Peer]:
    return [Peer(room, f"P{number}", "viewer", f"subject {number}", None) for number in range(count)]


async def _stored(services: Services, room_id: str) -> list[tuple[int, str, str]]:
    query = text("SELECT position, id, message FROM chat_messages WHERE room_id = :room ORDER BY position")
    async with services.db.reading() as session:
        return [(row.position, row.id, row.message) for row in await session.execute(query, {"room": room_id})]


async def test_many_messages_at_once_keep_their_order(services: Services, room: LiveRoom) -> None:
    peers = _peers(room, 20)
    requests = [(peer, SendMessage(f"{turn}")) for turn in range(20) for peer in peers]
    sent = await asyncio.gather(*(services.chat.send(peer, request, files=True) for peer, request in requests))
    positions = [message.position for message in sent]
    assert positions == sorted(set(positions))
    stored = await _stored(services, room.id)
    assert [row[:2] for row in stored] == [(message.position, message.id) for message in sent]
    history = await services.chat._history(room)
    assert len(history.bodies) == KEPT
    assert history.cursor == stored[-KEPT][0]


async def test_a_resend_is_the_same_message(services: Services, room: LiveRoom) -> None:
    ada, bob = _peers(room, 2)
    request = SendMessage("Hello", client_id="once")
    sent = await asyncio.gather(*(services.chat.send(peer, request, files=True) for peer in (ada, ada, bob, ada)))
    assert len({message.id for message in sent}) == len(await _stored(services, room.id)) == 2
    assert sent[0] == sent[1] == sent[3] == await services.chat.send(ada, request, files=True)


async def test_what_cannot_be_stored_costs_only_itself(services: Services, room: LiveRoom) -> None:
    nowhere = LiveRoom(msgspec.structs.replace(room.info, id="nowhere"))
    senders = [peer for pair in zip(_peers(room, 8), _peers(nowhere, 8), strict=True) for peer in pair]
    answers = await asyncio.gather(
        *(services.chat.send(peer, SendMessage(peer.name), files=True) for peer in senders), return_exceptions=True
    )
    codes = [answer.code if isinstance(answer, RostrumError) else None for answer in answers]
    assert codes == [None, "room_not_found"] * 8
    assert [message for _, _, message in await _stored(services, room.id)] == [f"P{number}" for number in range(8)]
