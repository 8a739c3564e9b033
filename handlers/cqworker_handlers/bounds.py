"""How large a picture may be: by what its kind takes of the memory that there is."""

from __future__ import annotations

import os
from pathlib import Path

from cqworker import Reject
from cqworker_handlers.jpeg import PROGRESSIVE, Jpeg
from cqworker_handlers.png import COLOURS, GREY, PALETTE, Png
from cqworker_handlers.webp import Webp

MIB = 1_048_576
MAX_PIXELS = 250_000_000
"""Pixels of any picture: the largest that phones take have 200 million, and each takes processor time, too."""
MAX_WEBP_PIXELS = 40_000_000
"""Of WebP: without loss, noise takes more than a second for a million."""
MAX_SIDE = 65_500
"""Pixels along one side: as many as JPEG can have (libjpeg's JPEG_MAX_DIMENSION)."""
MAX_WEBP_SIDE = 16_383
"""Pixels along one side of WebP: 14 bits (libwebp's WEBP_MAX_DIMENSION)."""
MAX_RATIO = 200
"""How many times longer one side may be than the other."""
MOST_MEMORY, LEAST_MEMORY = 4096, 512
"""MiB for one picture by default: at most, for the largest pictures, and at least, on the smallest machine."""
BASE_BYTES = 8 * MIB
"""Bytes for what does not grow with the picture: rows on their way, tables, buffers."""
FILE_COPIES = 3
"""How often the bytes of the file lie in memory: as they came, without metadata, and in pieces."""
_CGROUPS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_WEBP = 52
"""Bytes a pixel of WebP takes: three canvases to decode, and all that its encoder looks at."""


def memory_of_machine() -> int:
    """MiB that one picture may take: a processor's share of three quarters of the machine or of its control group."""
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return MOST_MEMORY
    for file in _CGROUPS:
        try:
            size = min(size, int(file.read_text(encoding="ascii")))
        except (OSError, ValueError):  # no such group, or no bound: "max"
            continue
    share = size * 3 // 4 // MIB // max(1, len(_processors()))
    return max(LEAST_MEMORY, min(MOST_MEMORY, share))


def check_size(picture: Jpeg | Png | Webp, size: int, memory: int) -> None:
    """Raises Reject for a picture of too many pixels, by its header alone: a small file may claim any size."""
    width, height = picture.width, picture.height
    is_webp = isinstance(picture, Webp)
    side = MAX_WEBP_SIDE if is_webp else MAX_SIDE
    room = max(0, memory * MIB - BASE_BYTES - FILE_COPIES * size)
    most = min(MAX_WEBP_PIXELS if is_webp else MAX_PIXELS, room // cost(picture))
    shape = f"The picture has {width} x {height} pixels"
    if width * height > most:
        what = f"of such a {type(picture).__name__.upper()} at most {most / 1_000_000:.4g} million are decoded"
        raise Reject(f"{shape}; {what} in {memory:,} MiB of memory.")
    if max(width, height) > min(side, MAX_RATIO * min(width, height)):
        raise Reject(f"{shape}; a side may have {side}, and be {MAX_RATIO} times as long as the other.")


def cost(picture: Jpeg | Png | Webp) -> int:
    """Bytes that one pixel takes at most, decoded, converted, turned and encoded."""
    if isinstance(picture, Webp):
        return _WEBP
    if isinstance(picture, Jpeg):
        return _cost_of_jpeg(picture)
    turned = 2 if picture.metadata else 1
    is_flat = picture.colour in (GREY, PALETTE)
    decoded = (2 if picture.depth == 16 else 1) if is_flat else 4
    if picture.clear is None and (picture.opacities is None if is_flat else picture.colour == COLOURS):
        return decoded + turned
    masks = 8 if picture.clear else 1
    return decoded + masks + 4 * turned + (4 if picture.colour == COLOURS and picture.depth == 16 else 0)


def _cost_of_jpeg(jpeg: Jpeg) -> int:
    """Where a picture comes in several scans, the decoder keeps all coefficients, of two bytes each."""
    across = max(plane.across for plane in jpeg.components)
    down = max(plane.down for plane in jpeg.components)
    blocks = sum(plane.across * plane.down for plane in jpeg.components) / (across * down)
    kept = 2 * blocks if jpeg.process in PROGRESSIVE or len(jpeg.scans) > 1 else 0
    decoded = 1 if len(jpeg.components) == 1 else 4
    return int(kept + decoded + (2 if jpeg.metadata else 1) + 1)


def _processors() -> set[int]:
    try:
        return os.sched_getaffinity(0)
    except AttributeError:  # Linux alone
        return set(range(os.cpu_count() or 1))
