"""The request that a session begins with: what is read from it, and what it must be. Pure."""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from socketio_server.errors import Refused

if TYPE_CHECKING:
    from socketio_server.recovery import Left

Scope = Mapping[str, Any]
AllowOrigin = Callable[[str, str | None], bool]

UNKNOWN_TRANSPORT: Final = 0
UNKNOWN_SESSION: Final = 1
BAD_METHOD: Final = 2
BAD_REQUEST: Final = 3
FORBIDDEN: Final = 4
UNSUPPORTED_VERSION: Final = 5

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3.


class Request:
    """An HTTP request without its body.

    It is kept for as long as its session lasts, so it keeps its bytes and reads them when somebody asks.

    Attributes:
        method: GET, POST, …
        path: without the query.
        address: the client's address, empty where it is not known.
        secure: whether it came by TLS.
    """

    __slots__ = ("_head", "_query", "address", "method", "path", "secure")

    def __init__(self, scope: Scope) -> None:
        """Of an ASGI scope of the type `http` or `websocket`."""
        self.method: str = scope.get("method", "GET")
        self.path: str = scope["path"]
        self.address: str = (scope.get("client") or ("",))[0]
        self.secure = scope.get("scheme") in ("https", "wss")
        self._query: bytes = scope.get("query_string", b"")
        self._head = b"\r\n".join(b": ".join(pair) for pair in scope["headers"])

    @property
    def url(self) -> str:
        """The path with its query."""
        return f"{self.path}?{self._query.decode('latin-1')}" if self._query else self.path

    @property
    def query(self) -> dict[str, str]:
        """The fields of the query; the first one counts where there are several of a name."""
        fields: dict[str, str] = {}
        try:
            pairs = parse_qsl(self._query.decode("latin-1"), keep_blank_values=True, max_num_fields=50)
        except ValueError:
            return fields
        for name, value in pairs:
            fields.setdefault(name, value)
        return fields

    @property
    def headers(self) -> dict[str, str]:
        """The headers by their names in lower case."""
        fields: dict[str, str] = {}
        for line in self._head.decode("latin-1").split("\r\n"):
            name, _, value = line.partition(":")
            name, value = name.lower(), value.strip()
            fields[name] = f"{fields[name]}, {value}" if name in fields else value
        return fields


class Handshake:
    """How a client introduced itself to a namespace.

    Attributes:
        id: what the socket's id is going to be.
        auth: what its `auth` said, an object or None.
        data: for the application's middlewares, to hand on what they found out.
        secret: by which the socket may come back; empty without connection state recovery.
        restored: the socket that it wants to be again, and the place of its last message; None for a new one.
    """

    __slots__ = ("auth", "data", "id", "request", "restored", "secret")

    def __init__(self, request: Request, auth: Any) -> None:
        self.id = secrets.token_urlsafe(15)
        self.request = request
        self.auth = auth
        self.data: Any = None
        self.secret = ""
        self.restored: tuple[Left, int] | None = None

    @property
    def query(self) -> dict[str, str]:
        """The fields of the query of the session's first request."""
        return self.request.query

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the session's first request, by their names in lower case."""
        return self.request.headers

    @property
    def address(self) -> str:
        """The client's address."""
        return self.request.address

    @property
    def url(self) -> str:
        """Path and query of the session's first request."""
        return self.request.url

    @property
    def secure(self) -> bool:
        """Whether the session's first request came by TLS."""
        return self.request.secure


def same_origin(origin: str, host: str | None) -> bool:
    """Whether a browser's page came from the server's own host."""
    try:
        return bool(host) and urlsplit(origin).netloc.lower() == (host or "").lower()
    except ValueError:
        return False


def check_origin(headers: Mapping[str, str], allow: AllowOrigin) -> str | None:
    """The origin of a browser's page; None for clients that are no browsers.

    Raises:
        Refused: pages from there may not use this server.
    """
    origin = headers.get("origin")
    if origin is not None and not allow(origin, headers.get("host")):
        raise Refused(403, "Forbidden", FORBIDDEN)
    return origin


def check_query(query: Mapping[str, str], transports: tuple[str, ...]) -> None:
    """Insist on the protocol's version and on a transport.

    Raises:
        Refused: with the error's number as Engine.IO has it.
    """
    if query.get("transport") not in transports:
        raise Refused(400, "Transport unknown", UNKNOWN_TRANSPORT)
    if query.get("EIO") != "4":
        raise Refused(400, "Unsupported protocol version", UNSUPPORTED_VERSION)


def scope_of(head: bytes, client: tuple[str, int], secure: bool) -> Scope:
    """The ASGI scope of a WebSocket's request.

    Args:
        head: the request up to its empty line.
        client: its address and port.
        secure: whether it came by TLS.

    Raises:
        ValueError: it is no request.
    """
    first, *lines = head.split(b"\r\n")
    method, target, _version = first.split(b" ")
    path, _, query = target.partition(b"?")
    pairs = [line.partition(b":") for line in lines]
    return {
        "type": "websocket",
        "method": method.decode("latin-1"),
        "scheme": "wss" if secure else "ws",
        "path": path.decode("latin-1"),
        "query_string": query,
        "headers": [(name.lower(), value.strip()) for name, _, value in pairs],
        "client": client,
    }


def accepted(request: Request, headers: Mapping[str, str]) -> bytes:
    """The answer to a WebSocket handshake, RFC 6455 section 4.2.

    Raises:
        Refused: it is no WebSocket handshake.
    """
    connection = {token.strip().lower() for token in headers.get("connection", "").split(",")}
    if request.method != "GET" or headers.get("upgrade", "").lower() != "websocket" or "upgrade" not in connection:
        raise Refused(400, "Bad request", BAD_REQUEST)
    if headers.get("sec-websocket-version") != "13":
        raise Refused(426, "Only version 13 of WebSocket is spoken here")
    key = headers.get("sec-websocket-key", "").encode("latin-1")
    try:
        if len(base64.b64decode(key, validate=True)) != 16:
            raise ValueError("not 16 bytes")
    except (binascii.Error, ValueError):
        raise Refused(400, "Bad request", BAD_REQUEST) from None
    accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def refusal(error: Refused) -> bytes:
    """The answer to a request that is refused before it becomes a WebSocket."""
    body = error.text.encode()
    head = f"HTTP/1.1 {error.status} Refused\r\ncontent-type: text/plain\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + b"connection: close\r\n\r\n" + body
