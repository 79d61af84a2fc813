"""The demo webinar: the same tenant, keys, users and room each time, for one data folder."""

from dataclasses import asdict, dataclass

from rostrum.auth import AuthService, UserInfo
from rostrum.auth.service import NewUser
from rostrum.kit.ids import new_id
from rostrum.rooms.service import NewRoom
from rostrum.services import Services

KEY_NAME = "demo"
ROOM_NAME = "Demo webinar"


@dataclass(frozen=True, slots=True)
class Demo:
    """What a person or a test needs to take part; the field names are those of the printed line."""

    url: str
    secretKey: str  # noqa: N815 - the line is JSON for other programs.
    publishableKey: str  # noqa: N815
    adminToken: str  # noqa: N815
    hostToken: str  # noqa: N815
    hostLink: str  # noqa: N815
    viewerLink: str  # noqa: N815
    roomId: str  # noqa: N815

    def to_json(self) -> dict[str, str]:
        """The line's object."""
        return asdict(self)


async def prepare_demo(services: Services) -> Demo:
    """Make what is missing of the demo; whoever runs it again finds the same keys, users and room."""
    tenant = await services.tenants.default()
    secret_key = services.tenants.derived_key("secret", "demo")
    publishable_key = services.tenants.web_key(tenant.id)
    await services.tenants.create_key(tenant.id, "secret", KEY_NAME, key=secret_key)
    admin = await _user(services.auth, tenant.id, "admin@demo.rostrum", "Ada", ("user", "admin"))
    host = await _user(services.auth, tenant.id, "host@demo.rostrum", "Hana", ("user",))
    caller = await services.auth.authenticate(secret_key, None)
    room_id = services.tenants.derived_id("demo-room")
    room = await services.rooms.find_or_create(
        caller, NewRoom(name=ROOM_NAME, type="webinar", owner_id=host.id), room_id=room_id
    )
    host_token = services.auth.issue(host).token
    return Demo(
        url=services.settings.url,
        secretKey=secret_key,
        publishableKey=publishable_key,
        adminToken=services.auth.issue(admin).token,
        hostToken=host_token,
        hostLink=services.rooms.join_url(room, host_token),
        viewerLink=services.rooms.join_url(room),
        roomId=room.id,
    )


async def _user(auth: AuthService, tenant_id: str, email: str, first_name: str, roles: tuple[str, ...]) -> UserInfo:
    known = await auth.find(tenant_id, email)
    if known is not None:
        return known
    # Nobody needs this password: the demo's users come in by their tokens.
    new = NewUser(email, first_name, "Demo", "0000000", "Nowhere", new_id() + new_id())
    return await auth.create_user(tenant_id, new, roles=roles)
