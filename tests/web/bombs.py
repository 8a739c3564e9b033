"""Little that becomes much: made in little time as well."""

from __future__ import annotations

import struct
import zlib

MB = b" " * 1_000_000


def spaces(megabytes: int) -> bytes:
    """So many MB of spaces as gzip makes them, in one member: every MB is the same bytes there (Z_FULL_FLUSH)."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    each = packer.compress(MB) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(megabytes):
        checksum = zlib.crc32(MB, checksum)
    head = b"\x1f\x8b\x08" + b"\0" * 6 + b"\xff"
    return head + each * megabytes + packer.flush() + struct.pack("<II", checksum, megabytes * len(MB))
