"""What is agreed when a transport is made and connected: addresses, ICE, DTLS, SRTP and SCTP parameters."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from dataclasses import dataclass
from typing import Any, Literal, cast

from .errors import InvalidParameters
from .validation import U16, U32, boolean, choice, integer, mapping, optional_integer, sequence, text

Protocol = Literal["udp", "tcp"]
#: Length in bytes of a certificate's fingerprint, by hash.
FINGERPRINT_SIZES = {"sha-1": 20, "sha-224": 28, "sha-256": 32, "sha-384": 48, "sha-512": 64}
#: Length in bytes of key and salt together, by crypto suite.
SRTP_KEY_SIZES = {
    "AEAD_AES_256_GCM": 44,
    "AEAD_AES_128_GCM": 28,
    "AES_CM_128_HMAC_SHA1_80": 30,
    "AES_CM_128_HMAC_SHA1_32": 30,
}
_FINGERPRINT = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2})*", re.ASCII)


def check_ip(value: Any, path: str) -> str:
    """An IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text(value, path, 64))
    except ValueError:
        raise InvalidParameters(f"{path} must be an IP address") from None
    return cast(str, value)


@dataclass(frozen=True, slots=True)
class ListenInfo:
    """Where a transport or a WebRtcServer listens.

    `announced_address` is what clients are told instead of `ip` (behind NAT); a host name is possible. `port` 0 takes
    a free one, out of `port_range` (lowest, highest) if that is given. Buffer sizes in bytes, 0 leaves the system's.
    """

    protocol: Protocol = "udp"
    ip: str = "127.0.0.1"
    announced_address: str | None = None
    port: int = 0
    expose_internal_ip: bool = False
    port_range: tuple[int, int] | None = None
    ipv6_only: bool = False
    udp_reuse_port: bool = False
    send_buffer_size: int = 0
    recv_buffer_size: int = 0

    def to_wire(self) -> dict[str, Any]:
        """The fields as the worker names them. Raises `InvalidParameters`."""
        lowest, highest = self.port_range or (0, 0)
        return {
            "protocol": choice(self.protocol, "protocol", ("udp", "tcp")),
            "ip": check_ip(self.ip, "ip"),
            "announced_address": self.announced_address or None,
            "expose_internal_ip": self.expose_internal_ip,
            "port": integer(self.port, "port", 0, U16),
            "port_range": {"min": integer(lowest, "port_range", 0, U16), "max": integer(highest, "port_range", 0, U16)},
            "flags": {"ipv6_only": self.ipv6_only, "udp_reuse_port": self.udp_reuse_port},
            "send_buffer_size": integer(self.send_buffer_size, "send_buffer_size", 0, U32),
            "recv_buffer_size": integer(self.recv_buffer_size, "recv_buffer_size", 0, U32),
        }


@dataclass(frozen=True, slots=True)
class TransportTuple:
    """The two ends of a connection. The remote end is None until something came from it."""

    local_address: str
    local_port: int
    protocol: str
    remote_ip: str | None = None
    remote_port: int | None = None

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> TransportTuple:
        return cls(
            wire["local_address"],
            wire["local_port"],
            wire["protocol"],
            wire["remote_ip"],
            wire["remote_port"] if wire["remote_ip"] else None,
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "localAddress": self.local_address,
            "localPort": self.local_port,
            "remoteIp": self.remote_ip,
            "remotePort": self.remote_port,
            "protocol": self.protocol,
        }


@dataclass(frozen=True, slots=True)
class IceParameters:
    """Credentials of the ICE server side."""

    username_fragment: str
    password: str
    ice_lite: bool = True

    def to_json(self) -> dict[str, Any]:
        return {"usernameFragment": self.username_fragment, "password": self.password, "iceLite": self.ice_lite}


@dataclass(frozen=True, slots=True)
class IceCandidate:
    """An address at which the worker can be reached."""

    foundation: str
    priority: int
    address: str
    protocol: str
    port: int
    type: str = "host"
    tcp_type: str | None = None

    def to_json(self) -> dict[str, Any]:
        candidate = {
            "foundation": self.foundation,
            "priority": self.priority,
            "ip": self.address,
            "address": self.address,
            "protocol": self.protocol,
            "port": self.port,
            "type": self.type,
        }
        if self.tcp_type:
            candidate["tcpType"] = self.tcp_type
        return candidate


@dataclass(frozen=True, slots=True)
class DtlsFingerprint:
    """The hash of a DTLS certificate: `algorithm` like "sha-256", `value` in upper-case hexadecimal pairs."""

    algorithm: str
    value: str

    @classmethod
    def from_json(cls, given: Any, path: str) -> DtlsFingerprint:
        fields = mapping(given, path)
        algorithm = choice(fields.get("algorithm"), f"{path}.algorithm", tuple(FINGERPRINT_SIZES))
        value = text(fields.get("value"), f"{path}.value", 256).upper()
        if not _FINGERPRINT.fullmatch(value) or len(value) != 3 * FINGERPRINT_SIZES[algorithm] - 1:
            raise InvalidParameters(f"{path}.value is not a {algorithm} fingerprint")
        return cls(algorithm, value)

    def to_json(self) -> dict[str, Any]:
        return {"algorithm": self.algorithm, "value": self.value}


