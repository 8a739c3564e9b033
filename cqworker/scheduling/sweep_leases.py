"""Who of a fleet sweeps which shard of the index of due jobs: a division of work, for two who sweep do no harm."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection

from cqworker.clock import Clock
from cqworker.model.record import SHARDS
from cqworker.ports.schedule import Schedule, SweepLease

LEASE_MS = 150_000
"""Milliseconds that a lease lasts: a holder that dies is followed within four minutes, and the horizon is fifteen."""
RENEW_MS = 60_000
"""Milliseconds after which a lease is renewed, so that two renewals may fail."""
RENEW_LIMITS_MS = 110_000
"""The same of the lease of limits: one may fail, and a fleet at rest asks the table half as often."""
LOOK_MS = 60_000
"""Milliseconds between two looks at who holds what, before chance takes or adds up to half of it."""
FOLLOW_MS = 120_000
"""Milliseconds for which one on whom a lease ran out, for it could not finish, leaves all to others: each looks within
them."""
ALL_SHARDS = tuple(str(shard) for shard in range(SHARDS))
LIMITS = "limits"
"""The lease of who looks at the limits: of a name of its own, for older daemons sweep shards and know no limits."""
LEAST_SHARE = 2
"""Shards that a daemon may have in a fleet of any size: one for each, and one of somebody who is gone."""


async def count_unknown() -> int:
    """Where there is no registry of the fleet: only those who hold a lease are known to be alive."""
    return 0


class SweepLeases:
    """The shards that this process (`holder`) sweeps; `chance` (0 to 1) keeps a fleet from looking all at once.

    `count_live` says how many daemons are alive; it is asked only where shards are to be had, or to be shared.
    """

    def __init__(
        self,
        schedule: Schedule,
        clock: Clock,
        holder: str,
        chance: Callable[[], float] = random.random,
        count_live: Callable[[], Awaitable[int]] = count_unknown,
    ) -> None:
        self._schedule = schedule
        self._clock = clock
        self._holder = holder
        self._chance = chance
        self._count_live = count_live
        self._look_at = 0
        self._until: dict[str, int] = {}
        self._unfinished: set[str] = set()
        self._offered: set[str] = set()
        self._left: set[str] = set()

    @property
    def shards(self) -> tuple[str, ...]:
        """What is ours to sweep now."""
        return tuple(sorted({*self._held(self._clock.now())} | self._offered))

    @property
    def has_limits(self) -> bool:
        """Whether the sweep of limits is ours now."""
        return self._until.get(LIMITS, 0) > self._clock.now()

    async def look(self) -> None:
        """Takes what nobody holds, now and then, and offers what is more than a share. Raises Unavailable.

        The lease of limits is beside all shares.

        A share is a fleet's shards by its daemons, and one. Whoever has all of them, and is alone, need not look at
        who else does. What ran out, and what was free a look ago and still is, is swept beyond any share, and stays
        free for others: somebody who counts does not sweep.

        Takes nothing while a sweep of its own has not finished, until long after that lease ran out: who sees no shard
        to its end would keep one after the other from those who do.
        """
        now = self._clock.now()
        self._unfinished = {shard for shard in self._unfinished if self._until.get(shard, 0) + FOLLOW_MS >= now}
        if now < self._look_at or self._unfinished:
            return
        self._look_at = now + round(LOOK_MS * (0.5 + self._chance()))
        has_all = len(self.shards) == SHARDS and not self._offered and self.has_limits
        if has_all and await self._count_live() == 1:
            return
        known = {lease.shard: lease for lease in await self._schedule.sweep_leases()}
        limits = known.pop(LIMITS, None)
        if not self.has_limits and (limits is None or limits.until < now or limits.holder == self._holder):
            await self._take(LIMITS)
        others = {shard for shard, lease in known.items() if lease.until >= now and lease.holder != self._holder}
        self._offered -= others
        held = self._held(now)
        free = [shard for shard in ALL_SHARDS if shard not in held and shard not in others]
        left = {shard for shard in free if shard in self._left or shard in known}
        self._left = set(free)
        if not free and len(self.shards) <= LEAST_SHARE:
            return
        holders = {known[shard].holder for shard in others} | {self._holder}
        share = -(-SHARDS // max(len(holders), await self._count_live())) + 1
        for shard in free:
            if len(self._held(now)) < share:
                await self._take(shard)
            elif shard in left:
                self._offered.add(shard)
        await self._offer(self._held(now)[share:])

    async def _offer(self, shards: Collection[str]) -> None:
        """Lets others take these; until somebody does they are swept here, so that none is left for a minute."""
        for shard in shards:
            await self._schedule.give_up_sweep_lease(shard, self._holder)
            self._until.pop(shard, None)
            self._offered.add(shard)

    def _held(self, now: int) -> list[str]:
        return sorted(shard for shard, until in self._until.items() if until > now and shard != LIMITS)

    def note_unfinished(self, shard: str) -> None:
        """A sweep of it did not come to the end of its range."""
        self._unfinished.add(shard)

    async def renew(self, shard: str) -> None:
        """After a sweep that came to the end of its range: it stays ours. Raises Unavailable."""
        self._unfinished.discard(shard)
        left = LEASE_MS - (RENEW_LIMITS_MS if shard == LIMITS else RENEW_MS)
        if shard not in self._offered and self._until.get(shard, 0) - self._clock.now() <= left:
            await self._take(shard)

    async def give_up_all(self) -> None:
        """Lets every shard go, for others to take at once. Raises Unavailable."""
        self._offered.clear()
        shards = list(self._until)
        self._until.clear()
        given = (self._schedule.give_up_sweep_lease(shard, self._holder) for shard in shards)
        for failure in await asyncio.gather(*given, return_exceptions=True):
            if isinstance(failure, BaseException):
                raise failure

    async def _take(self, shard: str) -> None:
        now = self._clock.now()
        lease = SweepLease(shard, self._holder, now + LEASE_MS)
        if await self._schedule.take_sweep_lease(lease, now):
            self._until[shard] = lease.until
            self._offered.discard(shard)
        else:
            self._until.pop(shard, None)
