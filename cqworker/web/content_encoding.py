"""Undoes the Content-Encoding of a body, piece by piece: a small body can stand for one that fills the memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

from aiohttp import hdrs
from multidict import CIMultiDictProxy

from cqworker.web.problems import Problem, ProblemKind

PIECE = 65_536
"""Bytes that are decoded at once: less than a millisecond's work."""
UNDERSTOOD = "gzip, deflate"
SMALLEST_MEMBER = 512
"""Bytes that each member of a gzip stream has to have on average, beyond the first MEMBERS: each costs a new start."""
MEMBERS = 64
"""Members of a gzip stream that may be as small as they like."""
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class Decoder(Protocol):
    """Gives back what was encoded. Both methods raise Problem 400 where the encoding is broken."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What comes of the next bytes."""
        ...

    def end(self) -> None:
        """Nothing more comes."""
        ...


class Identity:
    """The decoder of a body that is not encoded."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        yield data

    def end(self) -> None:
        return


class Deflated:
    """gzip (RFC 1952), of one member or more, and what is called deflate: zlib (RFC 1950) or without its frame."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._window = _WINDOWS[coding]
        self._inflater = zlib.decompressobj(self._window)
        self._members = 0
        self._inflated = 0
        self._has_begun = False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        if not self._has_begun and data:
            self._has_begun = True
            if self._coding == "deflate" and data[0] & 0x0F != 8:  # zlib's method; some send the bare stream
                self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        while data:
            if self._inflater.eof:
                self._begin_member()
            try:
                piece = self._inflater.decompress(data, PIECE)
            except zlib.error:
                raise self._broken() from None
            self._inflated += len(piece)
            data = self._inflater.unused_data or self._inflater.unconsumed_tail
            yield piece
        if not self._inflater.eof:
            yield from self._rest()

    def end(self) -> None:
        if self._has_begun and not self._inflater.eof:
            raise self._broken()

    def _rest(self) -> Iterator[bytes]:
        """What zlib has taken and keeps back."""
        while piece := self._inflater.decompress(b"", PIECE):
            self._inflated += len(piece)
            yield piece

    def _begin_member(self) -> None:
        self._members += 1
        if self._coding == "deflate" or self._members > MEMBERS + self._inflated // SMALLEST_MEMBER:
            raise self._broken()
        self._inflater = zlib.decompressobj(self._window)

    def _broken(self) -> Problem:
        return Problem(ProblemKind.MALFORMED, f"The body is not what its Content-Encoding says: {self._coding}.")


def decoder_of(headers: CIMultiDictProxy[str]) -> Decoder:
    """The decoder of the encoding that the headers name. Raises Problem 415 for one that is not known."""
    encodings = ",".join(headers.getall(hdrs.CONTENT_ENCODING, [])).lower()
    codings = [coding for part in encodings.split(",") if (coding := part.strip(" \t")) not in ("", "identity")]
    if not codings:
        return Identity()
    if len(codings) == 1 and codings[0] in _WINDOWS:
        return Deflated(codings[0])
    detail = "Send the body as it is, without Content-Encoding, or with one of these: gzip, deflate."
    raise Problem(ProblemKind.MEDIA_TYPE, detail, headers={hdrs.ACCEPT_ENCODING: UNDERSTOOD})