@dataclass(frozen=True, slots=True)
class DtlsParameters:
    """One end of a DTLS handshake. `role` is "auto", "client" or "server"."""

    fingerprints: tuple[DtlsFingerprint, ...]
    role: str = "auto"

    @classmethod
    def from_json(cls, value: Any, path: str = "dtlsParameters") -> DtlsParameters:
        """Reads what a client sends. Raises `InvalidParameters`."""
        if isinstance(value, cls):
            return value
        given = mapping(value, path)
        items = sequence(given.get("fingerprints"), f"{path}.fingerprints", 16)
        if not items:
            raise InvalidParameters(f"{path}.fingerprints is empty")
        prints = tuple(DtlsFingerprint.from_json(item, f"{path}.fingerprints[{i}]") for i, item in enumerate(items))
        role = given.get("role")
        return cls(prints, choice("auto" if role is None else role, f"{path}.role", ("auto", "client", "server")))

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> DtlsParameters:
        return cls(tuple(DtlsFingerprint(**item) for item in wire["fingerprints"]), wire["role"])

    def to_wire(self) -> dict[str, Any]:
        return {"fingerprints": [item.to_json() for item in self.fingerprints], "role": self.role}

    def to_json(self) -> dict[str, Any]:
        return {"role": self.role, "fingerprints": [item.to_json() for item in self.fingerprints]}


@dataclass(frozen=True, slots=True)
class SrtpParameters:
    """Keys of one direction of SRTP, with the salt, in base64."""

    crypto_suite: str
    key_base64: str

    @classmethod
    def from_json(cls, value: Any, path: str = "srtpParameters") -> SrtpParameters:
        """Raises `InvalidParameters`."""
        if isinstance(value, cls):
            return value
        given = mapping(value, path)
        suite = choice(given.get("cryptoSuite"), f"{path}.cryptoSuite", tuple(SRTP_KEY_SIZES))
        key = text(given.get("keyBase64"), f"{path}.keyBase64", 128)
        try:
            size = len(base64.b64decode(key, validate=True))
        except (binascii.Error, ValueError):
            size = -1
        if size != SRTP_KEY_SIZES[suite]:
            raise InvalidParameters(f"{path}.keyBase64 must hold {SRTP_KEY_SIZES[suite]} bytes in base64")
        return cls(suite, key)

    def to_wire(self) -> dict[str, Any]:
        return {"crypto_suite": self.crypto_suite, "key_base64": self.key_base64}

    def to_json(self) -> dict[str, Any]:
        return {"cryptoSuite": self.crypto_suite, "keyBase64": self.key_base64}


@dataclass(frozen=True, slots=True)
class SctpParameters:
    """SCTP of a transport. Sizes in bytes."""

    port: int
    max_send_message_size: int
    max_receive_message_size: int
    send_buffer_size: int
    per_stream_send_queue_limit: int
    max_receiver_window_buffer_size: int
    is_data_channel: bool

    def to_json(self) -> dict[str, Any]:
        """The form of clients. Older ones want to know the number of streams, which is always the largest possible."""
        return {
            "port": self.port,
            "OS": U16,
            "MIS": U16,
            "maxMessageSize": self.max_receive_message_size,
            "maxSendMessageSize": self.max_send_message_size,
            "maxReceiveMessageSize": self.max_receive_message_size,
            "sendBufferSize": self.send_buffer_size,
            "perStreamSendQueueLimit": self.per_stream_send_queue_limit,
            "maxReceiverWindowBufferSize": self.max_receiver_window_buffer_size,
            "isDataChannel": self.is_data_channel,
        }


@dataclass(frozen=True, slots=True)
class SctpStreamParameters:
    """One SCTP stream; if not `ordered`, with one of `max_packet_life_time` (ms) and `max_retransmits`, or none."""

    stream_id: int
    ordered: bool = True
    max_packet_life_time: int | None = None
    max_retransmits: int | None = None

    @classmethod
    def from_json(cls, value: Any, path: str = "sctpStreamParameters") -> SctpStreamParameters:
        """Reads what a client sends. Raises `InvalidParameters`."""
        if isinstance(value, cls):
            return value
        given = mapping(value, path)
        life_time = optional_integer(given.get("maxPacketLifeTime"), f"{path}.maxPacketLifeTime", 0, U16)
        retransmits = optional_integer(given.get("maxRetransmits"), f"{path}.maxRetransmits", 0, U16)
        unreliable = life_time is not None or retransmits is not None
        given_order = given.get("ordered")
        ordered = not unreliable if given_order is None else boolean(given_order, f"{path}.ordered")
        if life_time is not None and retransmits is not None:
            raise InvalidParameters(f"{path} has both maxPacketLifeTime and maxRetransmits")
        if ordered and unreliable:
            raise InvalidParameters(f"{path} cannot be ordered with maxPacketLifeTime or maxRetransmits")
        return cls(integer(given.get("streamId"), f"{path}.streamId", 0, U16 - 1), ordered, life_time, retransmits)

    def to_wire(self) -> dict[str, Any]:
        return {
            "stream_id": self.stream_id,
            "ordered": self.ordered,
            "max_packet_life_time": self.max_packet_life_time,
            "max_retransmits": self.max_retransmits,
        }

    def to_json(self) -> dict[str, Any]:
        fields = {
            "streamId": self.stream_id,
            "ordered": self.ordered,
            "maxPacketLifeTime": self.max_packet_life_time,
            "maxRetransmits": self.max_retransmits,
        }
        return {name: value for name, value in fields.items() if value is not None}
