"""The port of time: the index of jobs whose message is sent when they are due, and the leases of those who sweep it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from msgspec import Struct

from cqworker.field_docs import document_fields
from cqworker.model.record import JobRecord


@document_fields(
    job_id="The job.",
    scheduled_at="When it is due (epoch ms).",
)
class DueEntry(Struct, frozen=True, order=True):
    """What the index says of one job; its record, read consistently, says whether that is still so."""

    scheduled_at: int
    job_id: str


@document_fields(
    shard="The shard of the index.",
    holder="Who sweeps it, or nothing.",
    until="Until when (epoch ms).",
)
class SweepLease(Struct, frozen=True):
    """Who sweeps one shard of the index, until when (epoch ms): it saves work, for two holders do no harm."""

    shard: str
    holder: str
    until: int


class Schedule(Protocol):
    """The index of due jobs. Every method raises Unavailable.

    An index that is missing, or being filled, is no failure of its service: `due` raises NotProvisioned then.
    """

    async def is_ready(self) -> bool:
        """Whether the index is there and whole; False while it is missing or being filled."""
        ...

    async def due(
        self, shard: str, until: int, limit: int, after: DueEntry | None = None
    ) -> tuple[Sequence[DueEntry], DueEntry | None]:
        """The first `limit` jobs of a shard that are due by `until` (epoch ms), the earliest first, and where to go on.

        The second is None at the end of the range. `after` is what an earlier answer ended with. The index lags behind
        the records: it may name jobs that left it, and not name yet what has just come. Raises NotProvisioned where the
        index is not ready (any more).
        """
        ...

    async def read_many(self, job_ids: Collection[str]) -> Sequence[JobRecord]:
        """The records of at most 100 jobs, read consistently, in no order; who has none, or one too old, is left out.

        One that this version cannot read is left out, too. Raises Unavailable where the store says nothing of some:
        who is told of none of these would take a job that waits for one that is gone.
        """
        ...

    async def sweep_leases(self) -> Sequence[SweepLease]:
        """The leases that anybody ever took, of every shard, read consistently."""
        ...

    async def take_sweep_lease(self, lease: SweepLease, now: int) -> bool:
        """Whether the shard is this holder's until then: nobody else held it, or no longer at `now` (epoch ms)."""
        ...

    async def give_up_sweep_lease(self, shard: str, holder: str) -> None:
        """Lets the shard go at once, where this holder has it."""
        ...
