"""Counts what a client sends around its bodies: heads, chunk sizes and their extensions, trailers."""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import StreamReader

from cqworker.web.problems import Problem, ProblemKind

MAX_HEAD = 65_536
"""Bytes of a request's head: llhttp bounds its lines and their number, which make a megabyte together."""
MAX_FRAMING = 16_384
"""Bytes of chunk extensions and trailers that a body may have."""
CHUNK_OVERHEAD = 5
"""Bytes around a chunk of one byte (RFC 9112, section 7.1), for which no client is refused."""
PORTION = 8192
"""Bytes that are parsed at once where something has to be counted."""


class FramingOverhead:
    """What came of the request that is being read, beside its body."""

    def __init__(self) -> None:
        self._head = 0
        self._overhead = 0
        self._body: StreamReader | None = None
        self._is_chunked = False

    @property
    def body(self) -> StreamReader | None:
        """The body that is on its way; None where a head is, or nothing."""
        return self._body if self._body is not None and not self._body.is_eof() else None

    @property
    def is_in_head(self) -> bool:
        """Whether a head has begun."""
        return self._head > 0

    def portions(self, data: bytes) -> Iterator[bytes]:
        """The data in pieces small enough to count by."""
        while len(data) > PORTION and (self.body is None or self._is_chunked):
            yield data[:PORTION]
            data = data[PORTION:]
        yield data

    def begin_body(self, body: StreamReader, is_chunked: bool) -> None:
        """Begins a request, whose head came whole."""
        self._head = self._overhead = 0
        self._body, self._is_chunked = body, is_chunked

    def count_head(self, size: int) -> None:
        """Counts bytes that are not a whole head yet. Raises Problem 431."""
        self._head += size
        if self._head > MAX_HEAD:
            raise Problem(ProblemKind.HEADERS_TOO_LARGE, f"The head of a request may have {MAX_HEAD} bytes in all.")

    def count_overhead(self, body: StreamReader, size: int, is_read: bool) -> None:
        """Counts bytes that are not part of `body`, and judges when all that came `is_read`. Raises Problem 400."""
        self._overhead += size
        if is_read and self._overhead > MAX_FRAMING + CHUNK_OVERHEAD * body.total_bytes:
            detail = f"Chunk extensions and trailers may have {MAX_FRAMING} bytes; better send none."
            raise Problem(ProblemKind.MALFORMED, detail)
