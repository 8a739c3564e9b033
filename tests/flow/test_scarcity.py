"""What a worker lacks is no fault of the jobs that meet it: their attempts are refunded."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from cqworker import handler
from cqworker.events import JobStarted
from cqworker.model.status import FailureKind, Status
from cqworker.settings import BackoffSettings, HandlerSettings, TypeSettings
from tests.flow.world import REAL, World, story


class Short:
    """The first so many openings fail with this number, as the system's do."""

    def __init__(self, number: int, times: int) -> None:
        self.number = number
        self.times = times

    def open(self) -> str:
        if self.times:
            self.times -= 1
            raise OSError(self.number, "as the system says")
        return "opened"


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
@story
async def test_a_handler_that_finds_no_descriptor_is_started_again_uncounted(number: int) -> None:
    short = Short(number, 3)

    @handler(max_attempts=1)
    async def opening(payload: dict[str, Any]) -> str:
        return short.open()

    world = World({"opening": opening})
    host = world.start()
    record = await world.until(await world.submit("opening"))
    assert (record.status, record.attempt, len(host.seen(JobStarted))) == (Status.SUCCEEDED, 1, 4)
    assert "no file descriptor left" in record.history[2].reason
    await world.stop()


async def test_the_same_holds_for_a_thread() -> None:
    short = Short(errno.EMFILE, 1)

    @handler(max_attempts=1)
    def opening(payload: dict[str, Any]) -> str:
        return short.open()

    soon = HandlerSettings(types={"opening": TypeSettings(backoff=BackoffSettings(cap=0.2))})
    world = World({"opening": opening}, types=soon, real=REAL)
    world.start()
    record = await world.until(await world.submit("opening"), patience=30)
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    await world.stop()


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ENOSPC, errno.EACCES])
@story
async def test_what_the_job_may_have_done_itself_counts(number: int) -> None:
    @handler(max_attempts=1)
    async def opening(payload: dict[str, Any]) -> str:
        return Short(number, 1).open()

    world = World({"opening": opening})
    world.start()
    record = await world.until(await world.submit("opening"))
    assert record.failure is not None
    assert (record.status, record.failure.kind) == (Status.FAILED, FailureKind.EXHAUSTED)
    await world.stop()
