"""Which partitions of which index a list is made of, in the order in which they are read."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, timedelta

from msgspec import Struct

from cqworker.errors import ListingRefused
from cqworker.field_docs import document_fields
from cqworker.jobs.list_ask import MAX_TIME, ListAsk
from cqworker.jobs.list_cursor import NOT_OURS
from cqworker.model.record import SHARDS
from cqworker.model.retention import DAY_SECONDS
from cqworker.model.status import Status
from cqworker.ports.listing import IndexPart, JobIndex

DAY_MS = DAY_SECONDS * 1000
SKEW_MS = 60_000
"""Milliseconds by which the clock of whoever ended a job may be ahead of ours."""
LONGEST_WAIT_DAYS = 366
"""Days that a job may wait before it runs: it was submitted so long before its record's retention begins."""


@document_fields(
    index="The index.",
    partition="What its partitions' keys begin with.",
    first="The earliest time (epoch ms).",
    last="The latest time (epoch ms).",
)
class ListPlan(Struct, frozen=True):
    """What has to be read for a list: each step is eight partitions, one a shard."""

    index: JobIndex
    partition: str
    first: int
    last: int

    def steps(self, begin: str | None = None) -> Iterator[str]:
        """The steps in their order, from `begin` on. Raises ListingRefused where that is none of them."""
        if self.index is JobIndex.DUE:
            if begin:  # its one step has no name
                raise ListingRefused(NOT_OURS)
            yield ""
            return
        oldest, day = _date(self.first), _date(self.last)
        if begin is not None:
            day = _date_from(begin, day)
        while day >= oldest:
            yield day.isoformat()
            if day == date.min:
                return
            day -= timedelta(days=1)

    def parts(self, step: str) -> tuple[IndexPart, ...]:
        """The partitions of a step, by their shards."""
        if self.index is JobIndex.DUE:
            return tuple(IndexPart(self.index, str(shard), self.first, self.last) for shard in range(SHARDS))
        began = round(datetime.fromisoformat(f"{step}T00:00:00+00:00").timestamp() * 1000)
        bounds = max(self.first, began), min(self.last, began + DAY_MS - 1)
        return tuple(IndexPart(self.index, f"{self.partition}{step}#{shard}", *bounds) for shard in range(SHARDS))


def plan_of(ask: ListAsk, listed: Collection[Status], now: int, retention_days: int) -> ListPlan:
    """What has to be read at `now` (epoch ms), where the jobs of `listed` statuses are in the listing index.

    Nothing is looked for that must have been deleted by then: a record stays for `retention_days` after its end.
    """
    last = now + SKEW_MS if ask.last is None else min(ask.last, MAX_TIME)
    if ask.status is Status.SCHEDULED:
        return ListPlan(JobIndex.DUE, "", ask.first or 0, MAX_TIME if ask.last is None else last)
    if ask.status in listed:
        kept = now - (retention_days + 1) * DAY_MS
        return ListPlan(JobIndex.LISTING, f"{ask.status}#", max(ask.first or 0, kept, 0), min(last, now + SKEW_MS))
    kept = now - (retention_days + LONGEST_WAIT_DAYS + 1) * DAY_MS
    return ListPlan(JobIndex.DAY, "", max(ask.first or 0, kept, 0), min(last, now + SKEW_MS))


def _date(ms: int) -> date:
    return datetime.fromtimestamp(ms / 1000, UTC).date()


def _date_from(step: str, newest: date) -> date:
    """The day of a cursor. Raises ListingRefused."""
    try:
        day = date.fromisoformat(step)
    except ValueError:
        raise ListingRefused(NOT_OURS) from None
    if day > newest or day.isoformat() != step:
        raise ListingRefused(NOT_OURS)
    return day
