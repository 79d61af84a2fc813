"""Who may enter a room and in which role: the verbs that the live core calls."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from rostrum.auth import Principal
from rostrum.kit.errors import RostrumError
from rostrum.main import App, create_app
from rostrum.migrate import upgrade
from rostrum.rooms import RoomInfo
from rostrum.rooms.errors import InvalidRoomId, RoomNotFound
from rostrum.rooms.service import NewRoom
from rostrum.services import Services
from rostrum.settings import Settings


async def _principal(services: Services, who: Any) -> Principal:
    return await services.auth.authenticate(who.headers["x-api-key"], who.token or None)


async def _room(services: Services, owner: Principal, **extra: Any) -> RoomInfo:
    return await services.rooms.create(owner, NewRoom("Room", "webinar", **extra))


async def _role(services: Services, principal: Principal, room: RoomInfo) -> str:
    try:
        return (await services.rooms.admit(principal, room.id, name="N")).role
    except RostrumError as error:
        return error.code


@pytest.mark.parametrize("private", [False, True])
async def test_the_matrix(services: Services, person: Any, visitor: Any, backend: Any, private: bool) -> None:
    await services.tenants.create("other")
    owner = await _principal(services, await person("ada"))
    room, elsewhere = await _room(services, owner, is_private=private), await _room(services, owner)
    stranger = "room_not_found" if private else "viewer"

    async def invited(role: Any, into: RoomInfo) -> Principal:
        token, _ = await services.rooms.invite(owner, into.id, role, name="I", expires_at=None)
        return await services.auth.authenticate(visitor.headers["x-api-key"], token.token)

    expected = {
        "owner": (owner, "host"),
        "admin": (await _principal(services, await person("boss", admin=True)), "host"),
        "backend": (await _principal(services, backend), "host"),
        "other user": (await _principal(services, await person("bob")), stranger),
        "guest": (await _principal(services, visitor), stranger),
        "invited host": (await invited("host", room), "host"),
        "invited cohost": (await invited("cohost", room), "cohost"),
        "invited viewer": (await invited("viewer", room), "viewer"),
        "invited elsewhere": (await invited("host", elsewhere), "room_not_found"),
        "other tenant": (await _principal(services, await person("eve", tenant="other")), "room_not_found"),
        "other admin": (await _principal(services, await person("eva", tenant="other", admin=True)), "room_not_found"),
    }
    actual = {name: await _role(services, principal, room) for name, (principal, _) in expected.items()}
    assert actual == {name: role for name, (_, role) in expected.items()}


async def test_a_live_grant_raises_and_lowers_until_the_session_ends(
    services: Services, person: Any, visitor: Any
) -> None:
    owner = await _principal(services, await person("ada"))
    bob = await _principal(services, await person("bob"))
    room = await _room(services, owner)
    token, _ = await services.rooms.invite(owner, room.id, "cohost", name=None, expires_at=None)
    carl = await services.auth.authenticate(visitor.headers["x-api-key"], token.token)
    await services.rooms.grant_live_role(room.id, bob.subject, "cohost")
    await services.rooms.grant_live_role(room.id, carl.subject, "viewer")
    await services.rooms.grant_live_role(room.id, owner.subject, "viewer")
    assert await services.rooms.live_roles(room.id) == {
        bob.subject: "cohost", carl.subject: "viewer", owner.subject: "viewer"
    }  # fmt: skip
    assert await _role(services, bob, room) == "cohost"
    assert await _role(services, carl, room) == "viewer"
    assert await _role(services, owner, room) == "host"
    await services.rooms.clear_live_roles(room.id)
    assert await _role(services, bob, room) == "viewer"
    assert await _role(services, carl, room) == "cohost"


async def test_a_lasting_cohost_enters_a_private_room(services: Services, person: Any) -> None:
    owner = await _principal(services, await person("ada"))
    bob = await _principal(services, await person("bob"))
    room = await _room(services, owner, is_private=True)
    await services.rooms.grant(room.id, bob.subject, "cohost")
    await services.rooms.clear_live_roles(room.id)
    assert await _role(services, bob, room) == "cohost"


@pytest.mark.parametrize("room_id", ["", "a b", "../x", "x" * 65, "é", "a\n"])
async def test_refuses_odd_ids(services: Services, person: Any, room_id: str) -> None:
    ada = await _principal(services, await person("ada"))
    with pytest.raises(InvalidRoomId):
        await services.rooms.ensure(ada, room_id)
    with pytest.raises(RoomNotFound):
        await services.rooms.admit(ada, room_id, name=None)


async def test_ensure_makes_a_room_for_users_only(services: Services, person: Any, visitor: Any) -> None:
    ada = await _principal(services, await person("ada"))
    with pytest.raises(RoomNotFound):
        await services.rooms.ensure(await _principal(services, visitor), "123")
    room, made = await services.rooms.ensure(ada, "123")
    assert (room.owner_id, made) == (ada.subject, True)
    assert await services.rooms.ensure(ada, "123") == (room, False)


async def test_names(services: Services, person: Any, visitor: Any) -> None:
    ada = await _principal(services, await person("ada"))
    room = await _room(services, ada)

    async def shown(principal: Principal, name: str | None) -> str:
        return (await services.rooms.admit(principal, room.id, name=name)).display_name

    assert await shown(ada, None) == "Ada Test"
    assert await shown(ada, " Countess\n\u202e ") == "Countess"
    assert await shown(await _principal(services, visitor), None) == "Guest"
    assert len(await shown(ada, "x" * 5000)) == 100


@pytest.fixture
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    app: App = create_app(settings.model_copy(update={"open_rooms": True}))
    await upgrade(app.services.db)
    yield app.services
    app.services.auth.close()
    await app.services.db.close()


async def test_open_rooms_take_clients_without_a_key(open_services: Services) -> None:
    rooms, auth = open_services.rooms, open_services.auth
    first, second = [await auth.authenticate_socket(None, None) for _ in range(2)]
    room, made = await rooms.ensure(first, "123")
    assert made
    assert (await rooms.admit(first, "123", name="A")).role == "host"
    assert (await rooms.admit(second, "123", name="B")).role == "cohost"
    assert (await rooms.admit(second, "456", name="B")).role == "host"
    guest = await auth.authenticate_socket(open_services.tenants.web_key(room.tenant_id), None)
    assert (await rooms.admit(guest, "123", name="G")).role == "viewer"


async def test_open_rooms_open_no_other_rooms(open_services: Services) -> None:
    tenant = await open_services.tenants.default()
    key = await open_services.tenants.create_key(tenant.id, "secret", "k")
    backend = await open_services.auth.authenticate(key.key, None)
    private = await open_services.rooms.create(backend, NewRoom("P", "webinar", is_private=True))
    public = await open_services.rooms.create(backend, NewRoom("Q", "webinar"))
    anybody = await open_services.auth.authenticate_socket(None, None)
    assert (await open_services.rooms.admit(anybody, public.id, name=None)).role == "viewer"
    with pytest.raises(RoomNotFound):
        await open_services.rooms.admit(anybody, private.id, name=None)
    other = await open_services.tenants.create("other")
    key = await open_services.tenants.create_key(other.id, "secret", "k")
    stranger = await open_services.auth.authenticate(key.key, None)
    foreign = await open_services.rooms.create(stranger, NewRoom("R", "webinar"))
    with pytest.raises(RoomNotFound):
        await open_services.rooms.admit(anybody, foreign.id, name=None)
