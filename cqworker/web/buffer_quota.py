"""Room that requests share while they wait for their clients: bytes, and a number of holders."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cqworker.errors import CqworkerError

FAIR = 16
"""Whoever moves so many times the least rate is never sent away for a newcomer of the same owner."""


TAKEN = "There is no room for more of what is on its way. Try again in a few seconds."


class NoRoom(CqworkerError):
    """All of it is taken by others with as good a right to it, or cannot be had; its text is for the client."""


@dataclass(eq=False, slots=True)
class Claim:
    """What one request holds; `let_go` ends it when its room is needed, `progress` counts the bytes it has moved.

    Only while it `is_waiting` for its client can it be sent away.
    """

    owner: str
    let_go: Callable[[], None]
    progress: Callable[[], int]
    since: float
    is_waiting: bool = True
    size: int = 0
    has_place: bool = False
    is_over: bool = False


@dataclass(eq=False, slots=True)
class Allowance:
    """At most `limit` bytes and `places` holders. When it is used up, the owner with the most loses the slowest."""

    limit: int
    places: int
    least_rate: float
    now: Callable[[], float] = time.monotonic
    held: int = 0
    _claims: dict[Claim, None] = field(default_factory=dict)

    def claim(self, owner: str, let_go: Callable[[], None], progress: Callable[[], int]) -> Claim:
        """Somebody who holds nothing yet; `drop` has to follow."""
        claim = Claim(owner, let_go, progress, self.now())
        self._claims[claim] = None
        return claim

    def drop(self, claim: Claim) -> None:
        """It holds nothing any more."""
        if claim in self._claims:
            del self._claims[claim]
            self.held -= claim.size

    def grow(self, claim: Claim, size: int) -> None:
        """It holds so many bytes more; raises NoRoom where nobody is to make room for it."""
        if claim.is_over:
            raise NoRoom(TAKEN)
        claim.size += size
        self.held += size
        while self.held > self.limit:
            self._send_away(claim, lambda one: one.size)

    def take_place(self, claim: Claim) -> None:
        """It is one of the holders; raises NoRoom as `grow` does."""
        claim.has_place = True
        while sum(one.has_place for one in self._claims) > self.places:
            self._send_away(claim, lambda one: int(one.has_place))

    def _send_away(self, asking: Claim, share: Callable[[Claim], int]) -> None:
        held: dict[str, list[Claim]] = {}
        for one in self._claims:
            if (one.is_waiting or one is asking) and share(one):
                held.setdefault(one.owner, []).append(one)
        victim = max(max(held.values(), key=lambda theirs: sum(map(share, theirs))), key=self._lag)
        self.drop(victim)
        victim.is_over = True
        if victim is asking:
            raise NoRoom(TAKEN)
        victim.let_go()

    def _lag(self, claim: Claim) -> float:
        return (self.now() - claim.since) * self.least_rate * FAIR - claim.progress()
