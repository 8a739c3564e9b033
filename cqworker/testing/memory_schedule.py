"""The index of due jobs in memory: what DynamoDB's index and its items promise, without them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cqworker.errors import NotProvisioned
from cqworker.model.record import JobRecord
from cqworker.ports.schedule import DueEntry, SweepLease
from cqworker.testing.memory_ports import MemoryStore


class MemorySchedule:
    """The index over the records of `store`; `ready` is False while a table lacks it, `leases` are by shard."""

    def __init__(self, store: MemoryStore, *, ready: bool = True) -> None:
        self._store = store
        self.ready = ready
        self.leases: dict[str, SweepLease] = {}

    async def is_ready(self) -> bool:
        """As the story has it."""
        return self.ready

    async def due(
        self, shard: str, until: int, limit: int, after: DueEntry | None = None
    ) -> tuple[Sequence[DueEntry], DueEntry | None]:
        """What the records say at this moment: this index does not lag."""
        if not self.ready:
            raise NotProvisioned("This table has no index of due jobs.")
        entries = sorted(
            DueEntry(record.scheduled_at, record.job_id)
            for record in self._store.records.values()
            if record.due == shard and record.scheduled_at is not None and record.scheduled_at <= until
        )
        found = [entry for entry in entries if after is None or entry > after]
        return found[:limit], found[limit - 1] if len(found) > limit else None

    async def read_many(self, job_ids: Collection[str]) -> Sequence[JobRecord]:
        """The records that there are."""
        return [record for job_id in job_ids if (record := await self._store.get(job_id)) is not None]

    async def sweep_leases(self) -> Sequence[SweepLease]:
        """All of them."""
        return list(self.leases.values())

    async def take_sweep_lease(self, lease: SweepLease, now: int) -> bool:
        """Whether nobody else had it."""
        held = self.leases.get(lease.shard)
        if held is not None and held.holder != lease.holder and held.until >= now:
            return False
        self.leases[lease.shard] = lease
        return True

    async def give_up_sweep_lease(self, shard: str, holder: str) -> None:
        """Forgets it, where it is this holder's."""
        if (held := self.leases.get(shard)) is not None and held.holder == holder:
            del self.leases[shard]
