"""The chat of a room: saved before it is acknowledged, replayed to whoever joins."""

from rostrum.chat.schemas import MessageInfo
from rostrum.chat.service import ChatService
from rostrum.chat.signals import ChatSignals

__all__ = ["ChatService", "ChatSignals", "MessageInfo"]
