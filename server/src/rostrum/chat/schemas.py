"""What crosses the wire in chat."""

from typing import Annotated, Any

import msgspec

from rostrum.kit import clock
from rostrum.kit.messages import Id, Message

Short = Annotated[str, msgspec.Meta(max_length=255)]


class ChatFile(Message, frozen=True):
    """A file that a message points to. The address must be of the web or of this server."""

    name: Short
    url: Annotated[str, msgspec.Meta(max_length=2048, pattern=r"^(https?://|/)")] | None = None
    size: Annotated[int, msgspec.Meta(ge=0)] | None = None
    type: Short | None = None


class SendMessage(Message, frozen=True):
    """`sendMessage`. The name and the room of a body are ignored: the server knows both."""

    message: Annotated[str, msgspec.Meta(max_length=4096)]
    file: ChatFile | None = None
    client_id: Id | None = None


class MessageInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A message as the room and the history show it."""

    id: str
    room_id: str
    name: str
    peer_id: str
    message: str
    timestamp: int
    file: dict[str, Any] | None = None
    client_id: str | None = None
    position: int = 0

    def body(self) -> dict[str, Any]:
        """On the wire of a socket; `timestamp` in milliseconds since 1970."""
        body: dict[str, Any] = {
            "id": self.id,
            "room_id": self.room_id,
            "name": self.name,
            "peer_id": self.peer_id,
            "message": self.message,
            "timestamp": self.timestamp,
        }
        if self.file is not None:
            body["file"] = self.file
        if self.client_id is not None:
            body["clientId"] = self.client_id
        return body

    def rest(self) -> dict[str, Any]:
        """On the wire of REST: the same, with the time as ISO 8601 as well."""
        return {**self.body(), "createdAt": clock.iso(self.timestamp)}
