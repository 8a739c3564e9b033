"""What stories of limits of how many run at once share: a handler that counts, and how nothing is left behind."""

from __future__ import annotations

import asyncio
from typing import Any

from cqworker import Job, handler
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from tests.flow.world import World

BUSY = 5.0
"""Seconds that a job takes."""


class Meter:
    """How many run now, how many did at most, by tenant, and how many ran with each job when it started."""

    def __init__(self) -> None:
        self.now: dict[str, int] = {}
        self.most: dict[str, int] = {}
        self.beside: dict[str, int] = {}

        @handler(timeout=1000)
        async def work(payload: dict[str, Any], job: Job) -> None:
            self.now[job.tenant] = self.now.get(job.tenant, 0) + 1
            self.beside[job.id] = self.now[job.tenant]
            self.most[job.tenant] = max(self.most.get(job.tenant, 0), self.now[job.tenant])
            try:
                await asyncio.sleep(payload.get("seconds", BUSY))
            finally:
                self.now[job.tenant] -= 1

        self.work = work


def settled(world: World) -> bool:
    """Nothing is left of any limit: no slot held, nobody listed, no mark."""
    shards = world.limits.shards.values()
    return not any(each.held or each.waiting for each in shards) and not any(world.limits.lists.values())


async def end_all(world: World, jobs: list[str], status: Status = Status.SUCCEEDED) -> None:
    for job_id in jobs:
        assert (await world.until(job_id)).status is status
    await world.until_empty()
    assert settled(world), (world.limits.shards, dict(world.limits.lists))


def events_of(record: JobRecord) -> list[str]:
    return [f"{entry.event} {entry.reason}".strip() for entry in record.history]
