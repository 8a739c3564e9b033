"""The sweep: every half minute what is due within the next quarter of an hour is sent to its queues."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from cqworker.admission.waiting_lists import WaitingLists
from cqworker.clock import Clock
from cqworker.errors import NotProvisioned, Unavailable
from cqworker.events import Emit
from cqworker.events.schedule_events import JobUnsendable, ShardLeft, ShardSwept
from cqworker.flow.context import Context
from cqworker.flow.job_ref import job_ref_of
from cqworker.flow.schedule_state import ScheduleState
from cqworker.flow.supervised_loop import background_failure
from cqworker.flow.waiting import sleep_unless
from cqworker.health.service_health import STORE
from cqworker.jobs.hand_over import HORIZON_MS, HandOvers
from cqworker.model.record import JobRecord
from cqworker.ports.schedule import DueEntry, Schedule
from cqworker.scheduling.limit_sweep import LimitSweep
from cqworker.scheduling.sweep_leases import SweepLeases

SWEEP_EVERY = 30.0
"""Seconds between two sweeps: so late, at worst, a hand-over is made up for whose maker died."""
PAGE = 100
"""Jobs that are read and sent together: what one BatchGetItem reads."""
ASIDE_AT_FIRST, ASIDE_AT_MOST = 30.0, 300.0
"""Seconds for which a queue that takes nothing, or a job that cannot be sent, is let be: ever longer."""
MAX_ASIDE = 10_000
"""Queues and jobs that are remembered as set aside: some 100 bytes each."""


class SetAside:
    """What could not be sent, queues and jobs by name, and until when it is not tried again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[str, tuple[float, float]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._until and self._until[name][0] > self._clock.monotonic()

    def add(self, name: str) -> None:
        """Lets it be, twice as long as the last time."""
        _, former = self._until.pop(name, (0.0, ASIDE_AT_FIRST / 2))
        seconds = min(ASIDE_AT_MOST, former * 2)
        while len(self._until) >= MAX_ASIDE:
            del self._until[next(iter(self._until))]
        self._until[name] = self._clock.monotonic() + seconds, seconds

    def remove(self, name: str) -> None:
        """It was sent."""
        self._until.pop(name, None)


class Pace(Struct, frozen=True):
    """`horizon`: so many ms ahead a job is handed over, as long as SQS delays it; `every`: seconds between sweeps."""

    horizon: int = HORIZON_MS
    every: float = SWEEP_EVERY


USUAL = Pace()


class Sweeper:
    """Hands over what is due in the shards that this process holds, and looks at the limits where somebody waits."""

    def __init__(
        self,
        schedule: Schedule,
        context: Context,
        hand_overs: HandOvers,
        leases: SweepLeases,
        lists: WaitingLists,
        pace: Pace = USUAL,
    ) -> None:
        self._schedule = schedule
        self._state: ScheduleState = context.schedule
        self._health = context.health
        self._clock = context.clock
        self._emit: Emit = context.emit
        self._hand_overs = hand_overs
        self._leases = leases
        self._limits = LimitSweep(context, lists, leases)
        self._horizon = pace.horizon
        self._every = pace.every
        self._aside = SetAside(context.clock)
        self._stopping = asyncio.Event()
        self._swept: set[str] = set()

    def stop(self) -> None:
        """Sweeps no more once the page that is under way is done."""
        self._stopping.set()

    async def run(self) -> None:
        """Sweeps again and again until `stop`, then lets the leases go; limits are looked at beside that."""
        limits = asyncio.create_task(self._limits.run(self._stopping))
        try:
            await self._run()
            await limits
        except (Exception, asyncio.CancelledError):  # of a loop that is thrown away nothing can be waited for
            limits.cancel()
            await asyncio.wait([limits])  # whoever waits for this one finds nothing left that runs
            raise
        try:
            await self._leases.give_up_all()
        except Unavailable:
            return

    async def _run(self) -> None:
        while not self._stopping.is_set():
            await self._health.wait_until_back(STORE, self._stopping)
            try:
                await self.sweep()
            except Unavailable:
                pass  # remembered by the health of its service, and tried again
            except Exception as error:  # noqa: BLE001 - one record must not end all hand-overs
                self._emit(background_failure("sweep of due jobs", error))
            await sleep_unless(self._stopping, self._every)

    async def sweep(self) -> None:
        """One look at every shard that is ours. Raises Unavailable where the store is away."""
        if not await self._state.check():
            return
        await self._leases.look()
        self._tell_what_is_left()
        failure: Exception | None = None
        for shard in self._leases.shards:
            try:
                if not self._stopping.is_set() and await self._sweep_shard(shard):
                    await self._leases.renew(shard)
            except NotProvisioned:
                self._state.note(is_ready=False)  # it was removed since: the store is well
                return
            except Exception as error:  # noqa: BLE001 - one shard must not end the hand-overs of the others
                self._leases.note_unfinished(shard)
                failure = failure or error
        if failure is not None:
            raise failure

    def _tell_what_is_left(self) -> None:
        for shard in sorted(self._swept.difference(self._leases.shards)):
            self._swept.remove(shard)
            self._emit(ShardLeft(shard=shard))

    async def _sweep_shard(self, shard: str) -> bool:
        """Whether it came to the end of what is due."""
        until, sent, oldest = self._clock.now() + self._horizon, 0, None
        after: DueEntry | None = None
        while not self._stopping.is_set():
            entries, after = await self._schedule.due(shard, until, PAGE, after)
            self._state.note(is_ready=True)
            records = await self._read(entries, until)
            first = min((record.scheduled_at or 0 for record in records), default=None)
            oldest = first if oldest is None else oldest
            sent += await self._send([record for record in records if self._may_be_sent(record)])
            if after is None:
                late = 0 if oldest is None else max(0, self._clock.now() - oldest)
                self._swept.add(shard)
                self._emit(ShardSwept(shard=shard, sent=sent, overdue=late / 1000))
                return True
        return False

    async def _read(self, entries: Sequence[DueEntry], until: int) -> list[JobRecord]:
        """The records behind what the index says, as far as they still wait for that time."""
        records = await self._schedule.read_many([entry.job_id for entry in entries]) if entries else ()
        due = [record for record in records if record.is_marked and (record.scheduled_at or 0) <= until]
        return sorted(due, key=lambda record: (record.scheduled_at or 0, record.job_id))

    def _may_be_sent(self, record: JobRecord) -> bool:
        return record.queue not in self._aside and record.job_id not in self._aside

    async def _send(self, records: Sequence[JobRecord]) -> int:
        """How many were sent. A queue that takes nothing, or a job that cannot be sent, holds up no other."""
        sent, told = 0, set[str]()
        for record, error in zip(records, await self._hand_overs.hand_over_all(records), strict=True):
            name = record.queue if isinstance(error, Unavailable) and error.service == "sqs" else record.job_id
            if error is None:
                sent += 1
                self._aside.remove(record.queue)
                self._aside.remove(record.job_id)
            elif (isinstance(error, Unavailable) and error.service != "sqs") or not isinstance(error, Exception):
                raise error
            elif name not in told:
                told.add(name)
                self._aside.add(name)
                self._emit(JobUnsendable(job=job_ref_of(record), reason=str(error)))
        return sent
