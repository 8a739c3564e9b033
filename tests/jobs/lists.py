"""A store of made records, and lists of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cqworker.jobs.job_lists import JobLists
from cqworker.jobs.list_ask import list_ask_from
from cqworker.jobs.list_page import JobPage
from cqworker.jobs.running_jobs import RunningJobs
from cqworker.model.history import CLAIMED, SUBMITTED, Entry
from cqworker.model.listing import Listing
from cqworker.model.record import Failure, JobRecord, shard_of
from cqworker.model.status import FailureKind, Status
from cqworker.testing import MemoryStore
from cqworker.testing.memory_fleet import MemoryFleet
from cqworker.testing.memory_listing import MemoryListing
from cqworker.testing.memory_schedule import MemorySchedule
from tests.contract.clock import NOW, SetClock

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def job(number: int, status: Status = Status.FAILED, **changed: Any) -> JobRecord:
    """The job of this number: it ended so many minutes before NOW, and was submitted a minute before that."""
    job_id, ended = f"job-{number:05}", NOW - number * MINUTE
    is_listed = status is Status.FAILED
    said: dict[str, Any] = {
        "job_id": job_id,
        "type": "orders.charge",
        "queue": "main",
        "tenant": "default",
        "status": status,
        "max_attempts": 3,
        "created_at": ended - MINUTE,
        "purge_at": (NOW + 30 * DAY) // 1000,
        "finished_at": ended if status.is_final else None,
        "scheduled_at": NOW + (number + 1) * HOUR if status is Status.SCHEDULED else None,
        "due": shard_of(job_id) if status is Status.SCHEDULED else None,
        "failure": Failure(FailureKind.REJECTED, "no", fingerprint="0a1b2c3d") if is_listed else None,
        "history": (Entry(ended - MINUTE, SUBMITTED), Entry(ended - 5, CLAIMED, 1, "w1")),
        "listing": Listing(kind="rejected", fingerprint="0a1b2c3d", worker="w1", release="1.0") if is_listed else None,
    }
    return JobRecord(**said | changed)


class Lists:
    """Lists of what is in `store`."""

    def __init__(self, records: Sequence[JobRecord] = (), *, listed: Sequence[Status] = (Status.FAILED,)) -> None:
        self.clock = SetClock()
        self.store = MemoryStore(self.clock)
        self.store.records = {record.job_id: record for record in records}
        self.index = MemoryListing(self.store)
        schedule = MemorySchedule(self.store)
        self.fleet = MemoryFleet()
        running = RunningJobs(self.fleet, schedule, self.clock)
        self.lists = JobLists(self.index, schedule, self.clock, listed=listed, retention_days=30, running=running)

    async def page(self, caller: str | None = None, /, **texts: str) -> JobPage:
        return await self.lists.page(list_ask_from(_named(texts)), caller)

    async def pages(self, caller: str | None = None, /, **texts: str) -> list[JobPage]:
        """All of them."""
        pages = [await self.page(caller, **texts)]
        while pages[-1].next is not None:
            assert len(pages) < 1_000
            pages.append(await self.page(caller, **texts, cursor=pages[-1].next))
        return pages

    async def ids(self, caller: str | None = None, /, **texts: str) -> list[str]:
        """Those of the whole list, in its order."""
        return [record.job_id for page in await self.pages(caller, **texts) for record in page.jobs]

    async def count(self, caller: str | None = None, /, **texts: str) -> int:
        """Over as many answers as it takes."""
        answer = await self.lists.count(list_ask_from(_named(texts)), caller)
        total, answers = answer.count, 1
        while answer.next is not None:
            assert (answers := answers + 1) < 1_000
            answer = await self.lists.count(list_ask_from(_named(texts) | {"cursor": answer.next}), caller)
            total += answer.count
        return total


def _named(texts: dict[str, str]) -> dict[str, str]:
    return {name.rstrip("_"): text for name, text in texts.items()}
