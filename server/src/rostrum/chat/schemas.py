"""What crosses the wire in chat."""

from datetime import datetime
from typing import Annotated, Any, ClassVar

import msgspec
from pydantic import Field

from rostrum.files import FileInfo
from rostrum.kit import clock
from rostrum.kit.answers import Out
from rostrum.kit.messages import Id, Message

Short = Annotated[str, msgspec.Meta(max_length=255)]


class ChatFile(Message, frozen=True):
    """A file of the room, uploaded before, that a message points to: by its name there or by its id."""

    filename: Short | None = None
    id: Short | None = None


class SendMessage(Message, frozen=True):
    """`sendMessage`. The name and the room of a body are ignored: the server knows both. A bare `file` is its name."""

    message: Annotated[str, msgspec.Meta(max_length=4096)]
    file: ChatFile | Short | None = None
    client_id: Id | None = None


def file_body(file: FileInfo) -> dict[str, Any]:
    """A file as a message carries it; the server knows each of these, whatever the sender says."""
    return {
        "id": file.id,
        "filename": file.filename,
        "name": file.original_name,
        "size": file.size,
        "type": file.type,
        # By its id: another file may get the name once this one is deleted.
        "url": f"/v1/room/{file.room_id}/files/{file.id}?download=1",
    }


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


class MessageOut(Out):
    """A message of a room's chat; `timestamp` in milliseconds since 1970."""

    EXAMPLE: ClassVar = {
        "id": "68ee4b39b22d6134386fc5dc",
        "room_id": "68aff60d0d7bbb02c917906d",
        "name": "Ada",
        "peer_id": "68ee4b12b22d6134386fc5aa",
        "message": "Hello!",
        "timestamp": 1760447289559,
        "createdAt": "2025-10-14T13:08:09.559Z",
    }
    id: str
    room_id: str = Field(alias="room_id")
    name: str
    peer_id: str = Field(alias="peer_id")
    message: str
    timestamp: int
    created_at: datetime
    file: dict[str, Any] | None = None
    client_id: str | None = None
