"""What two nodes tell one another of sockets, over a link: the node that a socket is connected to (its edge), and the
node that leads its room."""

from typing import Final

import msgspec

DONE: Final = 0
REFUSED: Final = 1
ELSEWHERE: Final = 2
"""How a forwarded event ended: with an answer, with an error, or not here, since another node leads the room."""


class Introduced(msgspec.Struct, array_like=True, frozen=True, tag="introduced"):
    """To the leader: a socket of mine, and who it is. Comes before its events, and again when its principal changes."""

    connection: str
    address: str
    principal: msgspec.Raw


class Called(msgspec.Struct, array_like=True, frozen=True, tag="called"):
    """To the leader: a socket sends an event; `args` are its arguments as MessagePack."""

    connection: str
    number: int
    event: str
    args: msgspec.Raw
    wants_answer: bool


class Gone(msgspec.Struct, array_like=True, frozen=True, tag="gone"):
    """To the leader: a socket has gone, or has moved to a room that is led elsewhere."""

    connection: str
    moved: bool


class Answered(msgspec.Struct, array_like=True, frozen=True, tag="answered"):
    """To the edge: an event was handled; `json` is its acknowledgement."""

    number: int
    outcome: int
    json: bytes


class Entered(msgspec.Struct, array_like=True, frozen=True, tag="entered"):
    """To the edge: a socket is in a group from now on."""

    connection: str
    group: str


class Exited(msgspec.Struct, array_like=True, frozen=True, tag="exited"):
    """To the edge: a socket is in a group no longer."""

    connection: str
    group: str


class Sent(msgspec.Struct, array_like=True, frozen=True, tag="sent"):
    """To the edge: frames for the members of these groups, or for these sockets, but for the excepted ones."""

    to: tuple[str, ...]
    excepted: tuple[str, ...]
    wire: bytes


class Ended(msgspec.Struct, array_like=True, frozen=True, tag="ended"):
    """To the edge: a socket is to be ended; `for_good`: its client is not to come back by itself."""

    connection: str
    reason: str
    for_good: bool


ToLeader = Introduced | Called | Gone
ToEdge = Answered | Entered | Exited | Sent | Ended
Letter = ToLeader | ToEdge
