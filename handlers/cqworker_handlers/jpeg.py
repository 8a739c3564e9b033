"""A JPEG file by its markers: what it holds, and what of it the decoder is given (ITU-T T.81, B.1 and B.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cqworker import Reject

MAX_SCANS = 100
"""Scans of one picture. A progressive one has about 10, the most that known encoders try for is some 60 (libjpeg's
scan scripts, mozjpeg, jpegrescan); an empty scan costs the decoder a walk over all pixels and the file 90 bytes."""
_MARKER = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")
"""The next marker after entropy-coded data, where FF stands before 00 or a restart marker alone (T.81, B.1.1)."""
RESTART = re.compile(rb"\xff+([\xd0-\xd7])")
_SOI, _EOI, _SOS, _DRI, _TEM = 0xD8, 0xD9, 0xDA, 0xDD, 0x01
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_EXTRAS = frozenset({*range(0xE0, 0xF0), 0xFE})
"""What applications keep in a file, APP0 to APP15 and COM: of these the decoder is shown what tells its colours."""
_SHOWN = ((0xE0, b"JFIF\0"), (0xEE, b"Adobe"))
_KNOWN_COMPONENTS = (1, 3, 4)
_CUT = "The picture cannot be turned grey: its file was cut off or damaged; it ends before its pixels do."

LOSSLESS = 0xC3
SEQUENTIAL = frozenset({0xC0, 0xC1, 0xC9})
PROGRESSIVE = frozenset({0xC2, 0xCA})
ARITHMETIC = frozenset({0xC9, 0xCA})


@dataclass(frozen=True, slots=True)
class Component:
    """One plane of the picture: its id and its sampling factors."""

    id: int
    across: int
    down: int


@dataclass(frozen=True, slots=True)
class Scan:
    """One pass over the pixels: its components' ids, its coefficients from `first` to `last`, the bits left to send.

    `interval` is how many units (MCU) lie between restart markers; 0 for all of them.
    """

    components: tuple[int, ...]
    first: int
    last: int
    bits_left: int
    interval: int


@dataclass(slots=True)
class Jpeg:
    """What the markers say, in the order of the file; `pieces` are the bytes for the decoder, pixels marked True."""

    process: int = 0
    precision: int = 0
    width: int = 0
    height: int = 0
    components: tuple[Component, ...] = ()
    scans: list[Scan] = field(default_factory=list)
    pieces: list[tuple[bool, bytes]] = field(default_factory=list)
    has_end: bool = False
    profile: bytes | None = None
    metadata: dict[str, bytes] = field(default_factory=dict)

    def file(self, tail: bytes = b"") -> bytes:
        """The file for the decoder, without metadata; each stretch of pixels is followed by `tail`."""
        parts = [data for _, data in self.pieces]
        if tail:
            parts = [_with_tail(data, tail) if is_data else data for is_data, data in self.pieces]
        return b"".join((b"\xff\xd8", *parts, b"\xff\xd9"))


def read_jpeg(data: bytes) -> Jpeg:
    """Reads the markers up to the end of the image, in one pass; raises Reject for what is not decoded, by its name."""
    jpeg, profile, interval = Jpeg(), list[bytes](), 0
    for marker, body in _segments(data, jpeg):
        if marker in _FRAMES and not jpeg.process:
            _read_frame(jpeg, marker, body)
        elif marker in _EXTRAS:
            _note(jpeg, profile, marker, body)
        elif marker == _DRI:
            interval = int.from_bytes(body[:2], "big")
        elif marker == _SOS:
            jpeg.scans.append(_scan(body, interval))
            if len(jpeg.scans) > MAX_SCANS:
                what = f"The picture has more than {MAX_SCANS} scans"
                raise Reject(f"{what}, each of which is decoded over all its pixels.")
    if not jpeg.scans:
        raise Reject(_CUT)
    _check_frame(jpeg)
    jpeg.profile = _join(profile)
    return jpeg


def _with_tail(data: bytes, tail: bytes) -> bytes:
    return RESTART.sub(lambda mark: tail + mark[0], data) + tail


def _segments(data: bytes, jpeg: Jpeg) -> Iterator[tuple[int, bytes]]:
    """Each marker that has a body, and the body; notes the pieces and the end."""
    place = 2
    while (found := _MARKER.search(data, place)) is not None:
        marker, start = found[1][0], found.end()
        if jpeg.scans:
            _note_data(jpeg, data[place : found.start()])
        if marker == _EOI:
            jpeg.has_end = True
            return
        place = start
        if marker in (_SOI, _TEM):
            continue
        place += int.from_bytes(data[start : start + 2], "big")
        if place > len(data) or place < start + 2:
            raise Reject(_CUT)
        body = data[start + 2 : place]
        yield marker, body
        if marker not in _EXTRAS or any(marker == shown and body.startswith(name) for shown, name in _SHOWN):
            jpeg.pieces.append((False, b"\xff" + data[start - 1 : place]))
    if jpeg.scans:
        _note_data(jpeg, data[place:].rstrip(b"\xff"))


def _note_data(jpeg: Jpeg, data: bytes) -> None:
    """What follows a scan's header are pixels; what follows another segment is nothing that the decoder needs."""
    if jpeg.pieces[-1][1][1] == _SOS and not jpeg.pieces[-1][0]:
        jpeg.pieces.append((True, data))


