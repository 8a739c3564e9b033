"""The index of due jobs: what the records say, a moment late."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cqworker.model.record import JobRecord
from cqworker.ports.schedule import DueEntry, SweepLease
from tests.simulation.store_service import StoreService


class IndexService:
    """Answers from the table's records."""

    def __init__(self, store: StoreService) -> None:
        self._store = store
        self._leases: dict[str, SweepLease] = {}

    def is_ready(self) -> bool:
        return True

    def due(
        self, shard: str, until: int, limit: int, after: DueEntry | None
    ) -> tuple[Sequence[DueEntry], DueEntry | None]:
        entries = sorted(
            DueEntry(record.scheduled_at, record.job_id)
            for record in self._store.records.values()
            if record.due == shard and record.scheduled_at is not None and record.scheduled_at <= until
        )
        found = [entry for entry in entries if after is None or entry > after]
        return found[:limit], found[limit - 1] if len(found) > limit else None

    def read_many(self, job_ids: Collection[str]) -> Sequence[JobRecord]:
        return [record for job_id in job_ids if (record := self._store.get(job_id)) is not None]

    def sweep_leases(self) -> Sequence[SweepLease]:
        return list(self._leases.values())

    def take(self, lease: SweepLease, now: int) -> bool:
        held = self._leases.get(lease.shard)
        if held is not None and held.holder != lease.holder and held.until >= now:
            return False
        self._leases[lease.shard] = lease
        return True

    def give_up(self, shard: str, holder: str) -> None:
        if (held := self._leases.get(shard)) is not None and held.holder == holder:
            del self._leases[shard]
