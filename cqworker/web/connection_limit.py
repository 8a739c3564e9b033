"""Bounds the number of connections: when places run out, those make room who wait for nothing but their client."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from enum import Enum
from itertools import islice
from typing import NamedTuple, Protocol

from cqworker.settings.http_settings import LEAST_RATE, MAX_CONNECTIONS

LOOKED_AT = 16
"""Of a crowd's oldest so many are compared: who fills a thousand places must not cost a thousand looks each time."""
SETTLED = 1.0
"""Seconds after which a wait counts as one: what a client has sent already is to be read before it is judged."""


class Wait(Enum):
    """What a connection waits for that its client, or time, has to bring."""

    HEAD = "the head of a request"
    BODY = "the rest of a body"
    ANSWER = "its answer to be taken"
    END = "a job to end"


HELD_BY_REQUESTS = (Wait.BODY, Wait.ANSWER, Wait.END)


class Guest(Protocol):
    """A connection, as far as the lobby cares."""

    def progress(self) -> int:
        """Bytes that its client has sent, or taken, since it began to wait."""
        ...

    def send_away(self, wait: Wait) -> None:
        """Makes room, with an answer where one can be given; what it waits for is told once more."""
        ...

    def evict(self) -> None:
        """Closes it at once."""
        ...


class Seat(NamedTuple):
    """What a guest waits for, on whose account, and since when."""

    wait: Wait
    owner: str
    since: float


class Lobby:
    """Knows the open connections, and which of them wait for what.

    Requests have `ordinary` places. `reserve` more are for those of whom nobody knows yet what they want, for vital
    calls, and for those who are on their way out. The largest kind of wait makes room, in it the owner with the most
    places, and of theirs whoever lags most behind the least rate (`least_rate`, bytes a second).
    """

    def __init__(
        self, ordinary: int, reserve: int, least_rate: float = LEAST_RATE, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._ordinary = ordinary
        self._most = ordinary + reserve
        self.least_rate = least_rate
        self._now = now
        self._open: set[Guest] = set()
        self._leaving: dict[Guest, None] = {}  # the oldest first, as in every crowd
        self._seats: dict[Guest, Seat] = {}
        self._crowds: dict[Wait, dict[str, dict[Guest, None]]] = {wait: {} for wait in Wait}

    def __len__(self) -> int:
        return len(self._open)

    def admits(self) -> bool:
        """Whether one more may enter; makes room where that can be done."""
        if len(self._open) - len(self._leaving) >= self._ordinary:
            self._make_room(Wait, SETTLED)
        if len(self._open) < self._most:
            return True
        return self._cut() or (self._make_room(Wait, 0.0) and self._cut())

    def may_work(self) -> bool:
        """Whether there is a place for the ordinary request that just came, and is counted; makes room for it."""
        working = len(self._open) - len(self._leaving) - self.count(Wait.HEAD)
        return working <= self._ordinary or self._make_room(HELD_BY_REQUESTS, SETTLED)

    def entered(self, guest: Guest, owner: str) -> None:
        """Somebody is here; what they want is to be heard."""
        self._open.add(guest)
        self.waits(guest, Wait.HEAD, owner)

    def waits(self, guest: Guest, wait: Wait, owner: str) -> None:
        """It waits on the account of `owner`, and may be sent away."""
        self.works(guest)
        if guest in self._open and guest not in self._leaving:
            self._seats[guest] = Seat(wait, owner, self._now())
            self._crowds[wait].setdefault(owner, {})[guest] = None

    def works(self, guest: Guest) -> None:
        """It waits for nothing but us, and is not to be disturbed."""
        seat = self._seats.pop(guest, None)
        if seat is not None:
            crowd = self._crowds[seat.wait][seat.owner]
            del crowd[guest]
            if not crowd:
                del self._crowds[seat.wait][seat.owner]

    def leaves(self, guest: Guest) -> None:
        """It was told to go; until it is gone, it holds none of the ordinary places."""
        self.works(guest)
        if guest in self._open:
            self._leaving.setdefault(guest)

    def is_leaving(self, guest: Guest) -> bool:
        """Whether it was told to go."""
        return guest in self._leaving

    def left(self, guest: Guest) -> None:
        """It is gone."""
        self.works(guest)
        self._open.discard(guest)
        self._leaving.pop(guest, None)

    def count(self, wait: Wait) -> int:
        """How many wait for this."""
        return sum(map(len, self._crowds[wait].values()))

    def _make_room(self, among: Iterable[Wait], settled: float) -> bool:
        """Sends one away who has waited for so many seconds; False where there is none."""
        for wait in sorted(among, key=self.count, reverse=True):
            if (guest := self._worst(self._crowds[wait].values(), settled)) is not None:
                self.leaves(guest)
                guest.send_away(wait)
                return True
        return False

    def _worst(self, crowds: Collection[dict[Guest, None]], settled: float) -> Guest | None:
        now = self._now()
        for crowd in sorted(crowds, key=len, reverse=True):
            oldest = [guest for guest in islice(crowd, LOOKED_AT) if now - self._seats[guest].since >= settled]
            if oldest:
                return max(oldest, key=lambda guest: self._lag(guest, now))
        return None

    def _lag(self, guest: Guest, now: float) -> float:
        return (now - self._seats[guest].since) * self.least_rate - guest.progress()

    def _cut(self) -> bool:
        """Closes on whoever was told to go first."""
        guest = next(iter(self._leaving), None)
        if guest is None:
            return False
        self.left(guest)
        guest.evict()
        return True


def most_connections(wanted: int = MAX_CONNECTIONS) -> int:
    """So many, or half of the file descriptors the process may have: the rest belongs to the AWS clients."""
    import resource  # not on every platform

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if soft == resource.RLIM_INFINITY else max(8, min(wanted, soft // 2))


def reserve_of(most: int) -> int:
    """How many of so many places are kept for vital calls and for those who come and go: an eighth."""
    return max(4, most // 8)
