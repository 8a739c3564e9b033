"""Waiting for a job to end without burning reads: one stream of them for all who wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from cqworker.clock import Clock
from cqworker.errors import Unavailable
from cqworker.model.record import JobRecord
from cqworker.model.writes import Written

READ_EVERY = 1.0
"""Seconds between two consistent reads of a job that somebody waits for."""
RECENT = 1.5
"""Seconds for which a read of that stream is new enough for who begins to wait."""
Read = Callable[[], Awaitable[JobRecord]]
Waiter = asyncio.Future[JobRecord | None]


class Vigil:
    """Those who wait for one job, and the record as it was last read for them, at this monotonic time."""

    def __init__(self) -> None:
        self.record: JobRecord | None = None
        self.read_at: float = float("-inf")
        self.waiters: set[Waiter] = set()
        self.reading: asyncio.Task[None] | None = None

    def learn(self, record: JobRecord, now: float) -> None:
        self.record, self.read_at = record, now

    def tell(self, record: JobRecord | None) -> None:
        """The end to everybody; None lets them go with what they know."""
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(record)

    def fail(self, error: Exception) -> None:
        """Whatever it is, each who waits has to hear of it."""
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_exception(error)


class Watch:
    """Who waits for which job; endings written in this process reach their waiters without a read."""

    def __init__(self, clock: Clock, is_here: Callable[[str], bool]) -> None:
        self._clock = clock
        self._is_here = is_here
        self._vigils: dict[str, Vigil] = {}
        self._closed = False

    def seen(self, job_id: str, written: Written) -> None:
        """A record as it was just written here; it is read only where somebody waits for it."""
        vigil = self._vigils.get(job_id)
        if vigil is None:
            return
        with suppress(Unavailable):  # whoever waits reads it again
            record = written.record
            if record.status.is_final:
                vigil.tell(record)

    def known(self, job_id: str) -> JobRecord | None:
        """The job as others who wait for its end saw it a moment ago: not final. None where nobody has."""
        vigil = self._vigils.get(job_id)
        if vigil is None or vigil.read_at < self._clock.monotonic() - RECENT:
            return None
        return vigil.record

    def waiting_for(self, job_id: str) -> int:
        """How many wait for this job."""
        vigil = self._vigils.get(job_id)
        return len(vigil.waiters) if vigil is not None else 0

    def close(self) -> None:
        """Lets every waiter go with what it knows."""
        self._closed = True
        for vigil in self._vigils.values():
            vigil.tell(None)

    async def until_final(self, record: JobRecord, seconds: float, read: Read) -> JobRecord:
        """The record once it is final, or as it is after `seconds`.

        `read` is called once a second at most, by one of those who wait for all of them, and by each when its time is
        up; never while the job runs here.
        """
        if record.status.is_final or self._closed:
            return record
        vigil = self._vigils.setdefault(record.job_id, Vigil())
        if vigil.record is not record:
            vigil.learn(record, self._clock.monotonic())
        ended = await self._ending(vigil, record.job_id, seconds, read)
        if ended is not None:
            return ended
        is_enough = self._is_here(record.job_id) or self._is_closed()
        return (vigil.record or record) if is_enough else await read()

    def _is_closed(self) -> bool:
        return self._closed

    async def _ending(self, vigil: Vigil, job_id: str, seconds: float, read: Read) -> JobRecord | None:
        waiter: Waiter = asyncio.get_running_loop().create_future()
        vigil.waiters.add(waiter)
        if vigil.reading is None:
            vigil.reading = asyncio.get_running_loop().create_task(self._read_on(vigil, job_id, read))
        try:
            async with asyncio.timeout(seconds):
                return await waiter
        except TimeoutError:
            return None
        finally:
            vigil.waiters.discard(waiter)
            if not vigil.waiters:
                vigil.reading.cancel()
                self._end(vigil, job_id)

    async def _read_on(self, vigil: Vigil, job_id: str, read: Read) -> None:
        """One stream of reads, until the job is final or nobody waits."""
        while True:
            await asyncio.sleep(READ_EVERY)
            if self._is_here(job_id):
                continue
            try:
                record = await read()
            except Exception as error:  # noqa: BLE001 - as fail() has it
                self._end(vigil, job_id)
                vigil.fail(error)
                return
            if record.status.is_final:
                self._end(vigil, job_id)
                vigil.tell(record)
                return
            vigil.learn(record, self._clock.monotonic())

    def _end(self, vigil: Vigil, job_id: str) -> None:
        """Who comes from now on begins anew."""
        if self._vigils.get(job_id) is vigil:
            del self._vigils[job_id]
