"""Waiting for a job to end without burning reads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from cqworker.clock import Clock
from cqworker.errors import Unavailable
from cqworker.model.changes import Written
from cqworker.model.record import JobRecord

READ_EVERY = 1.0
"""Seconds between two consistent reads of one waiter."""


class Watch:
    """Who waits for which job; endings written in this process reach their waiters without a read."""

    def __init__(self, clock: Clock, is_here: Callable[[str], bool]) -> None:
        self._clock = clock
        self._is_here = is_here
        self._waiters: dict[str, set[asyncio.Future[JobRecord | None]]] = {}
        self._closed = False

    def seen(self, job_id: str, written: Written) -> None:
        """A record as it was just written here; it is read only where somebody waits for it."""
        waiters = self._waiters.get(job_id)
        if not waiters:
            return
        with suppress(Unavailable):  # whoever waits reads it again
            record = written.record
            for waiter in waiters if record.status.is_final else ():
                if not waiter.done():
                    waiter.set_result(record)

    def close(self) -> None:
        """Lets every waiter go with what it knows."""
        self._closed = True
        for waiters in self._waiters.values():
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    async def until_final(
        self, record: JobRecord, seconds: float, read: Callable[[], Awaitable[JobRecord]]
    ) -> JobRecord:
        """The record once it is final, or as it is after `seconds`; `read` is called once a second at most."""
        deadline = self._clock.monotonic() + seconds
        while not record.status.is_final and not self._closed:
            left = deadline - self._clock.monotonic()
            if left <= 0:
                return record if not self._is_here(record.job_id) else await read()
            ended = await self._ending(record.job_id, min(READ_EVERY, left))
            if ended is not None:
                return ended
            if not self._is_here(record.job_id):
                record = await read()
        return record

    async def _ending(self, job_id: str, seconds: float) -> JobRecord | None:
        waiter: asyncio.Future[JobRecord | None] = asyncio.get_running_loop().create_future()
        waiters = self._waiters.setdefault(job_id, set())
        waiters.add(waiter)
        try:
            async with asyncio.timeout(seconds):
                return await waiter
        except TimeoutError:
            return None
        finally:
            waiters.discard(waiter)
            if not waiters:
                self._waiters.pop(job_id, None)
