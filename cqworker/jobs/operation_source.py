"""Where an operation finds its jobs: page after page of a list, or the ids that it names, from wherever it stood."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from cqworker.clock import Clock
from cqworker.field_docs import document_fields
from cqworker.jobs.job_lists import JobLists
from cqworker.jobs.list_ask import ListAsk
from cqworker.jobs.operation_targets import ask_of, fits, sort_out, tenant_of
from cqworker.model.operations import Operation, Refusal
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.ports.schedule import Schedule

READ_AT_ONCE = 100
"""Records of one request (BatchGetItem)."""


@document_fields(
    records="The jobs, in their order.",
    places="Where the operation stands once it is through with each.",
    end="Where it stands once it is through with all of them.",
    skipped="How many more have changed since it was asked for.",
    refused="How many more are left as they are, by why.",
)
class Found(Struct, frozen=True):
    """Some jobs of an operation."""

    records: Sequence[JobRecord]
    places: Sequence[int]
    end: int
    skipped: int = 0
    refused: Mapping[Refusal, int] = {}


class Source:
    """The jobs of one operation, read consistently as they are found."""

    def __init__(self, operation: Operation, lists: JobLists, schedule: Schedule) -> None:
        self._operation = operation
        self._lists = lists
        self._schedule = schedule
        self.ask: ListAsk | None = None
        if not operation.job_ids:
            self.ask = ask_of(operation.act, operation.filter, operation.as_of)

    def still_means(self, record: JobRecord) -> bool:
        """Whether a job that has changed since it was found is still one of them."""
        return fits(self._operation, record) and (self.ask is None or self.ask.is_met_by(record))

    def found(self, at: int | None) -> AsyncIterator[Found]:
        """The jobs from where the operation stands, None: from the beginning.

        Raises ListingRefused, NotProvisioned, Unavailable.
        """
        return self._named(at or 0) if self.ask is None else self._listed(self.ask, at)

    async def _named(self, at: int) -> AsyncIterator[Found]:
        names = self._operation.job_ids
        for start in range(at, len(names), READ_AT_ONCE):
            some = names[start : start + READ_AT_ONCE]
            named = sort_out(self._operation, some, await self._schedule.read_many(some))
            places = [names.index(record.job_id) + 1 for record in named.records]
            yield Found(named.records, places, start + len(some), named.skipped, named.refused)

    async def _listed(self, ask: ListAsk, at: int | None) -> AsyncIterator[Found]:
        """A list goes on from a time: what has that very time may come twice, which does no harm."""
        if at is not None:
            ask = replace(ask, first=at) if ask.status is Status.SCHEDULED else replace(ask, last=at)
        while True:
            page = await self._lists.page(ask, tenant_of(self._operation))
            records = [record for record in page.jobs if fits(self._operation, record)]
            yield Found(records, [_time_of(record, ask) for record in records], page.looked_back_to)
            if page.next is None:
                return
            ask = replace(ask, cursor=page.next)


def _time_of(record: JobRecord, ask: ListAsk) -> int:
    """Where a job stands in the list: which index that is made of is told by its status."""
    if ask.status is Status.SCHEDULED:
        return record.scheduled_at or 0
    is_listed = record.listing is not None and ask.status is record.status
    return (record.finished_at or 0) if is_listed else record.created_at


class Pace:
    """So many jobs a second at most, however long each takes."""

    def __init__(self, clock: Clock, rate: int) -> None:
        self._clock = clock
        self._rate = rate
        self._next = clock.monotonic()

    def seconds_until(self, number: int) -> float:
        """Seconds after which so many more may begin at once."""
        now = self._clock.monotonic()
        begin = max(now, self._next)
        self._next = begin + number / self._rate
        return begin - now
