"""One page of a list in the making: what was found, and how much work it took."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from cqworker.clock import Clock
from cqworker.field_docs import document_fields
from cqworker.jobs.list_ask import ListAsk
from cqworker.jobs.list_lanes import Lanes
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.ports.listing import IndexEntry, JobIndex, JobListing
from cqworker.ports.schedule import Schedule

PAGE_SECONDS = 0.2
"""Seconds after which a page is answered with what was found, once what is under way has ended."""
MAX_ROUNDS = 64
"""Times that a page, or a count, asks the eight partitions of a day: an empty month is looked through in one."""
MAX_LOOKED = 8_000
"""Entries of an index that one page looks at: some 250 read units."""
MAX_READ = 500
"""Records that one page reads, for as many read units where they are small."""
READ_AT_ONCE = 100
"""Records of one request (BatchGetItem)."""
MOST_LOOK = 500
"""Entries of a partition that are looked at at once at most: twice as many each time, while too few of them fit."""
LEAST_LOOK = 16
"""Entries of a partition that are looked at at once at least."""


@document_fields(
    jobs="The jobs.",
    next="The cursor of the next page, or None at the end.",
    looked_at="How many entries of the index were looked at; for a tenant: how many of its jobs were.",
    looked_back_to="The time (epoch ms) to which everything was looked at.",
    is_of_workers="Whether the jobs are those that the workers' heartbeats name, for want of an index.",
    unnamed="How many jobs run that no heartbeat names; None where that is not known, or not the caller's business.",
)
class JobPage(Struct, frozen=True, kw_only=True):
    """Some jobs of a list: the newest first; of SCHEDULED ones the first to be due.

    What workers' heartbeats name: the longest-running first.
    """

    jobs: Sequence[JobRecord]
    next: str | None
    looked_at: int
    looked_back_to: int
    is_of_workers: bool = False
    unnamed: int | None = None


class PageWork:
    """Fills one page with the jobs that are asked for, until it is full or has cost enough."""

    def __init__(self, ask: ListAsk, index: JobIndex, listing: JobListing, schedule: Schedule, clock: Clock) -> None:
        self._ask = ask
        self._index = index
        self._where = ask.where if index is JobIndex.LISTING else {}
        self._listing = listing
        self._schedule = schedule
        self._clock = clock
        self._until = clock.monotonic() + PAGE_SECONDS
        self._rounds = 0
        self._read = 0
        self.looked_at = 0
        self.seen_of_tenant = 0
        self.found: list[JobRecord] = []

    @property
    def is_over(self) -> bool:
        """Whether the page is full, or has cost as much as one may; each looks at something, however slow that is."""
        is_late = self._rounds > 0 and self._clock.monotonic() >= self._until
        return is_late or self._rounds >= MAX_ROUNDS or self.looked_at >= MAX_LOOKED or self._reads_no_more

    async def read_on(self, lanes: Lanes) -> bool:
        """Adds what the lanes have next; False where there is no such index. Raises what `Lanes.read` raises."""
        self._rounds += 1
        looked_at = await lanes.read(self._listing, self._look, self._where)
        if looked_at is None:
            return False
        self.looked_at += looked_at
        ready = lanes.ready()
        for start in range(0, len(ready), READ_AT_ONCE):
            if self._reads_no_more:
                break
            await self._add(lanes, ready[start : start + READ_AT_ONCE])
        return True

    @property
    def _reads_no_more(self) -> bool:
        """Whether no further record is to be read: the first are, or a slow table's list would never go on."""
        is_late = self._read > 0 and self._clock.monotonic() >= self._until
        return is_late or len(self.found) >= self._ask.limit or self._read >= MAX_READ

    @property
    def _look(self) -> int:
        """A page's share of a partition, and a little more: what is read and not told is read again."""
        share = max(LEAST_LOOK, self._ask.limit // 4)
        return min(MOST_LOOK, share << min(self._rounds, 8)) if self._where else share

    async def _add(self, lanes: Lanes, entries: Sequence[IndexEntry]) -> None:
        """Reads the records, at most as many as the page may still have unless others have to be passed over."""
        self._read += len(entries)
        records = {
            record.job_id: record for record in await self._schedule.read_many([each.job_id for each in entries])
        }
        for entry in entries:
            if len(self.found) >= self._ask.limit:
                return
            lanes.tell(entry)
            record = records.get(entry.job_id)
            self.seen_of_tenant += record is not None and record.tenant == self._ask.tenant
            if record is not None and self._is_still_so(record, entry) and self._ask.is_met_by(record):
                self.found.append(record)

    def _is_still_so(self, record: JobRecord, entry: IndexEntry) -> bool:
        """Whether the job still stands where the index has it: it lags, and old workers leave entries behind."""
        match self._index:
            case JobIndex.LISTING:
                return record.listing is not None and record.finished_at == entry.at
            case JobIndex.DUE:
                return record.status is Status.SCHEDULED and record.scheduled_at == entry.at
            case JobIndex.DAY:
                return record.created_at == entry.at
