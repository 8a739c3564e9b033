"""The index of due jobs: what the records said a while ago, and who sweeps it."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Collection, Sequence

from cqworker.model.record import JobRecord
from cqworker.ports.schedule import DueEntry, SweepLease
from tests.simulation.profile import Profile
from tests.simulation.store_service import Applied, StoreService

Place = tuple[str, int]
"""Where in the index a job stands: its shard, and when it is due (epoch ms)."""


class IndexService:
    """As a global secondary index does it: each write of a record shows after a while of its own, in their order.

    `harms` draws whether a fault strikes.
    """

    def __init__(
        self, store: StoreService, now: Callable[[], float], profile: Profile, harms: Callable[[str, str], bool]
    ) -> None:
        self.is_there = True
        self._store = store
        self._now = now
        self._lag = profile.lag
        self._chance = profile.stream("index")
        self._harms = harms
        self._leases: dict[str, SweepLease] = {}
        self._places: dict[str, Place] = {}
        self._written: dict[str, Place | None] = {}
        self._visible_at: dict[str, float] = {}
        self._coming: list[tuple[float, int, str, Place | None]] = []
        self._order = itertools.count()

    def clear(self) -> None:
        """From here on every write shows at once, but for what is on its way."""
        self._lag = 0.0
        self.make_again()

    def applied(self, write: Applied) -> None:
        """A record changed."""
        self._follow(write.after)

    def delete(self) -> None:
        """Somebody deletes the index."""
        self.is_there = False

    def make_again(self) -> None:
        """It is there once more, filled from the records."""
        if self.is_there:
            return
        self.is_there = True
        self._places.clear()
        self._coming.clear()
        self._written.clear()
        for record in self._store.records.values():
            self._follow(record)

    def is_ready(self) -> bool:
        return self.is_there

    def due(
        self, shard: str, until: int, limit: int, after: DueEntry | None
    ) -> tuple[Sequence[DueEntry], DueEntry | None] | None:
        """None where there is no index."""
        if not self.is_there:
            return None
        self._catch_up()
        entries = sorted(
            DueEntry(at, job_id) for job_id, (where, at) in self._places.items() if where == shard and at <= until
        )
        found = [entry for entry in entries if after is None or entry > after]
        return found[:limit], found[limit - 1] if len(found) > limit else None

    def read_many(self, job_ids: Collection[str]) -> Sequence[JobRecord]:
        return [record for job_id in job_ids if (record := self._store.get(job_id)) is not None]

    def sweep_leases(self) -> Sequence[SweepLease]:
        return list(self._leases.values())

    def take(self, lease: SweepLease, now: int) -> bool:
        held = self._leases.get(lease.shard)
        is_free = held is None or held.holder == lease.holder or held.until < now
        if not is_free and not self._harms("two holders", lease.holder):
            return False
        self._leases[lease.shard] = lease
        return True

    def give_up(self, shard: str, holder: str) -> None:
        if (held := self._leases.get(shard)) is not None and held.holder == holder:
            del self._leases[shard]

    def _follow(self, record: JobRecord) -> None:
        place = (record.due, record.scheduled_at) if record.due and record.scheduled_at is not None else None
        job_id = record.job_id
        if self._written.get(job_id) == place:
            return
        self._written[job_id] = place
        late = self._chance.uniform(0, self._lag) if self._lag else 0.0
        visible_at = max(self._visible_at.get(job_id, 0.0), self._now() + late)
        self._visible_at[job_id] = visible_at
        heapq.heappush(self._coming, (visible_at, next(self._order), job_id, place))

    def _catch_up(self) -> None:
        now = self._now()
        while self._coming and self._coming[0][0] <= now:
            _, _, job_id, place = heapq.heappop(self._coming)
            if place is None:
                self._places.pop(job_id, None)
            else:
                self._places[job_id] = place
        for job_id in [one for one in self._places if one not in self._store.records]:
            del self._places[job_id]  # deleted by TTL
