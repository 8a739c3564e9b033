"""Who of a fleet sweeps which shard of the index of due jobs: a division of work, for two who sweep do no harm."""

from __future__ import annotations

import random
from collections.abc import Callable

from cqworker.clock import Clock
from cqworker.model.record import SHARDS
from cqworker.ports.schedule import Schedule, SweepLease

LEASE_MS = 150_000
"""Milliseconds that a lease lasts: a holder that dies is followed within four minutes, and the horizon is fifteen."""
RENEW_MS = 60_000
"""Milliseconds after which a lease is renewed, so that two renewals may fail."""
LOOK_MS = 60_000
"""Milliseconds between two looks at who holds what, before chance takes or adds up to half of it."""
FOLLOW_MS = 120_000
"""Milliseconds for which a lease that ran out on one who could not finish is left to others: each looks within them."""
ALL_SHARDS = tuple(str(shard) for shard in range(SHARDS))


class SweepLeases:
    """The shards that this process (`holder`) sweeps; `chance` (0 to 1) keeps a fleet from looking all at once."""

    def __init__(
        self, schedule: Schedule, clock: Clock, holder: str, chance: Callable[[], float] = random.random
    ) -> None:
        self._schedule = schedule
        self._clock = clock
        self._holder = holder
        self._chance = chance
        self._look_at = 0
        self._until: dict[str, int] = {}
        self._unfinished: set[str] = set()

    @property
    def shards(self) -> tuple[str, ...]:
        """What is ours to sweep now."""
        now = self._clock.now()
        return tuple(shard for shard, until in sorted(self._until.items()) if until > now)

    async def look(self) -> None:
        """Takes what nobody holds, now and then; at most a share of the shards and one. Raises Unavailable."""
        now = self._clock.now()
        if now < self._look_at:
            return
        self._look_at = now + round(LOOK_MS * (0.5 + self._chance()))
        known = {lease.shard: lease for lease in await self._schedule.sweep_leases()}
        holders = {lease.holder for lease in known.values() if lease.until >= now} | {self._holder}
        share = -(-SHARDS // len(holders)) + 1
        for shard in ALL_SHARDS:
            is_free = self._may_be_taken(shard, known.get(shard), now)
            if is_free and shard not in self.shards and len(self.shards) < share:
                await self._take(shard)

    def note_unfinished(self, shard: str) -> None:
        """A sweep of it did not come to the end of its range: once its lease runs out, others go first."""
        self._unfinished.add(shard)

    def _may_be_taken(self, shard: str, lease: SweepLease | None, now: int) -> bool:
        if lease is None:
            return True
        if shard in self._unfinished and lease.holder == self._holder:
            return lease.until + FOLLOW_MS < now
        return lease.until < now or lease.holder == self._holder

    async def renew(self, shard: str) -> None:
        """After a sweep that came to the end of its range: it stays ours. Raises Unavailable."""
        self._unfinished.discard(shard)
        if self._until.get(shard, 0) - self._clock.now() <= LEASE_MS - RENEW_MS:
            await self._take(shard)

    async def give_up_all(self) -> None:
        """Lets every shard go, for others to take at once. Raises Unavailable."""
        while self._until:
            shard, _ = self._until.popitem()
            await self._schedule.give_up_sweep_lease(shard, self._holder)

    async def _take(self, shard: str) -> None:
        now = self._clock.now()
        lease = SweepLease(shard, self._holder, now + LEASE_MS)
        if await self._schedule.take_sweep_lease(lease, now):
            self._until[shard] = lease.until
        else:
            self._until.pop(shard, None)
