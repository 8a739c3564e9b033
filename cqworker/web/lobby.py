"""Bounds the number of connections: when it is reached, whoever has been silent longest makes room."""

from __future__ import annotations

import asyncio
import resource
from typing import Protocol, cast

MOST = 1000


class Guest(Protocol):
    """A connection, as far as the lobby cares."""

    def evict(self) -> None:
        """Closes it at once."""
        ...


class Lobby:
    """Knows the open connections, and which of them are between two requests."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: set[Guest] = set()
        self._silent: dict[Guest, None] = {}  # in the order in which they fell silent

    def entered(self, guest: Guest) -> None:
        self._open.add(guest)
        self._silent[guest] = None

    def is_served(self, guest: Guest) -> None:
        """It has sent a whole request's head and is not to be disturbed."""
        self._silent.pop(guest, None)

    def was_served(self, guest: Guest) -> None:
        if guest in self._open:
            self._silent[guest] = None

    def left(self, guest: Guest) -> None:
        self._open.discard(guest)
        self._silent.pop(guest, None)

    def has_room(self) -> bool:
        """Whether one more may enter; sends a silent one away where that helps."""
        if len(self._open) < self._limit:
            return True
        oldest = next(iter(self._silent), None)
        if oldest is None:
            return False
        self.left(oldest)
        oldest.evict()
        return True


class Apology(asyncio.Protocol):
    """The connection of somebody who cannot be served now: is told so and closed."""

    TEXT = (
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 5\r\n"
        b"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
        b'{"type":"urn:cqworker:problem:crowded","title":"Too many requests at once","status":503,'
        b'"detail":"Every connection is busy. Try again in a few seconds."}'
    )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        pipe = cast(asyncio.WriteTransport, transport)
        pipe.write(self.TEXT)
        pipe.close()


def most_connections() -> int:
    """A thousand, or half of the file descriptors the process may have: the rest belongs to the AWS clients."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if soft == resource.RLIM_INFINITY else max(8, min(MOST, soft // 2))
