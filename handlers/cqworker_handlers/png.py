"""A PNG file by its chunks: what it holds, and what of it the decoder is given (W3C PNG, third edition)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from cqworker import Reject

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, COLOURS, PALETTE, GREY_ALPHA, COLOURS_ALPHA = 0, 2, 3, 4, 6
MAX_PROFILE = 16_777_216
"""Bytes of an inflated ICC profile: the largest known, for printing presses, have some 4 MiB."""
MAX_TEXT = 1_048_576
"""Bytes of an inflated text that may say which way is up; what is longer is metadata like all the others."""
_DEPTHS = {GREY: (1, 2, 4, 8, 16), COLOURS: (8, 16), PALETTE: (1, 2, 4, 8), GREY_ALPHA: (8, 16), COLOURS_ALPHA: (8, 16)}
_CHECKED = frozenset({b"IHDR", b"PLTE", b"IDAT", b"tRNS", b"iCCP"})
"""Chunks in which damage would change pixels."""
_TURNING = {b"Raw profile type exif": "Raw profile type exif", b"XML:com.adobe.xmp": "xmp"}
"""Texts that may say which way is up, as Pillow knows them."""


@dataclass(slots=True)
class Png:
    """What the chunks say; `clear` is the one transparent colour, as its samples are in the file.

    `frames` are those of an animation and, where it is none of them, the picture that stands for it (APNG).
    """

    width: int = 0
    height: int = 0
    depth: int = 0
    colour: int = GREY
    palette: bytes | None = None
    opacities: bytes | None = None
    clear: tuple[int, ...] | None = None
    frames: int = 1
    profile: bytes | None = None
    metadata: dict[str, bytes | str] = field(default_factory=dict)
    pixels: list[bytes] = field(default_factory=list)
    header: bytes = b""

    def file(self) -> bytes:
        """The file for the decoder: header, palette and pixels, without metadata."""
        chunks = [(b"IHDR", self.header)]
        chunks += [(b"PLTE", self.palette)] if self.palette is not None else []
        chunks += [(b"tRNS", self.opacities)] if self.opacities is not None else []
        chunks += [*((b"IDAT", data) for data in self.pixels), (b"IEND", b"")]
        parts = [SIGNATURE]
        for name, body in chunks:
            parts += [len(body).to_bytes(4, "big"), name, body, zlib.crc32(body, zlib.crc32(name)).to_bytes(4, "big")]
        return b"".join(parts)


def read_png(data: bytes) -> Png:
    """Reads the chunks in one pass, texts unread; raises Reject for what is damaged or makes no picture."""
    png = Png()
    for name, body in _chunks(data):
        if name == b"IHDR":
            _read_header(png, body)
        elif not png.depth:
            break
        elif name == b"IDAT":
            png.pixels.append(body)
        elif name in _READERS:
            _READERS[name](png, body)
    _check(png)
    return png


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and body of each chunk up to IEND, or to the end of a file that was cut off."""
    place = len(SIGNATURE)
    while place + 8 <= len(data):
        size, name = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        body, end = data[place + 8 : place + 8 + size], place + 12 + size
        if name == b"IEND":
            return
        is_whole = end <= len(data)
        if is_whole and name in _CHECKED and zlib.crc32(name + body) != int.from_bytes(data[end - 4 : end], "big"):
            raise Reject(f"The picture cannot be turned grey: its chunk {name.decode()} is damaged.")
        yield name, body
        place = end


def _read_header(png: Png, body: bytes) -> None:
    if len(body) < 13 or png.depth:
        raise Reject("The picture cannot be turned grey: the header of the PNG file (IHDR) is damaged.")
    png.width, png.height = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big")
    png.depth, png.colour, png.header = body[8], body[9], body[:13]
    if png.depth not in _DEPTHS.get(png.colour, ()):
        raise Reject(f"The PNG file has {png.depth} bits in colours of type {png.colour}, which PNG does not have.")
    if not png.width or not png.height:
        raise Reject(f"The PNG file has {png.width} x {png.height} pixels.")


def _read_palette(png: Png, body: bytes) -> None:
    """Pictures of colours may have one, too, for screens of few colours; it says nothing of their pixels."""
    if png.colour == PALETTE and png.palette is None:
        png.palette = body


def _read_transparency(png: Png, body: bytes) -> None:
    """Of each sample only so many bits count as the picture has (PNG, 11.3.1.1)."""
    samples = {GREY: 1, COLOURS: 3}.get(png.colour, 0)
    if png.colour == PALETTE:
        png.opacities = body[:256]
    elif samples and len(body) >= 2 * samples:
        mask = (1 << png.depth) - 1
        png.clear = tuple(int.from_bytes(body[at : at + 2], "big") & mask for at in range(0, 2 * samples, 2))


def _read_animation(png: Png, body: bytes) -> None:
    """How many frames; the picture that follows is none of them unless the control of a frame stands before it."""
    if not png.pixels:
        png.frames = max(1, int.from_bytes(body[:4], "big")) + 1


def _read_frame(png: Png, _body: bytes) -> None:
    if not png.pixels and png.frames > 1:
        png.frames -= 1


def _read_profile(png: Png, body: bytes) -> None:
    png.profile = _inflate(body.partition(b"\0")[2][1:], MAX_PROFILE)


def _read_exif(png: Png, body: bytes) -> None:
    png.metadata["exif"] = b"Exif\0\0" + body


def _read_plain(png: Png, body: bytes) -> None:
    key, _, text = body.partition(b"\0")
    _note(png, key, text)


def _read_packed(png: Png, body: bytes) -> None:
    key, _, rest = body.partition(b"\0")
    _note(png, key, rest[1:], is_packed=True)


def _read_international(png: Png, body: bytes) -> None:
    key, _, rest = body.partition(b"\0")
    text = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    _note(png, key, text, is_packed=rest[:1] == b"\1")


def _note(png: Png, key: bytes, text: bytes, *, is_packed: bool = False) -> None:
    """Keeps a text that may say which way is up; the others are not even inflated."""
    known = _TURNING.get(key)
    if known is None or known in png.metadata:
        return
    plain = _inflate(text, MAX_TEXT) if is_packed else text
    if plain is not None:
        png.metadata[known] = plain if known == "xmp" else plain.decode("latin-1")


_READERS = {
    b"PLTE": _read_palette,
    b"tRNS": _read_transparency,
    b"acTL": _read_animation,
    b"fcTL": _read_frame,
    b"iCCP": _read_profile,
    b"eXIf": _read_exif,
    b"tEXt": _read_plain,
    b"zTXt": _read_packed,
    b"iTXt": _read_international,
}


def _inflate(data: bytes, most: int) -> bytes | None:
    """The inflated bytes; None where they are more than `most`, or no zlib stream."""
    inflating = zlib.decompressobj()
    try:
        plain = inflating.decompress(data, most)
    except zlib.error:
        return None
    return plain if inflating.eof else None


def _check(png: Png) -> None:
    if not png.depth:
        raise Reject("The picture cannot be turned grey: the PNG file does not begin with its header (IHDR).")
    palette = png.palette
    if png.colour == PALETTE and palette is None:
        raise Reject("The picture cannot be turned grey: its colours are numbers in a palette, and it has none (PLTE).")
    if palette is not None and (len(palette) % 3 or not 3 <= len(palette) <= 768):
        raise Reject(f"The picture cannot be turned grey: its palette has {len(palette)} bytes, not three a colour.")
    if not png.pixels:
        raise Reject("The picture cannot be turned grey: the PNG file holds no pixels (IDAT).")
