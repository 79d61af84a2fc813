"""What crosses the wire in chat."""

from typing import Annotated, Any
from urllib.parse import quote

import msgspec

from rostrum.files import FileInfo
from rostrum.kit import clock
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
        "url": f"/v1/room/{file.room_id}/files/{quote(file.filename, safe='')}?download=1",
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
