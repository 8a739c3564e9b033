"""Bytes of a picture in, bytes of the grey picture out: what runs in a process that may be killed."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import Image

from cqworker import Reject
from cqworker_handlers.bounds import MAX_PIXELS, check_size
from cqworker_handlers.clear import opaque_of
from cqworker_handlers.encoding import encode
from cqworker_handlers.grey import gray
from cqworker_handlers.jpeg import LOSSLESS, Jpeg, read_jpeg
from cqworker_handlers.png import GREY_ALPHA, SIGNATURE, Png, read_png
from cqworker_handlers.upright import orientation_of, turn_upright
from cqworker_handlers.webp import read_webp
from cqworker_handlers.whole import is_whole

_ANIMATED = "The picture is animated; only still ones are turned grey."
_TYPES = {"JPEG": ("jpg", "image/jpeg"), "PNG": ("png", "image/png"), "WEBP": ("webp", "image/webp")}


Upright = tuple[Image.Image, int]
"""A grey picture and the orientation that it has to be given; what it was made of is gone by then, from memory, too."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture and what it is."""

    data: bytes
    extension: str
    content_type: str
    width: int
    height: int


def to_gray(data: bytes, memory: int, largest: int) -> Picture:
    """The grey picture, upright, in the same format, of at most `largest` bytes.

    Raises Reject, with the reason, for what cannot become one, or would need more than `memory` MiB.
    """
    with _reject_damaged(memory):
        if data.startswith(b"\xff\xd8\xff"):
            return _jpeg(data, memory, largest)
        if data.startswith(SIGNATURE):
            return _png(data, memory, largest)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data, memory, largest)
        raise Reject("The file is no JPEG, PNG or WebP picture.")


def _jpeg(data: bytes, memory: int, largest: int) -> Picture:
    """Of a file with further pictures behind the first one (MPO), as many phones write, the first counts."""
    jpeg = read_jpeg(data)
    check_size(jpeg, len(data), memory)
    if not is_whole(jpeg):
        raise Reject("The picture cannot be turned grey: its file was cut off or damaged; pixels are missing.")
    return _encode_upright(_grey_of_jpeg(jpeg), "JPEG", largest)


def _grey_of_jpeg(jpeg: Jpeg) -> Upright:
    with Image.open(io.BytesIO(jpeg.file()), formats=("JPEG",)) as image:
        if jpeg.profile is None and jpeg.process != LOSSLESS:
            image.draft("L", image.size)  # libjpeg then decodes the luminance alone: a third of the work
        image.load()
        image.info.update(jpeg.metadata)
        return gray(image, jpeg.profile), orientation_of(image)


def _png(data: bytes, memory: int, largest: int) -> Picture:
    png = read_png(data)
    check_size(png, len(data), memory)
    if png.frames > 1:
        raise Reject(_ANIMATED)
    return _encode_upright(_grey_of_png(png), "PNG", largest)


def _grey_of_png(png: Png) -> Upright:
    with Image.open(io.BytesIO(png.file()), formats=("PNG",)) as image:
        image.load()
        image.info.update(png.metadata)
        orientation = orientation_of(image)
        if (png.colour, png.depth) == (GREY_ALPHA, 16):
            bands = image.split()  # Pillow knows it as colours: grey, grey, grey, alpha
            return gray(bands[0], png.profile, bands[3]), orientation
        return gray(image, png.profile, opaque_of(png, image)), orientation


def _webp(data: bytes, memory: int, largest: int) -> Picture:
    webp = read_webp(data)
    check_size(webp, len(data), memory)
    if webp.frames > 1:
        raise Reject(_ANIMATED)
    return _encode_upright(_grey_of_webp(data), "WEBP", largest, is_lossless=webp.is_lossless)


def _grey_of_webp(data: bytes) -> Upright:
    with Image.open(io.BytesIO(data), formats=("WEBP",)) as image:
        image.load()
        return gray(image, image.info.get("icc_profile")), orientation_of(image)


def _encode_upright(made: Upright, kind: str, largest: int, *, is_lossless: bool = False) -> Picture:
    picture = turn_upright(*made)
    picture.info.clear()  # Pillow would write some of it into the file
    extension, content_type = _TYPES[kind]
    data = encode(picture, kind, largest, is_lossless=is_lossless)
    return Picture(data, extension, content_type, picture.width, picture.height)


@contextmanager
def _reject_damaged(memory: int) -> Iterator[None]:
    """Turns every error of a decoder into Reject with its text: the same bytes would fail again."""
    pillows_bound, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, MAX_PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of metadata, and what is wrong with pixels is looked for here
            yield
    except Reject:
        raise
    except MemoryError as error:
        raise Reject(f"The picture needs more than {memory:,} MiB of memory.") from error
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error and more
        words = " ".join(str(error).split())[:200] if isinstance(error, OSError | SyntaxError | ValueError) else ""
        raise Reject(f"The picture cannot be turned grey: {words or 'its file is damaged'}.") from error
    finally:
        Image.MAX_IMAGE_PIXELS = pillows_bound