def _read_frame(jpeg: Jpeg, marker: int, body: bytes) -> None:
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        raise Reject(_CUT)
    jpeg.process, jpeg.precision = marker, body[0]
    jpeg.height, jpeg.width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    planes = (body[place : place + 3] for place in range(6, 6 + 3 * body[5], 3))
    jpeg.components = tuple(Component(plane[0], plane[1] >> 4 or 1, plane[1] & 15 or 1) for plane in planes)


def _check_frame(jpeg: Jpeg) -> None:
    """Raises Reject for a frame that the decoder does not know: it would call the file no picture at all."""
    if jpeg.process not in SEQUENTIAL | PROGRESSIVE | {LOSSLESS}:
        raise Reject(f"The JPEG picture is of a rare kind that is not decoded (SOF{jpeg.process - 0xC0}).")
    if jpeg.precision != 8:
        raise Reject(f"The JPEG picture has {jpeg.precision} bits for each colour; only pictures of 8 are decoded.")
    if len(jpeg.components) not in _KNOWN_COMPONENTS:
        raise Reject(f"The JPEG picture has {len(jpeg.components)} colours; pictures of 1, 3 and 4 are decoded.")
    if not jpeg.width or not jpeg.height:
        raise Reject("The JPEG picture does not say in its header how high and wide it is.")


def _scan(body: bytes, interval: int) -> Scan:
    count = body[0] if body else 0
    if len(body) < 4 + 2 * count:
        raise Reject(_CUT)
    first, last, bits = body[1 + 2 * count : 4 + 2 * count]
    return Scan(tuple(body[1 : 1 + 2 * count : 2]), first, last, bits & 15, interval)


def _note(jpeg: Jpeg, profile: list[bytes], marker: int, body: bytes) -> None:
    if marker == 0xE1 and body.startswith(b"Exif\0\0"):
        jpeg.metadata["exif"] = jpeg.metadata["exif"] + body[6:] if "exif" in jpeg.metadata else body
    elif marker == 0xE1 and body.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
        jpeg.metadata["xmp"] = body
    elif marker == 0xE2 and body.startswith(b"ICC_PROFILE\0") and len(body) > 14:
        profile.append(body[12:])


def _join(chunks: list[bytes]) -> bytes | None:
    """An ICC profile from its numbered parts; None where one is missing (ICC.1, B.4)."""
    chunks = sorted(chunks)
    if not chunks or [chunk[0] for chunk in chunks] != list(range(1, chunks[0][1] + 1)):
        return None
    return b"".join(chunk[2:] for chunk in chunks)
