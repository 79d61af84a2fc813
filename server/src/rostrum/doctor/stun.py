"""The one STUN exchange that the doctor needs: a browser's connectivity check (RFC 8489, RFC 8445)."""

import asyncio
import hashlib
import hmac
import secrets
import socket
import struct
import zlib
from typing import Final

COOKIE: Final = 0x2112A442
REQUEST, SUCCESS = 0x0001, 0x0101
USERNAME, INTEGRITY, PRIORITY, USE_CANDIDATE, FINGERPRINT, CONTROLLING = 0x0006, 0x0008, 0x0024, 0x0025, 0x8028, 0x802A


def binding_request(username: str, password: str, transaction: bytes) -> bytes:
    """A connectivity check, signed with the password of whoever is asked; `transaction` has 12 bytes."""
    attributes = b"".join(
        (
            _attribute(USERNAME, username.encode()),
            _attribute(PRIORITY, struct.pack("!I", 1 << 24)),
            _attribute(CONTROLLING, secrets.token_bytes(8)),
            _attribute(USE_CANDIDATE, b""),
        )
    )
    # The length in the header counts the attribute that is being computed.
    signed = _header(len(attributes) + 24, transaction) + attributes
    attributes += _attribute(INTEGRITY, hmac.new(password.encode(), signed, hashlib.sha1).digest())
    summed = _header(len(attributes) + 8, transaction) + attributes
    return summed + _attribute(FINGERPRINT, struct.pack("!I", zlib.crc32(summed) ^ 0x5354554E))


def is_success(message: bytes, transaction: bytes) -> bool:
    """Whether this is the answer that says yes to the request of this transaction."""
    return len(message) >= 20 and message[:2] == struct.pack("!H", SUCCESS) and message[8:20] == transaction


async def ask_udp(address: str, port: int, username: str, password: str, seconds: float = 2.0) -> bool:
    """Send a check by UDP, again every 0.25 s; whether the answer came in time."""
    loop = asyncio.get_running_loop()
    transaction = secrets.token_bytes(12)
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        await loop.sock_connect(client, (address, port))
        deadline = loop.time() + seconds
        while loop.time() < deadline:
            try:
                await loop.sock_sendall(client, binding_request(username, password, transaction))
                async with asyncio.timeout(0.25):
                    if is_success(await loop.sock_recv(client, 1500), transaction):
                        return True
            except (OSError, TimeoutError):
                await asyncio.sleep(0.05)
    return False


async def ask_tcp(address: str, port: int, username: str, password: str, seconds: float = 2.0) -> bool:
    """Send a check by TCP, framed after RFC 4571; whether the answer came in time."""
    transaction = secrets.token_bytes(12)
    message = binding_request(username, password, transaction)
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                writer.write(struct.pack("!H", len(message)) + message)
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                return is_success(await reader.readexactly(length), transaction)
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False


def _header(length: int, transaction: bytes) -> bytes:
    return struct.pack("!HHI", REQUEST, length, COOKIE) + transaction


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)
