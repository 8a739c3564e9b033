"""Bytes of a picture in, bytes of the grey picture out: what runs in a process that may be killed."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from cqworker import Reject
from cqworker_handlers.grey import gray
from cqworker_handlers.scans import MAX_SCANS, scans_of
from cqworker_handlers.upright import orientation_of, turned

MAX_PIXELS = 25_000_000
MAX_SIDE = 16_383
"""Pixels along one side: as many as WebP can have."""
MAX_RATIO = 200
"""How many times longer one side may be than the other."""
MAX_MEMORY = 1280
"""MiB for one picture, decoded, converted and encoded: what lossless WebP of 25 million pixels takes."""

_FORMATS = {
    "JPEG": ("jpg", "image/jpeg"),
    "PNG": ("png", "image/png"),
    "WEBP": ("webp", "image/webp"),
}


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture and what it is."""

    data: bytes
    extension: str
    content_type: str
    width: int
    height: int


def to_gray(data: bytes) -> Picture:
    """The grey picture, upright, in the same format; raises Reject, with the reason, for what cannot become one."""
    with _rejecting():
        return _converted(data)


def _converted(data: bytes) -> Picture:
    image, kind = _opened(data)
    if kind == "JPEG" and "icc_profile" not in image.info:
        image.draft("L", image.size)  # libjpeg then decodes the luminance alone: a third of the work
    image.load()
    picture = turned(gray(image), orientation_of(image))
    picture.info.clear()  # Pillow would write some of it into the file
    buffer = io.BytesIO()
    picture.save(buffer, kind, **_quality(kind, data))
    extension, content_type = _FORMATS[kind]
    return Picture(buffer.getvalue(), extension, content_type, picture.width, picture.height)


def _opened(data: bytes) -> tuple[Image.Image, str]:
    """The picture, not decoded yet, and its format: measured first, for a small file may claim any size."""
    image = Image.open(io.BytesIO(data), formats=tuple(_FORMATS))
    kind = (
        "JPEG" if image.format == "MPO" else str(image.format)
    )  # a JPEG with further ones behind it: its first counts
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise Reject(
            f"The picture has {width} x {height} pixels; at most {MAX_PIXELS // 1_000_000} million are decoded."
        )
    if max(width, height) > min(MAX_SIDE, MAX_RATIO * min(width, height)):
        raise Reject(
            f"The picture has {width} x {height} pixels; "
            f"a side may have {MAX_SIDE}, and be {MAX_RATIO} times as long as the other."
        )
    if kind == "JPEG" and scans_of(data) > MAX_SCANS:
        raise Reject(f"The picture has more than {MAX_SCANS} scans, each of which is decoded over all its pixels.")
    if kind != "JPEG" and getattr(image, "is_animated", False):
        raise Reject("The picture is animated; only still ones are turned grey.")
    return image, kind


def _quality(kind: str, data: bytes) -> dict[str, int | bool]:
    if kind == "WEBP" and _is_lossless(data):
        return {"lossless": True, "exact": True}
    return {} if kind == "PNG" else {"quality": 90}


def _is_lossless(data: bytes) -> bool:
    """Whether a WebP file keeps its pixels in a VP8L chunk (WebP container specification)."""
    start = 12
    while start + 8 <= len(data):
        if data[start : start + 4] in (b"VP8L", b"VP8 "):
            return data[start : start + 4] == b"VP8L"
        size = int.from_bytes(data[start + 4 : start + 8], "little")
        start += 8 + size + size % 2
    return False


@contextmanager
def _rejecting() -> Iterator[None]:
    """Whatever Pillow says of the bytes is said to the client; the same bytes will not fare better another time."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except Reject:
        raise
    except UnidentifiedImageError as error:
        raise Reject("The file is no JPEG, PNG or WebP picture.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Reject(
            f"The picture has too many pixels; at most {MAX_PIXELS // 1_000_000} million are decoded."
        ) from error
    except MemoryError as error:
        raise Reject(f"The picture needs more than {MAX_MEMORY} MiB of memory.") from error
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error and more
        words = " ".join(str(error).split())[:200]
        raise Reject(f"The picture cannot be turned grey: {words or type(error).__name__}.") from error
