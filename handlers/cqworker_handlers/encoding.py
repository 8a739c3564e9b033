"""The grey picture as a file that is small enough to be kept."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from PIL import Image

from cqworker import Reject
from cqworker_handlers.grey import where

QUALITIES = (90, 80, 70, 60)
"""Of JPEG and of WebP with loss; the lower ones for what would be too large with the one before."""

_OUT_OF_MEMORY = frozenset({"encoding error 1", "encoding error 2"})
"""How Pillow passes on WebP's VP8_ENC_ERROR_OUT_OF_MEMORY and …_BITSTREAM_OUT_OF_MEMORY."""


def encode(picture: Image.Image, kind: str, largest: int, *, is_lossless: bool) -> bytes:
    """The file, of at most `largest` bytes; raises Reject where it has more."""
    size = 0
    for image, options in _ways(picture, kind, is_lossless=is_lossless):
        buffer = io.BytesIO()
        _save(image, buffer, kind, options)
        size = buffer.tell()
        if size <= largest:
            return buffer.getvalue()
    raise Reject(f"The grey picture has {size:,} bytes; at most {largest:,} are kept, as many as can be fetched.")


def _save(image: Image.Image, buffer: io.BytesIO, kind: str, options: dict[str, Any]) -> None:
    try:
        image.save(buffer, kind, **options)
    except ValueError as error:
        if kind == "WEBP" and str(error) in _OUT_OF_MEMORY:
            raise MemoryError from error
        raise


def _ways(picture: Image.Image, kind: str, *, is_lossless: bool) -> Iterator[tuple[Image.Image, dict[str, Any]]]:
    """The ways to write it, the best first; none changes a pixel of what is kept without loss."""
    if kind == "PNG":
        yield picture, {}
        indexed = _to_palette(picture)
        if indexed is not None:
            yield indexed
    elif is_lossless:
        yield picture, {"lossless": True, "exact": True}
    else:
        yield from ((picture, {"quality": quality}) for quality in QUALITIES)


def _to_palette(picture: Image.Image) -> tuple[Image.Image, dict[str, Any]] | None:
    """Grey with alpha as numbers in a palette, a byte a pixel in place of two; None where 256 do not do."""
    counted = picture.getcolors(256) if picture.mode == "LA" else None
    if counted is None:
        return None
    entries = sorted(pair for _, pair in counted if isinstance(pair, tuple))
    grey, alpha = picture.split()
    numbers = Image.new("P", picture.size)
    for opacity in sorted({opacity for _, opacity in entries}):
        known = {level: number for number, (level, its) in enumerate(entries) if its == opacity}
        numbers.paste(grey.point([known.get(level, 0) for level in range(256)]), mask=where(alpha, opacity))
    numbers.putpalette([level for level, _ in entries for _ in range(3)])
    return numbers, {"transparency": bytes(opacity for _, opacity in entries)}
