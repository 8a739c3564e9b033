"""Which waiting lists are full: counted as seldom as how fast a list can grow allows."""

from __future__ import annotations

from collections.abc import Callable

from cqworker.clock import Clock
from cqworker.model.limits import Limit
from cqworker.ports.limits import Limits

MOST_A_SECOND = 350
"""Jobs that one key can park in a second: an entry, a mark and a refused slot, of 1,000 writes of a partition."""
MAX_COUNTED = 10_000
"""Keys whose lists' lengths are remembered: some 100 bytes each."""

LimitOf = Callable[[str], Limit | None]
"""The limit of a key that holds now; None: it is not limited."""


class FullLists:
    """Remembers how long a list was: a short one is not counted again before it can be full."""

    def __init__(self, limits: Limits, clock: Clock, limit_of: LimitOf) -> None:
        self._limits = limits
        self._clock = clock
        self._limit_of = limit_of
        self._counted: dict[str, tuple[int, float]] = {}

    async def has(self, key: str) -> bool:
        """Whether so many wait for this key as may, or more. Raises Unavailable."""
        limit, now = self._limit_of(key), self._clock.monotonic()
        if limit is None:
            return False
        most = limit.max_waiting
        count, counted_at = self._counted.pop(key, (most, now))
        if count + MOST_A_SECOND * (now - counted_at) >= most:
            count, counted_at = await self._limits.count_waiters(key, most), now
        while len(self._counted) >= MAX_COUNTED:
            del self._counted[next(iter(self._counted))]
        self._counted[key] = count, counted_at
        return count >= most
