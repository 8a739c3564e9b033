"""What a worker could not end is named, by the worker that leaves it and by the one that takes it over."""

from __future__ import annotations

import asyncio
from typing import Any

from cqworker import handler
from cqworker.events import JobLeftRunning, JobStarted, JobTakenOver
from cqworker.model.status import Status
from tests.flow.faults import unheard
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.world import World, story

REST = 2.0
PROCESS_END = 0.5


@story
async def test_what_will_not_stop_is_left_and_named_and_the_drain_ends_all_the_same() -> None:
    @handler(timeout=3600)
    async def deaf(payload: dict[str, Any]) -> None:
        for _ in range(2):
            try:
                await asyncio.sleep(200)
            except asyncio.CancelledError:
                continue

    world = World({"deaf": deaf})
    job_id = await world.submit("deaf")
    host = world.start()
    await world.until_true(lambda: host.seen(JobStarted))
    began = world.clock.monotonic()
    await host.drain(25)
    assert world.clock.monotonic() - began < 25 + REST - PROCESS_END
    [left] = host.seen(JobLeftRunning)
    assert left.job.job_id == job_id
    assert f"cqworker jobs retry {job_id}" in left.remedy


@story
async def test_a_drain_that_leaves_nothing_names_nothing() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick")
    host = world.start()
    await world.until(job_id)
    await host.drain(25)
    assert host.seen(JobLeftRunning) == []


@story
async def test_with_every_service_away_the_whole_drain_is_within_its_time_and_a_little() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 300)}, concurrency=20)
    ids = {await world.submit("work") for _ in range(20)}
    host = world.start()
    await world.until_true(lambda: len(book.starts) == 20)
    host.store.away = host.queue.away = host.artifacts.away = unheard
    began = world.clock.monotonic()
    await host.drain(25)
    assert world.clock.monotonic() - began < 25 + REST - PROCESS_END
    assert {event.job.job_id for event in host.seen(JobLeftRunning)} == ids


@story
async def test_an_attempt_that_follows_a_killed_workers_says_whose_and_since_when() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 30)})
    job_id = await world.submit("work")
    world.start("w1")
    await world.until(job_id, Status.RUNNING)
    world.kill("w1")
    second = world.start("w2")
    await world.until(job_id)
    [taken] = second.seen(JobTakenOver)
    assert (taken.job.job_id, taken.job.attempt, taken.former) == (job_id, 2, "w1")
    assert taken.seconds >= 60
    await world.stop()


@story
async def test_an_attempt_that_follows_a_retry_or_a_drain_takes_nothing_over() -> None:
    book = Notebook()

    @handler(max_attempts=3)
    async def twice(payload: dict[str, Any]) -> None:
        book.starts.append((0.0, "", 0))
        if len(book.starts) == 1:
            raise RuntimeError("not yet")
        await asyncio.sleep(20 if len(book.starts) == 2 else 0)

    world = World({"twice": twice})
    job_id = await world.submit("twice")
    first = world.start("w1")
    await world.until_true(lambda: len(book.starts) == 2)
    await first.drain(1)
    del world.hosts["w1"]
    second = world.start("w2")
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    assert [*first.seen(JobTakenOver), *second.seen(JobTakenOver)] == []
    await world.stop()
