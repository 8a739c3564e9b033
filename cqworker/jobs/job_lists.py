"""Lists and counts of jobs: bounded work for each answer, which says how far it looked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from cqworker.clock import Clock
from cqworker.errors import ListingRefused, NotProvisioned
from cqworker.field_docs import document_fields
from cqworker.jobs.list_ask import ListAsk
from cqworker.jobs.list_cursor import START, LanePosition, ListCursor, cursor_from
from cqworker.jobs.list_lanes import Lanes
from cqworker.jobs.list_page import MAX_ROUNDS, JobPage, PageWork
from cqworker.jobs.list_plan import ListPlan, plan_of
from cqworker.jobs.running_jobs import RunningJobs, is_of_workers
from cqworker.model.status import Status
from cqworker.ports.listing import JobIndex, JobListing
from cqworker.ports.schedule import Schedule

COUNT_SECONDS = 2.0
"""Seconds after which a count is answered with what was counted."""


@document_fields(
    count="How many there are, of those that were looked at.",
    next="The cursor of the rest, or None where all were counted.",
    counted_back_to="The time (epoch ms) to which all were counted.",
)
class JobCount(Struct, frozen=True, kw_only=True):
    """How many jobs the listing index has."""

    count: int
    next: str | None
    counted_back_to: int


class JobLists:
    """Finds jobs. `listed` statuses are in the listing index; records stay for `retention_days`.

    A caller with a tenant sees its own jobs alone; None is the operator of all. `running` has what runs where the index
    of all jobs is missing.
    """

    def __init__(
        self,
        listing: JobListing,
        schedule: Schedule,
        clock: Clock,
        *,
        listed: Collection[Status],
        retention_days: int,
        running: RunningJobs | None = None,
    ) -> None:
        self._listing = listing
        self._schedule = schedule
        self._clock = clock
        self._listed = frozenset(listed)
        self._retention_days = retention_days
        self._running = running

    async def page(self, ask: ListAsk, tenant: str | None) -> JobPage:
        """The next jobs of the list. Raises ListingRefused, NotProvisioned, Unavailable."""
        ask, is_of_all = _within(ask, tenant), tenant is None
        running = self._running if ask.status is Status.RUNNING else None
        if running is not None and is_of_workers(ask):
            return await running.page(ask, is_of_all=is_of_all)
        plan = plan_of(ask, self._listed, self._clock.now(), self._retention_days)
        work = PageWork(ask, plan.index, self._listing, self._schedule, self._clock)
        for step, lanes in _steps_of(plan, ask):
            while not lanes.is_done:
                if work.is_over:
                    rest = ListCursor(ask.digest, step, lanes.positions)
                    return _page_of(work, rest, lanes.reached(), is_of_all=is_of_all)
                if await work.read_on(lanes):
                    continue
                if running is None:
                    raise self._missing(plan.index)
                return await running.page(ask, is_of_all=is_of_all)
        reached = plan.last if plan.index is JobIndex.DUE else plan.first
        return _page_of(work, None, reached, is_of_all=is_of_all)

    async def count(self, ask: ListAsk, tenant: str | None) -> JobCount:
        """How many jobs there are, of as many as can be counted at once.

        Raises ListingRefused, NotProvisioned, Unavailable.
        """
        ask = _within(ask, tenant)
        if ask.status not in self._listed:
            raise ListingRefused(f"Jobs can be counted in the status {' or '.join(sorted(self._listed))} alone.")
        if ask.tag is not None:
            raise ListingRefused("Jobs cannot be counted by a tag, which the index does not show; list them instead.")
        plan = plan_of(ask, self._listed, self._clock.now(), self._retention_days)
        until, rounds, total = self._clock.monotonic() + COUNT_SECONDS, 0, 0
        for step, lanes in _steps_of(plan, ask):
            while not lanes.is_done:
                if rounds >= MAX_ROUNDS or (rounds > 0 and self._clock.monotonic() >= until):
                    rest = ListCursor(ask.digest, step, lanes.positions).text()
                    return JobCount(count=total, next=rest, counted_back_to=lanes.reached())
                rounds += 1
                counted = await lanes.count(self._listing, ask.where)
                if counted is None:
                    raise self._missing(plan.index)
                total += counted
        return JobCount(count=total, next=None, counted_back_to=plan.first)

    def _missing(self, index: JobIndex) -> NotProvisioned:
        listed = ", ".join(sorted(self._listed))
        what = {
            JobIndex.LISTING: "Jobs cannot be listed yet: the table lacks its listing index, or is filling it.",
            JobIndex.DUE: "No job can be SCHEDULED yet: the table lacks its index of due jobs, or is filling it.",
            JobIndex.DAY: f"Jobs are listed here in the status {listed}, those that run, and what is SCHEDULED: for "
            "others set [store] list_all = true, which costs one write unit more for each job.",
        }
        return NotProvisioned(
            f"{what[index]} Run `cqworker provision`; `cqworker doctor` says when the index is there."
        )


def _within(ask: ListAsk, tenant: str | None) -> ListAsk:
    """What is asked for, of this tenant's jobs. Raises ListingRefused where another's are asked for."""
    if tenant is None:
        return ask
    if ask.tenant not in (None, tenant):
        raise ListingRefused(f'Only jobs of the tenant "{tenant}" can be seen with this token; leave `tenant` out.')
    return replace(ask, tenant=tenant)


def _steps_of(plan: ListPlan, ask: ListAsk) -> Iterator[tuple[str, Lanes]]:
    """The steps of the plan from where the cursor stands. Raises ListingRefused for a cursor of another list."""
    positions: Sequence[LanePosition] = START
    begin = None
    if ask.cursor is not None:
        cursor = cursor_from(ask.cursor, ask.digest)
        positions, begin = cursor.lanes, cursor.step
    for step in plan.steps(begin):
        yield step, Lanes(plan.parts(step), positions)
        positions = START


def _page_of(work: PageWork, rest: ListCursor | None, reached: int, *, is_of_all: bool) -> JobPage:
    """A tenant is not told how many jobs of others were passed over."""
    looked_at = work.looked_at if is_of_all else work.seen_of_tenant
    return JobPage(jobs=work.found, next=rest.text() if rest else None, looked_at=looked_at, looked_back_to=reached)
