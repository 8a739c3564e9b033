"""What stories about jobs for later share: times, who waits in the index, and a handler that puts its job off."""

from __future__ import annotations

import asyncio
from typing import Any

from cqworker import Job, Retry, handler
from cqworker.model.record import JobRecord
from tests.flow.handlers import Notebook
from tests.flow.world import World

MINUTE = 60.0
HOUR = 3600.0
EARLY, LATE = 2.0, 2.0
"""Seconds by which a start may come before or after its time."""
TAKEOVER = 240.0
"""Seconds within which a sweeper that died is followed, and what it left is swept."""


def putting_off(notebook: Notebook, after: float) -> Any:
    """A handler whose first attempt asks for another so many seconds later."""

    @handler
    async def work(payload: dict[str, Any], job: Job) -> str:
        await notebook.work(job, 1)
        if job.attempt == 1:
            raise Retry("not yet", after=after)
        return "done"

    return work


def waits(record: JobRecord) -> bool:
    """Whether it waits in the index, without a message."""
    return record.is_marked


def seconds_from_now(world: World, at: int | None) -> float:
    assert at is not None
    return (at - world.clock.now()) / 1000


async def sleep_until(at: float) -> None:
    """At is in seconds of the story."""
    await asyncio.sleep(max(0.0, at - asyncio.get_running_loop().time()))
