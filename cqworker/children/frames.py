"""What travels between a process and its child: frames, each whole or nothing."""

from __future__ import annotations

import struct
from enum import Enum
from typing import NamedTuple

HEAD = struct.Struct("!cQ")
CHUNK = 262_144


class Kind(bytes, Enum):
    """What a frame says."""

    READY = b"R"
    """The child is there."""
    CALL = b"C"
    """A function, its arguments and its bounds, pickled."""
    BEGUN = b"B"
    """The child has the whole call, and what it needs for it: from now on its time counts."""
    VALUE = b"V"
    """What the function returned, pickled."""
    ERROR = b"E"
    """What it raised, pickled."""


class Frame(NamedTuple):
    """One thing said."""

    kind: Kind
    body: bytes


def packed(kind: Kind, body: bytes = b"") -> tuple[bytes, bytes]:
    """A frame as it is sent, its head and its body, for a body of many megabytes is not copied for a head."""
    return HEAD.pack(kind.value, len(body)), body


class Unpacker:
    """Bytes in as they come, frames out once they are whole."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> None:
        self._bytes += data

    def frame(self) -> Frame | None:
        """The next frame, None while it is not whole."""
        if len(self._bytes) < HEAD.size:
            return None
        kind, size = HEAD.unpack_from(self._bytes)
        end = HEAD.size + size
        if len(self._bytes) < end:
            return None
        with memoryview(self._bytes) as view:
            body = bytes(view[HEAD.size : end])
        del self._bytes[:end]
        return Frame(Kind(kind), body)
