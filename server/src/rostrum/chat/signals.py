"""Socket door of chat."""

from collections.abc import Callable
from typing import Any

from rostrum.chat.schemas import SendMessage
from rostrum.chat.service import ChatService
from rostrum.kit.messages import read
from rostrum.kit.realtime import Realtime
from rostrum.kit.sockets import Connection
from rostrum.live import LiveService


class ChatSignals:
    """Each event one method: read, one verb, answer."""

    def __init__(self, chat: ChatService, live: LiveService, features_of: Callable[[str], dict[str, bool]]) -> None:
        self._chat = chat
        self._live = live
        self._features_of = features_of

    def register(self, realtime: Realtime) -> None:
        """Answer the events of this feature."""
        realtime.on("sendMessage", self.send_message)

    async def send_message(self, connection: Connection, body: Any = None, *_: Any) -> dict[str, Any]:
        """Say something to the room."""
        peer = self._live.peer_of(connection)
        files = self._features_of(connection.principal.package).get("chatFiles", False)
        message = await self._chat.send(peer, read(SendMessage, body), files=files)
        answer: dict[str, Any] = {"id": message.id, "timestamp": message.timestamp}
        if message.client_id is not None:
            answer["clientId"] = message.client_id
        return answer
