"""A running session follows its durable room, as REST changes it."""

from typing import Any

from rostrum.auth import Principal
from rostrum.live.models import LiveParticipant, LiveSession
from rostrum.rooms.keeper import RoomChange
from rostrum.tenants import TenantService
from sqlalchemy import select


async def _backend(hall: Any) -> Principal:
    tenants: TenantService = hall.services.tenants
    tenant = await tenants.default()
    return Principal("tenant", tenant.id, f"tenant:{tenant.id}")


async def test_a_deleted_room_ends(hall: Any) -> None:
    room_id, host, (guest,) = await hall.stage()
    await hall.services.keeper.delete(await _backend(hall), room_id)
    for client in (host, guest):
        assert (await client.hear("roomClosed"))["reason"] == "ended"
    assert await guest.code("join", {"room_id": room_id, "name": "Again"}) == "room_not_found"


async def test_a_session_outlives_its_room(hall: Any) -> None:
    room_id, _host, _guests = await hall.stage()
    owner = hall.services.live.rooms[room_id].info.owner_id
    await hall.services.keeper.delete(await _backend(hall), room_id)
    await hall.services.live.recorder.close()
    async with hall.services.db.reading() as session:
        row = await session.scalar(select(LiveSession).where(LiveSession.room_id == room_id))
        stays = (await session.scalars(select(LiveParticipant).where(LiveParticipant.session_id == row.id))).all()
    assert (row.room_type, row.owner_id) == ("webinar", owner)
    assert row.ended_at is not None
    assert len(stays) == 2
    assert all(stay.left_at is not None for stay in stays)


async def test_a_changed_room_is_told_to_who_asks(hall: Any) -> None:
    room_id, host, _guests = await hall.stage()
    wish = RoomChange(name="Renamed", max_participants=2, sized=True)
    await hall.services.keeper.change(await _backend(hall), room_id, wish)
    info = await host.ok("getMyRoomInfo")
    assert info["room"]["name"] == "Renamed"
    late = await hall.client()
    assert await late.code("join", {"room_id": room_id, "name": "Late"}) == "room_full"


async def test_a_cohost_for_good_is_one_at_once(hall: Any) -> None:
    room_id, host, _guests = await hall.stage()
    token = await hall.user("bob")
    bob = await hall.client(token)
    user_id = hall.services.tokens.verify(token).subject
    assert (await bob.join(room_id, "Bob"))["role"] == "viewer"
    keeper, backend = hall.services.keeper, await _backend(hall)
    await keeper.add_cohost(backend, room_id, user_id)
    assert (await host.hear("roleChanged"))["role"] == "cohost"
    await bob.publish()
    await keeper.remove_cohost(backend, room_id, user_id)
    assert (await host.hear("roleChanged"))["role"] == "viewer"
    assert await bob.code("produce", {"producerTransportId": await bob.transport()}) == "forbidden"
