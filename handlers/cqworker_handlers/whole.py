"""Whether a JPEG file holds all of its pixels. Its decoder does not tell: it fills up with grey what is missing."""

from __future__ import annotations

import io
import zlib
from math import ceil

from PIL import Image

from cqworker_handlers.jpeg import ARITHMETIC, LOSSLESS, PROGRESSIVE, RESTART, Jpeg, Scan

STRIP = 256
"""Rows that are looked at at a time."""
_TAIL = bytes((number * 89 + 183) % 255 for number in range(256))
"""Bytes, none of them FF, behind the pixels: a decoder that has all its pixels never looks at them."""


def is_whole(jpeg: Jpeg) -> bool:
    """Whether nothing is missing but, perhaps, the marker of its end.

    libjpeg counts a warning where a scan's data are over too early, puts zeros in their place and goes on; Pillow has
    no word for that. So the file is decoded once more with other bytes behind each scan: wherever the decoder has to
    reach for them the pixels come out different.
    """
    if not _is_fully_sent(jpeg) or not _has_its_restarts(jpeg):
        return False
    # Arithmetic coding may leave out zeros at the end, so that its decoder reaches for them in good pictures, too.
    return jpeg.process in ARITHMETIC or _pixels(jpeg.file()) == _pixels(jpeg.file(_TAIL))


def _is_fully_sent(jpeg: Jpeg) -> bool:
    """Whether each component came; of a picture that has no end also each of its bits, for there might be more scans.

    One that says where it ends may have left out its last scans on purpose.
    """
    left = {plane.id: set(range(64)) for plane in jpeg.components}
    for scan in jpeg.scans:
        for plane in scan.components:
            if jpeg.process not in PROGRESSIVE:
                left.pop(plane, None)
            elif plane in left and scan.bits_left == 0:
                left[plane] -= set(range(scan.first, scan.last + 1))
    sent = {plane for scan in jpeg.scans for plane in scan.components}
    if not sent >= {plane.id for plane in jpeg.components}:
        return False
    return jpeg.has_end or not any(left.values())


def _has_its_restarts(jpeg: Jpeg) -> bool:
    """Whether no stretch between two restart markers is missing: they are numbered from 0 to 7 over and over."""
    stretches = [data for is_data, data in jpeg.pieces if is_data]
    for scan, data in zip(jpeg.scans, stretches, strict=False):
        if not scan.interval or jpeg.process == LOSSLESS:
            continue
        marks = [mark[1][0] - 0xD0 for mark in RESTART.finditer(data)]
        wanted = ceil(_units(jpeg, scan) / scan.interval) - 1
        if len(marks) < wanted or any(mark != number % 8 for number, mark in enumerate(marks)):
            return False
    return len(stretches) == len(jpeg.scans)


def _units(jpeg: Jpeg, scan: Scan) -> int:
    """How many units (MCU) the scan has: blocks of its one component, or groups of blocks of all (T.81, A.2)."""
    across = max(plane.across for plane in jpeg.components)
    down = max(plane.down for plane in jpeg.components)
    width, height = ceil(jpeg.width / (8 * across)), ceil(jpeg.height / (8 * down))
    if len(scan.components) != 1:
        return width * height
    plane = next(plane for plane in jpeg.components if plane.id == scan.components[0])
    return ceil(ceil(jpeg.width * plane.across / across) / 8) * ceil(ceil(jpeg.height * plane.down / down) / 8)


def _pixels(data: bytes) -> int:
    """A checksum of what is decoded."""
    checksum = 0
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        for top in range(0, image.height, STRIP):
            strip = image.crop((0, top, image.width, min(top + STRIP, image.height)))
            checksum = zlib.crc32(strip.tobytes(), checksum)
    return checksum
