"""Requests that wait for a job's end: one stream of reads for all that wait for the same job."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from cqworker.clock import Clock
from cqworker.errors import Unavailable
from cqworker.model.record import JobRecord
from cqworker.model.writes import Written

READ_EVERY = 1.0
"""Seconds between two consistent reads of a job that somebody waits for: each costs read units (DynamoDB pricing)."""
RECENT = 1.5
"""Seconds for which a read of that stream is new enough for a request that begins to wait."""
Reader = Callable[[], Awaitable[JobRecord]]
Waiter = asyncio.Future[JobRecord | None]


class WaitedJob:
    """The requests that wait for one job, and its record as last read for them at the monotonic time `read_at` (s)."""

    def __init__(self) -> None:
        self.record: JobRecord | None = None
        self.read_at: float = float("-inf")
        self.waiters: set[Waiter] = set()
        self.reading: asyncio.Task[None] | None = None

    def remember(self, record: JobRecord, now: float) -> None:
        """Notes the record as read at `now`, in monotonic seconds."""
        self.record, self.read_at = record, now

    def resolve(self, record: JobRecord | None) -> None:
        """Gives all of them the final record; with None they answer with what they know."""
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(record)

    def fail(self, error: Exception) -> None:
        """Raises the error in all of them, whatever it is."""
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_exception(error)


class Waiters:
    """Which requests wait for which job; endings written in this process reach them without a read.

    `is_here` says whether a job runs in this process.
    """

    def __init__(self, clock: Clock, is_here: Callable[[str], bool]) -> None:
        self._clock = clock
        self._is_here = is_here
        self._waited: dict[str, WaitedJob] = {}
        self._closed = False

    def note_written(self, job_id: str, written: Written) -> None:
        """Notes a record that was just written here; its answer is parsed only where somebody waits for it."""
        waited = self._waited.get(job_id)
        if waited is None:
            return
        with suppress(Unavailable):  # it is read again
            record = written.record
            if record.status.is_final:
                waited.resolve(record)

    def last_read(self, job_id: str) -> JobRecord | None:
        """The job, not final, as read within the last RECENT seconds for others that wait; None where it was not."""
        waited = self._waited.get(job_id)
        if waited is None or waited.read_at < self._clock.monotonic() - RECENT:
            return None
        return waited.record

    def waiting_for(self, job_id: str) -> int:
        """The number of requests that wait for this job."""
        waited = self._waited.get(job_id)
        return len(waited.waiters) if waited is not None else 0

    def close(self) -> None:
        """Ends every wait with what is known, and all later ones at once: the daemon drains."""
        self._closed = True
        for waited in self._waited.values():
            waited.resolve(None)

    async def until_final(self, record: JobRecord, seconds: float, read: Reader) -> JobRecord:
        """The record once it is final, or as it is after `seconds`. Raises what `read` raises.

        `read` is called once a second at most, by one of those who wait for all of them, and by each when its time is
        up; never while the job runs here.
        """
        if record.status.is_final or self._closed:
            return record
        waited = self._waited.setdefault(record.job_id, WaitedJob())
        if waited.record is not record:
            waited.remember(record, self._clock.monotonic())
        ended = await self._wait(waited, record.job_id, seconds, read)
        if ended is not None:
            return ended
        is_enough = self._is_here(record.job_id) or self._is_shut()
        return (waited.record or record) if is_enough else await read()

    def _is_shut(self) -> bool:
        return self._closed

    async def _wait(self, waited: WaitedJob, job_id: str, seconds: float, read: Reader) -> JobRecord | None:
        waiter: Waiter = asyncio.get_running_loop().create_future()
        waited.waiters.add(waiter)
        if waited.reading is None:
            waited.reading = asyncio.get_running_loop().create_task(self._keep_reading(waited, job_id, read))
        try:
            async with asyncio.timeout(seconds):
                return await waiter
        except TimeoutError:
            return None
        finally:
            waited.waiters.discard(waiter)
            if not waited.waiters:
                waited.reading.cancel()
                self._forget(waited, job_id)

    async def _keep_reading(self, waited: WaitedJob, job_id: str, read: Reader) -> None:
        """One stream of reads, until the job is final or nobody waits."""
        while True:
            await asyncio.sleep(READ_EVERY)
            if self._is_here(job_id):
                continue
            try:
                record = await read()
            except Exception as error:  # noqa: BLE001 - as fail() has it
                self._forget(waited, job_id)
                waited.fail(error)
                return
            if record.status.is_final:
                self._forget(waited, job_id)
                waited.resolve(record)
                return
            waited.remember(record, self._clock.monotonic())

    def _forget(self, waited: WaitedJob, job_id: str) -> None:
        """A request that comes from now on starts a new stream of reads."""
        if self._waited.get(job_id) is waited:
            del self._waited[job_id]
