"""From a connection's bytes to responses, one after the other, as HTTP/1.1 frames them (RFC 9112)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

MAX_HEAD_BYTES = 64 * 1024
"""Bytes of a status line and headers; those of AWS take a few hundred."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What a service answered, before anybody has looked at it; the headers' names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class UnreadableResponseError(ConnectionError):
    """What came is no HTTP, or longer than any answer may be."""


class ResponseParser:
    """Reads responses of up to `max_bytes`; `is_last` says that none may follow the one just read."""

    __slots__ = ("_has_head", "_headers", "_max_bytes", "_parsed", "_parser", "_pieces", "_size", "is_last")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._parser = HttpResponseParser(self)
        self._parsed: HttpResponse | None = None
        self.is_last: bool = False
        self._reset()

    def feed(self, data: bytes) -> HttpResponse | None:
        """The response that `data` completes, None while one is incomplete; raises UnreadableResponseError."""
        self._size += len(data)
        if self._size > self._max_bytes:
            raise UnreadableResponseError("an answer larger than any that could be meant")
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self.is_last = True
            if self._parsed is None:
                raise UnreadableResponseError(str(error)) from None
        if (response := self._parsed) is not None:
            self._parsed = None
            return response
        if self._size > MAX_HEAD_BYTES and not self._has_head:
            raise UnreadableResponseError("headers without an end")
        return None

    def end(self) -> HttpResponse | None:
        """The connection has ended: so has a response without a length, if one had begun."""
        framed = "content-length" in self._headers or "transfer-encoding" in self._headers
        return self._to_response() if self._has_head and not framed else None

    def close(self) -> None:
        """Lets go of the parser, which holds on to its reader."""
        del self._parser

    def on_message_begin(self) -> None:
        """More than was asked for: its connection is not to be trusted any longer."""
        self.is_last = self.is_last or self._parsed is not None

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which replaces none."""
        self._headers.setdefault(_header_name(name), value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        """The body comes next; the parser passes on what this raises."""
        self._has_head = True
        if int(self._headers.get("content-length", 0)) > self._max_bytes:
            raise UnreadableResponseError

    def on_body(self, piece: bytes) -> None:
        """Some of the body."""
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """An answer is whole, unless it was one of those that only announce it (1xx)."""
        if self._parsed is None and self._parser.get_status_code() >= 200:
            self._parsed = self._to_response()
            self.is_last = not self._parser.should_keep_alive()
        self._reset()

    def _to_response(self) -> HttpResponse:
        return HttpResponse(self._parser.get_status_code(), self._headers, b"".join(self._pieces))

    def _reset(self) -> None:
        self._headers: dict[str, str] = {}
        self._pieces: list[bytes] = []
        self._size = 0
        self._has_head = False


@lru_cache(maxsize=64)
def _header_name(name: bytes) -> str:
    return name.decode("latin-1").lower()
