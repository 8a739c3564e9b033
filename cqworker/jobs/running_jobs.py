"""The jobs that run, where no index has them: those that the workers' heartbeats name, as their records have them."""

from __future__ import annotations

from collections.abc import Sequence

from cqworker.clock import Clock
from cqworker.errors import ListingRefused
from cqworker.jobs.list_ask import ListAsk
from cqworker.jobs.list_cursor import NOT_OURS, START, LanePosition, ListCursor, cursor_from
from cqworker.jobs.list_page import MAX_READ, PAGE_SECONDS, READ_AT_ONCE, JobPage
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.ports.fleet import Fleet, Heartbeat, WorkerState
from cqworker.ports.listing import IndexEntry
from cqworker.ports.schedule import Schedule

STEP = "workers"
"""What a cursor says that goes on here: no day of an index has this name."""


class RunningJobs:
    """Lists what the registry names: at most 32 jobs a worker, those that it has run for longest (Heartbeat.oldest)."""

    def __init__(self, fleet: Fleet, schedule: Schedule, clock: Clock) -> None:
        self._fleet = fleet
        self._schedule = schedule
        self._clock = clock

    async def page(self, ask: ListAsk, *, is_of_all: bool) -> JobPage:
        """The next of these jobs, the longest-running first. Raises ListingRefused, Unavailable.

        `is_of_all`: whether the caller may know how many jobs of others were passed over, and how many are not named.
        """
        after = _position_of(ask)
        told = [member.heartbeat for member in await self._fleet.members()]
        working = [said for said in told if said.state is not WorkerState.STOPPED]
        entries = _entries_of(working, after)
        found, looked_at, seen_of_tenant = await self._look(ask, entries)
        rest = looked_at < len(entries)
        return JobPage(
            jobs=found,
            next=_cursor(ask, entries[looked_at - 1]).text() if rest and looked_at else None,
            looked_at=looked_at if is_of_all else seen_of_tenant,
            looked_back_to=entries[looked_at - 1].at if rest and looked_at else self._clock.now(),
            is_of_workers=True,
            unnamed=sum(max(0, said.busy - len(said.oldest)) for said in working) if is_of_all else None,
        )

    async def _look(self, ask: ListAsk, entries: Sequence[IndexEntry]) -> tuple[list[JobRecord], int, int]:
        """The jobs found, how many entries were looked at, and how many of those are of the tenant asked for."""
        found: list[JobRecord] = []
        looked_at = seen_of_tenant = 0
        until = self._clock.monotonic() + PAGE_SECONDS
        while looked_at < min(len(entries), MAX_READ) and (looked_at == 0 or self._clock.monotonic() < until):
            some = entries[looked_at : looked_at + READ_AT_ONCE]
            read = await self._schedule.read_many([each.job_id for each in some])
            records = {record.job_id: record for record in read}
            for entry in some:
                looked_at += 1
                record = records.get(entry.job_id)
                if record is None:
                    continue
                seen_of_tenant += record.tenant == ask.tenant
                if _is_meant(record, ask):
                    found.append(record)
                if len(found) == ask.limit:
                    return found, looked_at, seen_of_tenant
        return found, looked_at, seen_of_tenant


def is_of_workers(ask: ListAsk) -> bool:
    """Whether its cursor goes on here. Raises ListingRefused for one of another list."""
    return ask.cursor is not None and cursor_from(ask.cursor, ask.digest).step == STEP


def _is_meant(record: JobRecord, ask: ListAsk) -> bool:
    """A heartbeat lags: the job may have ended. The time is that of its submission, as in the index of all jobs."""
    is_in_time = (ask.first or 0) <= record.created_at and (ask.last is None or record.created_at <= ask.last)
    return record.status is Status.RUNNING and is_in_time and ask.is_met_by(record)


def _entries_of(told: Sequence[Heartbeat], after: IndexEntry | None) -> list[IndexEntry]:
    """What was named, each once, the longest-running first."""
    named: dict[str, int] = {}
    for job in (job for said in told for job in said.oldest):
        named[job.job_id] = min(job.since, named.get(job.job_id, job.since))
    entries = sorted(IndexEntry(since, job_id) for job_id, since in named.items())
    return entries if after is None else [entry for entry in entries if entry > after]


def _cursor(ask: ListAsk, last: IndexEntry) -> ListCursor:
    return ListCursor(ask.digest, STEP, (LanePosition(last), *START[1:]))


def _position_of(ask: ListAsk) -> IndexEntry | None:
    """Where the page before ended. Raises ListingRefused."""
    if ask.cursor is None:
        return None
    cursor = cursor_from(ask.cursor, ask.digest)
    if cursor.step != STEP or cursor.lanes[0].after is None:
        raise ListingRefused(NOT_OURS)
    return cursor.lanes[0].after
