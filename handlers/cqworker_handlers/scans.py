"""How often a JPEG goes over its pixels: what its header does not tell, and what its decoding takes."""

from __future__ import annotations

import re

MAX_SCANS = 100
"""Scans of one picture. A progressive one has about 10, the most that known encoders try for is some 60 (libjpeg's
scan scripts, mozjpeg, jpegrescan); an empty scan costs the decoder a walk over all pixels and the file 90 bytes."""
_MARKER = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")
"""The next marker after entropy-coded data, where FF stands before 00 or a restart marker alone (ITU-T T.81, B.1.1)."""
_EOI, _SOS = 0xD9, 0xDA
_BARE = frozenset({0x01, 0xD8})
"""Markers that no length follows, beside the restarts: TEM and SOI."""


def scans_of(data: bytes, most: int = MAX_SCANS + 1) -> int:
    """How many scans a JPEG file has, up to `most`, in one pass over its markers up to the end of the image."""
    scans, place = 0, 0
    while scans < most and (found := _MARKER.search(data, place)) is not None:
        marker, place = found[1][0], found.end()
        if marker == _EOI:
            break
        scans += marker == _SOS
        if marker not in _BARE:
            place += int.from_bytes(data[place : place + 2], "big")
    return scans
