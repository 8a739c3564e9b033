"""What a connection's bytes say: one answer after the other, as HTTP/1.1 frames them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

HEAD = 64 * 1024
"""Bytes that may come before an answer's body does."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a service answered, before anybody has looked at it; the headers' names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class UnreadableError(ConnectionError):
    """What came is no HTTP, or more than anybody wants to read."""


class Answers:
    """Reads answers of up to `largest` bytes; `last` says that none may follow the one just read."""

    __slots__ = ("_headed", "_headers", "_largest", "_parser", "_pieces", "_read", "_size", "last")

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._parser = HttpResponseParser(self)
        self._read: Reply | None = None
        self.last: bool = False
        self._forget()

    def feed(self, data: bytes) -> Reply | None:
        """The answer that `data` makes whole, if it does; raises UnreadableError."""
        self._size += len(data)
        if self._size > self._largest:
            raise UnreadableError("an answer larger than any that could be meant")
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self.last = True
            if self._read is None:
                raise UnreadableError(str(error)) from None
        if (reply := self._read) is not None:
            self._read = None
            return reply
        if self._size > HEAD and not self._headed:
            raise UnreadableError("headers without an end")
        return None

    def end(self) -> Reply | None:
        """The connection has ended: the answer that nothing else could end, if one had begun."""
        framed = "content-length" in self._headers or "transfer-encoding" in self._headers
        return self._whole() if self._headed and not framed else None

    def close(self) -> None:
        """Lets go of the parser, which holds on to its reader."""
        del self._parser

    def on_message_begin(self) -> None:
        """More than was asked for: its connection is not to be trusted any longer."""
        self.last = self.last or self._read is not None

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which replaces none."""
        self._headers.setdefault(_known(name), value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        """The body comes next; the parser passes on what this raises."""
        self._headed = True
        if int(self._headers.get("content-length", 0)) > self._largest:
            raise UnreadableError

    def on_body(self, piece: bytes) -> None:
        """Some of the body."""
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """An answer is whole, unless it was one of those that only announce it (1xx)."""
        if self._read is None and self._parser.get_status_code() >= 200:
            self._read = self._whole()
            self.last = not self._parser.should_keep_alive()
        self._forget()

    def _whole(self) -> Reply:
        return Reply(self._parser.get_status_code(), self._headers, b"".join(self._pieces))

    def _forget(self) -> None:
        self._headers: dict[str, str] = {}
        self._pieces: list[bytes] = []
        self._size = 0
        self._headed = False


@lru_cache(maxsize=64)
def _known(name: bytes) -> str:
    return name.decode("latin-1").lower()
