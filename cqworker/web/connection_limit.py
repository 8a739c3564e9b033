"""Bounds the number of connections: when places run out, those are closed that only wait for their client."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from enum import Enum
from itertools import islice
from typing import NamedTuple, Protocol

from cqworker.settings.http_settings import LEAST_RATE, MAX_CONNECTIONS

MAX_COMPARED = 16
"""Connections of one owner that are compared, the oldest: an owner of a thousand must not cost a thousand each time."""
MIN_WAIT = 1.0
"""Seconds that a connection has waited before it may be closed: what its client sent already is read first."""


class Wait(Enum):
    """What a connection waits for, which its client or time has to bring."""

    HEAD = "the head of a request"
    BODY = "the rest of a body"
    ANSWER = "its answer to be taken"
    END = "a job to end"


HELD_BY_REQUESTS = (Wait.BODY, Wait.ANSWER, Wait.END)
"""The waits of connections whose request has come, which holds a place."""


class LimitedConnection(Protocol):
    """A connection, as far as the limit uses it."""

    def progress(self) -> int:
        """Bytes that its client has sent, or taken, since it began to wait."""
        ...

    def ask_to_leave(self, wait: Wait) -> None:
        """Closes, with an answer where one can still be given; `wait` is what it waits for."""
        ...

    def evict(self) -> None:
        """Closes it at once."""
        ...


class WaitState(NamedTuple):
    """What a connection waits for, whose quota it uses, and since when (monotonic seconds)."""

    wait: Wait
    owner: str
    since: float


class ConnectionLimit:
    """Knows the open connections and what each of them waits for, and closes some when places run out.

    Requests have `ordinary` places. `reserve` more are for connections whose request is not read yet, for health checks
    and for connections that are being closed. The most frequent kind of wait makes room; of that kind the owner with
    the most places; of theirs the connection that lags most behind `least_rate` (bytes a second).
    """

    def __init__(
        self, ordinary: int, reserve: int, least_rate: float = LEAST_RATE, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._ordinary = ordinary
        self._most = ordinary + reserve
        self.least_rate = least_rate
        self._now = now
        self._open: set[LimitedConnection] = set()
        self._leaving: dict[LimitedConnection, None] = {}  # the oldest first, as in every group
        self._waiting: dict[LimitedConnection, WaitState] = {}
        self._groups: dict[Wait, dict[str, dict[LimitedConnection, None]]] = {wait: {} for wait in Wait}

    def __len__(self) -> int:
        return len(self._open)

    def admit(self) -> bool:
        """Whether there is a place for one more connection; closes another one for it where that is possible."""
        if len(self._open) - len(self._leaving) >= self._ordinary:
            self._make_room(Wait, MIN_WAIT)
        if len(self._open) < self._most:
            return True
        return self._close_oldest_leaving() or (self._make_room(Wait, 0.0) and self._close_oldest_leaving())

    def may_serve(self) -> bool:
        """Whether there is a place for the request that just came and is counted already; makes room where possible."""
        working = len(self._open) - len(self._leaving) - self.count(Wait.HEAD)
        return working <= self._ordinary or self._make_room(HELD_BY_REQUESTS, MIN_WAIT)

    def add(self, connection: LimitedConnection, owner: str) -> None:
        """Adds a connection, which waits for a head."""
        self._open.add(connection)
        self.mark_waiting(connection, Wait.HEAD, owner)

    def mark_waiting(self, connection: LimitedConnection, wait: Wait, owner: str) -> None:
        """Notes that it waits, on the quota of `owner`, and may be closed."""
        self.mark_busy(connection)
        if connection in self._open and connection not in self._leaving:
            self._waiting[connection] = WaitState(wait, owner, self._now())
            self._groups[wait].setdefault(owner, {})[connection] = None

    def mark_busy(self, connection: LimitedConnection) -> None:
        """Notes that it waits for the daemon alone, and may not be closed."""
        waiting = self._waiting.pop(connection, None)
        if waiting is not None:
            group = self._groups[waiting.wait][waiting.owner]
            del group[connection]
            if not group:
                del self._groups[waiting.wait][waiting.owner]

    def mark_leaving(self, connection: LimitedConnection) -> None:
        """Notes that it is being closed; it holds none of the ordinary places any more."""
        self.mark_busy(connection)
        if connection in self._open:
            self._leaving.setdefault(connection)

    def is_leaving(self, connection: LimitedConnection) -> bool:
        """Whether it is being closed."""
        return connection in self._leaving

    def remove(self, connection: LimitedConnection) -> None:
        """Removes a connection that is closed."""
        self.mark_busy(connection)
        self._open.discard(connection)
        self._leaving.pop(connection, None)

    def count(self, wait: Wait) -> int:
        """The number of connections that wait for this."""
        return sum(map(len, self._groups[wait].values()))

    def _make_room(self, among: Iterable[Wait], settled: float) -> bool:
        """Asks one to leave that has waited for `settled` seconds; False where there is none."""
        for wait in sorted(among, key=self.count, reverse=True):
            if (connection := self._slowest(self._groups[wait].values(), settled)) is not None:
                self.mark_leaving(connection)
                connection.ask_to_leave(wait)
                return True
        return False

    def _slowest(self, groups: Collection[dict[LimitedConnection, None]], settled: float) -> LimitedConnection | None:
        now = self._now()
        for group in sorted(groups, key=len, reverse=True):
            oldest = [
                connection
                for connection in islice(group, MAX_COMPARED)
                if now - self._waiting[connection].since >= settled
            ]
            if oldest:
                return max(oldest, key=lambda one: self._lag(one, now))
        return None

    def _lag(self, connection: LimitedConnection, now: float) -> float:
        return (now - self._waiting[connection].since) * self.least_rate - connection.progress()

    def _close_oldest_leaving(self) -> bool:
        """Closes the connection that was asked to leave first; False where there is none."""
        connection = next(iter(self._leaving), None)
        if connection is None:
            return False
        self.remove(connection)
        connection.evict()
        return True


def most_connections(wanted: int = MAX_CONNECTIONS) -> int:
    """The wanted number, or half of the file descriptors of this process: the other half is for the AWS clients."""
    import resource  # not on every platform

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if soft == resource.RLIM_INFINITY else max(8, min(wanted, soft // 2))


def reserve_of(most: int) -> int:
    """How many of these places are kept for health checks and for connections without a request: an eighth."""
    return max(4, most // 8)
