"""Equal reads are one read: requests for a record that is being read share the next read of it (single flight)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol

from cqworker.model.record import JobRecord

Found = asyncio.Future[JobRecord | None]


class Records(Protocol):
    """Where records are read: a JobStore, as far as it matters here."""

    async def get(self, job_id: str) -> JobRecord | None: ...


class SharedReads:
    """Reads records, each by at most one read at a time, however many ask.

    Every answer comes from a read that began after it was asked for, so that a writer sees its own write: a request
    that comes while a read is under way gets the next one.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._waiting: dict[str, list[Found]] = {}
        self._readers: dict[str, asyncio.Task[None]] = {}

    async def get(self, job_id: str) -> JobRecord | None:
        """The record, None where there is none. Raises what the read raises."""
        found: Found = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(job_id, []).append(found)
        if job_id not in self._readers:
            self._readers[job_id] = asyncio.get_running_loop().create_task(self._serve(job_id))
        return await found

    async def _serve(self, job_id: str) -> None:
        """Reads for all that wait, until none does."""
        while waiting := pending(self._waiting.pop(job_id, ())):
            try:
                record = await self._records.get(job_id)
            except Exception as error:  # noqa: BLE001 - whatever it is, each request has to raise it
                for found in pending(waiting):
                    found.set_exception(error)
            else:
                for found in pending(waiting):
                    found.set_result(record)
        del self._readers[job_id]


def pending(waiting: Iterable[Found]) -> list[Found]:
    """Those that are still waited for."""
    return [found for found in waiting if not found.done()]
