"""Almost right packets, payloads and frames, the same for the same seed."""

import random

TOKENS = [
    "0", "1", "2", "3", "4", "5", "6", "-", ",", "/", "?", "[", "]", "{", "}", '"', "\\", "null", "true", "1e999",
    "NaN", "-0", "\x1e", "\x00", "\ud800", "\u2028", "🎉", "b", "b64=", "_placeholder", "__proto__",
    "99999999999999999999", "/custom", "/" + "x" * 300, "[" * 70, "]" * 70, '{"_placeholder":true,"num":0}',
    '{"_placeholder":true,"num":-1}', '{"_placeholder":true,"num":1e3}', '{"_placeholder":1}', "connect",
    "disconnect", "connect_error",
]  # fmt: skip
"""What is put into packets."""

PACKETS = [
    "40", '40{"token":"abc"}', '40/custom,{"a":[1,2]}', "41", "41/custom,", '42["echo",1,"2",{"3":[true,null]}]',
    '42["echo"]', '4212["ack","é🎉"]', '42/custom,7["ack",[]]', '451-["echo",{"_placeholder":true,"num":0}]', "43[1]",
    '439["late"]',
    '452-/custom,3["ack",{"_placeholder":true,"num":0},{"a":{"_placeholder":true,"num":1}}]', '44{"message":"no"}',
    '461-5[{"_placeholder":true,"num":0}]', "2", "3", "1", "6", "5", "2probe", "0{}",
]  # fmt: skip
"""What clients send."""


class Mutator:
    """Makes one case after another."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def packet(self) -> str:
        """A packet with up to five changes, at times none."""
        text = self.random.choice(PACKETS)
        for _ in range(self.random.randrange(5)):
            text = self._changed(text)
        return text

    def _changed(self, text: str) -> str:
        at, until = sorted(self.random.randrange(len(text) + 1) for _ in range(2))
        kind = self.random.randrange(6)
        if kind == 0:
            return text[:at] + text[until:]
        if kind == 1:
            return text[:at] + self.random.choice(TOKENS) + text[at:]
        if kind == 2:
            return text[:at] + self.random.choice(TOKENS) + text[until:]
        if kind == 3:
            return text[:until] + text[at:]
        if kind == 4:
            return text[:at] + chr(self.random.choice((self.random.randrange(256), self.random.randrange(0xD800))))
        return text[:at] + self.random.choice(PACKETS)[self.random.randrange(2) :]

    def payload(self) -> str:
        """A body of long-polling."""
        return "\x1e".join(self.packet() for _ in range(self.random.randrange(1, 5)))

    def frame(self) -> bytes:
        """A frame of a client, more often right than wrong."""
        chance = self.random.random
        payload = self.packet().encode("utf-8", "surrogatepass" if chance() < 0.05 else "replace")
        if chance() < 0.1:
            payload = self.random.randbytes(self.random.randrange(200))
        opcode = (
            1
            if chance() < 0.7
            else self.random.choice((0, 2, 8, 9, 10))
            if chance() < 0.8
            else self.random.randrange(16)
        )
        first = (0x80 if chance() < 0.9 else 0) | opcode | (self.random.randrange(8) << 4 if chance() < 0.03 else 0)
        size = (
            len(payload) if chance() < 0.97 else self.random.choice((0, 125, 126, 127, 65535, 65536, 1 << 20, 1 << 62))
        )
        masked = 0x80 if chance() < 0.97 else 0
        if size < 126:
            head = bytes((first, masked | size))
        elif size < 65536 and chance() < 0.9:
            head = bytes((first, masked | 126)) + size.to_bytes(2, "big")
        else:
            head = bytes((first, masked | 127)) + size.to_bytes(8, "big")
        return head + (bytes(4) if masked else b"") + payload

    def stream(self) -> list[bytes]:
        """What a client sends on one connection, cut into pieces as networks cut it."""
        wire = b"".join(self.frame() for _ in range(self.random.randrange(1, 8)))
        if self.random.random() < 0.2:
            cut = bytearray(wire)
            for _ in range(self.random.randrange(1, 6)):
                cut[self.random.randrange(len(cut))] = self.random.randrange(256)
            wire = bytes(cut)
        pieces = []
        while wire:
            size = self.random.choice((1, 2, 7, 100, len(wire), len(wire)))
            pieces.append(wire[:size])
            wire = wire[size:]
        return pieces
