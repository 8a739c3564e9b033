"""The bytes, and the number of files, that requests share while they wait for their clients."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cqworker.errors import CqworkerError

FAST_FACTOR = 16
"""Times the least rate at which a request moves that is never ended for a newcomer of the same owner."""
QUOTA_FULL = "There is no room for more of what is on its way. Try again in a few seconds."


class BufferFull(CqworkerError):
    """The quota is used by requests with as good a right to it, or a disk is full; the text is for the client."""


@dataclass(eq=False, slots=True)
class BufferClaim:
    """What one request holds: `size` bytes, and a file where it `has_place`.

    `release` ends the request when its room is needed, which happens only while it `is_waiting` for its client.
    `progress` counts the bytes that it has moved after `since` (monotonic seconds).
    """

    owner: str
    release: Callable[[], None]
    progress: Callable[[], int]
    since: float
    is_waiting: bool = True
    size: int = 0
    has_place: bool = False
    is_over: bool = False


@dataclass(eq=False, slots=True)
class BufferQuota:
    """At most `limit` bytes and `places` files; when it is used up, the owner of the most loses the slowest request."""

    limit: int
    places: int
    least_rate: float
    now: Callable[[], float] = time.monotonic
    held: int = 0
    _claims: dict[BufferClaim, None] = field(default_factory=dict)

    def claim(self, owner: str, release: Callable[[], None], progress: Callable[[], int]) -> BufferClaim:
        """A claim that holds nothing yet; `drop` has to follow."""
        claim = BufferClaim(owner, release, progress, self.now())
        self._claims[claim] = None
        return claim

    def drop(self, claim: BufferClaim) -> None:
        """Gives back what it holds."""
        if claim in self._claims:
            del self._claims[claim]
            self.held -= claim.size

    def grow(self, claim: BufferClaim, size: int) -> None:
        """Adds `size` bytes to what it holds. Raises BufferFull where no other request has to make room for it."""
        if claim.is_over:
            raise BufferFull(QUOTA_FULL)
        claim.size += size
        self.held += size
        while self.held > self.limit:
            self._evict(claim, lambda one: one.size)

    def take_place(self, claim: BufferClaim) -> None:
        """Counts one file for it. Raises BufferFull as `grow` does."""
        claim.has_place = True
        while sum(one.has_place for one in self._claims) > self.places:
            self._evict(claim, lambda one: int(one.has_place))

    def _evict(self, asking: BufferClaim, share: Callable[[BufferClaim], int]) -> None:
        held: dict[str, list[BufferClaim]] = {}
        for one in self._claims:
            if (one.is_waiting or one is asking) and share(one):
                held.setdefault(one.owner, []).append(one)
        victim = max(max(held.values(), key=lambda theirs: sum(map(share, theirs))), key=self._lag)
        self.drop(victim)
        victim.is_over = True
        if victim is asking:
            raise BufferFull(QUOTA_FULL)
        victim.release()

    def _lag(self, claim: BufferClaim) -> float:
        return (self.now() - claim.since) * self.least_rate * FAST_FACTOR - claim.progress()
