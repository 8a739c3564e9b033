"""`drain_timeout` is what it says: the time that handlers have, with two seconds after it for everything else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cqworker import handler
from cqworker.events import JobStarted
from cqworker.model.status import Status
from tests.flow.faults import slow
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.world import World, story

REST = 2.0
"""Seconds after `drain_timeout` in which the whole process is gone."""
PROCESS_END = 0.5
"""Of these, what closing and the interpreter's end need."""


@pytest.mark.parametrize("seconds", [0.0, 1.0, 8.0, 25.0])
@story
async def test_handlers_are_told_to_stop_when_the_drains_time_is_over_and_not_before(seconds: float) -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 300)})
    job_id = await world.submit("work")
    host = world.start()
    await world.until_true(lambda: book.starts)
    began = world.clock.monotonic()
    await host.drain(seconds)
    [(told, _, _)] = book.stops
    assert told - began == pytest.approx(seconds, abs=0.01)
    assert world.record(job_id).status is Status.QUEUED
    assert world.clock.monotonic() - began < seconds + REST - PROCESS_END


@story
async def test_a_job_that_ends_just_within_the_drains_time_is_done() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 25)})
    job_id = await world.submit("work")
    host = world.start()
    await world.until_true(lambda: book.starts)
    await asyncio.sleep(0.1)
    await host.drain(25)
    assert (world.record(job_id).status, book.stops) == (Status.SUCCEEDED, [])


@story
async def test_handlers_have_a_second_to_tidy_up_once_they_were_told() -> None:
    @handler(timeout=3600)
    async def tidy(payload: dict[str, Any]) -> None:
        try:
            await asyncio.sleep(300)
        finally:
            await asyncio.sleep(0.9)

    world = World({"tidy": tidy})
    job_id = await world.submit("tidy")
    host = world.start()
    await world.until_true(lambda: host.seen(JobStarted))
    await host.drain(5)
    record = world.record(job_id)
    assert (record.status, record.attempt) == (Status.QUEUED, 0)
    assert (await world.queue.depth()).visible == 1


@pytest.mark.parametrize("hurry_after", [1.0, 26.5])
@story
async def test_a_lifespan_that_cannot_be_left_holds_no_drain_up_and_a_second_signal_still_less(
    hurry_after: float,
) -> None:
    @asynccontextmanager
    async def endless() -> AsyncIterator[None]:
        yield
        await asyncio.sleep(1000)

    @handler(lifespan=endless)
    async def swim(payload: dict[str, Any]) -> None:
        return

    world = World({"swim": swim})
    host = world.start()
    await world.until(await world.submit("swim"))
    hurry = asyncio.Event()
    asyncio.get_running_loop().call_later(hurry_after, hurry.set)
    began = world.clock.monotonic()
    await host.drain(25, hurry)
    assert world.clock.monotonic() - began < min(hurry_after, 25) + REST - PROCESS_END


@story
async def test_a_second_signal_waits_for_no_delete_that_nobody_answers() -> None:
    world = World({"quick": quick})
    host = world.start()
    await world.until(await world.submit("quick"))
    host.queue.on("delete", slow(1000), 10)
    hurry = asyncio.Event()
    asyncio.get_running_loop().call_later(3, hurry.set)
    began = world.clock.monotonic()
    await host.drain(25, hurry)
    assert world.clock.monotonic() - began < 3 + REST - PROCESS_END
