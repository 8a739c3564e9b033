"""A WebP file by its chunks: its size and how its pixels are kept (RFC 9649)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cqworker import Reject


@dataclass(frozen=True, slots=True)
class Webp:
    """Size in pixels, how many frames, and whether every one of them is kept without loss."""

    width: int
    height: int
    frames: int
    is_lossless: bool


def read_webp(data: bytes) -> Webp:
    """Reads the chunks, those of frames included; raises Reject for a file without a size."""
    size, frames, ways = None, 0, set[bytes]()
    for name, body in _chunks(data, 12):
        size = size or _size(name, body)
        frames += name == b"ANMF"
        inner = _chunks(body, 16) if name == b"ANMF" else [(name, body)]
        ways |= {way for way, _ in inner if way in (b"VP8 ", b"VP8L")}
    if size is None:
        raise Reject("The picture cannot be turned grey: the WebP file does not begin with its size.")
    return Webp(*size, frames or 1, ways == {b"VP8L"})


def _chunks(data: bytes, start: int) -> Iterator[tuple[bytes, bytes]]:
    while start + 8 <= len(data):
        size = int.from_bytes(data[start + 4 : start + 8], "little")
        yield data[start : start + 4], data[start + 8 : start + 8 + size]
        start += 8 + size + size % 2


def _size(name: bytes, body: bytes) -> tuple[int, int] | None:
    """The size that a first chunk claims: of a canvas (less one), or of a frame without loss (less one) or with."""
    if name == b"VP8X" and len(body) >= 10:
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if name == b"VP8L" and len(body) >= 5 and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if name == b"VP8 " and body[3:6] == b"\x9d\x01\x2a" and len(body) >= 10:
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    return None
