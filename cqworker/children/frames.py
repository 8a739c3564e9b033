"""What travels between a process and its child: frames, each whole or nothing."""

from __future__ import annotations

import struct
from enum import Enum
from typing import NamedTuple

HEADER = struct.Struct("!cQ")
"""The kind of a frame, and the bytes of its body."""
CHUNK_BYTES = 262_144
"""Bytes that one read or write moves at most: more than a socket buffers, so larger pieces would gain nothing."""


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
    """One message between a process and its child."""

    kind: Kind
    body: bytes


def pack(kind: Kind, body: bytes = b"") -> tuple[bytes, bytes]:
    """A frame as it is sent, its head and its body, for a body of many megabytes is not copied for a head."""
    return HEADER.pack(kind.value, len(body)), body


class FrameReader:
    """Bytes in as they come, frames out once they are whole."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> None:
        """Takes bytes as they came."""
        self._bytes += data

    def frame(self) -> Frame | None:
        """The next frame, None while it is not whole."""
        if len(self._bytes) < HEADER.size:
            return None
        kind, size = HEADER.unpack_from(self._bytes)
        end = HEADER.size + size
        if len(self._bytes) < end:
            return None
        with memoryview(self._bytes) as view:
            body = bytes(view[HEADER.size : end])
        del self._bytes[:end]
        return Frame(Kind(kind), body)
