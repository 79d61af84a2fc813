"""What the REST benchmarks read: users with rooms and meetings of their own, put there by Rostrum's own services."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rostrum.auth import Principal
from rostrum.auth.service import NewUser
from rostrum.main import create_app
from rostrum.meetings.service import NewMeeting
from rostrum.migrate import upgrade
from rostrum.rooms import NewRoom
from rostrum.settings import Settings

USERS, ROOMS = 20, 20
PUBLIC_URL = "https://webinar.example"


@dataclass(frozen=True)
class Member:
    """A user with a token, and what is theirs."""

    id: str
    headers: dict[str, str]
    rooms: list[str]
    meetings: list[str]


@dataclass(frozen=True)
class Data:
    """The database that all servers read, and what they need to check tokens and to answer alike."""

    database: Path
    secret: str
    key: str
    members: list[Member]

    def for_peers(self) -> dict[str, Any]:
        """What a peer is told."""
        return {"database": str(self.database), "secret": self.secret, "link": PUBLIC_URL, "key": self.key}


async def seed(folder: Path) -> Data:
    """Fill an empty data folder."""
    settings = Settings(data_dir=folder, public_url=PUBLIC_URL)
    services = create_app(settings).services
    await upgrade(services.db)
    tenant = await services.tenants.default()
    backend = Principal("tenant", tenant.id, f"tenant:{tenant.id}")
    key = services.tenants.web_key(tenant.id)
    members = []
    for number in range(USERS):
        new = NewUser(f"user{number}@example.org", f"User {number}", "Bench", "000", "Nowhere", "a long password")
        user = await services.auth.create_user(tenant.id, new)
        headers = {"x-api-key": key, "authorization": f"Bearer {services.auth.issue(user).token}"}
        member = Member(user.id, headers, [], [])
        for count in range(ROOMS):
            room = await services.rooms.create(backend, NewRoom(f"Room {count}", "webinar", owner_id=user.id))
            wish = NewMeeting(f"Meeting {count}", user.id, transcript_enabled=True, room_id=room.id)
            member.rooms.append(room.id)
            member.meetings.append((await services.meetings.create(backend, wish)).id)
        members.append(member)
    await services.audit.close()
    services.auth.close()
    await services.db.close()
    return Data(folder / "rostrum.db", settings.prepare().secret.get_secret_value(), key, members)
