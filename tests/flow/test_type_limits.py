"""How much runs at once: in the worker, and of one type; a handler that does not stop keeps its place."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cqworker import Job, handler
from cqworker.events import AbandonedHandlerEnded, SlotsChanged
from cqworker.model.status import Status
from cqworker.settings import HandlerSettings, TypeSettings
from cqworker.testing.host import Host
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.world import World, story


def most_at_once(book: Notebook, done: list[tuple[float, str, int]]) -> int:
    """The largest number of runs under way at any time."""
    steps = [(at, 1) for at, _, _ in book.starts] + [(at, -1) for at, _, _ in done]
    running = highest = 0
    for _, step in sorted(steps):
        running += step
        highest = max(highest, running)
    return highest


def slots_are_exact(host: Host) -> bool:
    told = [event.taken for event in host.seen(SlotsChanged)]
    return all(abs(b - a) == 1 for a, b in zip([0, *told], told, strict=False)) and host.worker.capacity.taken == 0


@pytest.mark.parametrize("concurrency", [1, 7, 25])
@story
async def test_as_many_jobs_run_at_once_as_there_are_slots(concurrency: int) -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 2)}, concurrency=concurrency)
    ids = [await world.submit("work") for _ in range(50)]
    host = world.start()
    for job_id in ids:
        await world.until(job_id)
    assert most_at_once(book, book.ends) == concurrency
    assert world.clock.monotonic() <= 50 / concurrency * 2 + 4
    await world.stop()
    assert slots_are_exact(host)


@story
async def test_a_type_runs_no_more_often_than_its_limit_and_leaves_the_others_their_slots() -> None:
    book, other = Notebook(), Notebook()
    world = World({"narrow": worker_of(book, 10, concurrency=2), "wide": worker_of(other, 1)}, concurrency=16)
    narrow = [await world.submit("narrow") for _ in range(20)]
    wide = [await world.submit("wide") for _ in range(100)]
    world.start()
    for job_id in wide:
        await world.until(job_id)
    assert world.clock.monotonic() <= 30
    for job_id in narrow:
        record = await world.until(job_id)
        assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    assert most_at_once(book, book.ends) == 2
    assert world.clock.monotonic() <= 20 / 2 * 10 * 1.6
    await world.stop()


@story
async def test_an_operator_may_limit_a_type() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 1)}, types=HandlerSettings(types={"work": TypeSettings(concurrency=1)}))
    ids = [await world.submit("work") for _ in range(5)]
    world.start()
    for job_id in ids:
        await world.until(job_id)
    assert most_at_once(book, book.ends) == 1
    await world.stop()


@story
async def test_short_jobs_of_a_narrow_type_follow_each_other_without_a_pause() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 0.1, concurrency=2)})
    for _ in range(200):
        await world.submit("work")
    world.start()
    await world.until_true(lambda: len(book.ends) >= 100)
    assert world.clock.monotonic() <= 100 * 0.1 / 2 * 2
    await world.stop()


def deaf_for(seconds: float, **options: Any) -> Any:
    @handler(timeout=1, max_attempts=1, **options)
    async def deaf(payload: dict[str, Any], job: Job) -> None:
        until = asyncio.get_running_loop().time() + seconds
        while (left := until - asyncio.get_running_loop().time()) > 0.001:
            try:
                await asyncio.sleep(left)
            except asyncio.CancelledError:
                continue

    return deaf


@story
async def test_a_handler_that_does_not_stop_keeps_its_slot_until_it_ends() -> None:
    world = World({"deaf": deaf_for(100), "quick": quick}, concurrency=2)
    host = world.start()
    for _ in range(2):
        await world.until(await world.submit("deaf"))
    assert host.worker.capacity.taken == 2
    job_id = await world.submit("quick")
    await asyncio.sleep(60)
    assert world.record(job_id).status is Status.QUEUED
    assert len(host.worker.executor.stragglers) == 2
    await world.until(job_id)
    assert len(host.seen(AbandonedHandlerEnded)) >= 1
    await world.until_true(lambda: host.worker.capacity.taken == 0)
    assert host.worker.executor.stragglers == set()
    await world.stop()
    assert slots_are_exact(host)


@story
async def test_a_handler_that_does_not_stop_keeps_the_place_of_its_type() -> None:
    book = Notebook()

    @handler(timeout=10, max_attempts=1, concurrency=1)
    async def deaf(payload: dict[str, Any], job: Job) -> None:
        book.starts.append((asyncio.get_running_loop().time(), job.id, 1))
        for _ in range(2):
            try:
                await asyncio.sleep(50)
            except asyncio.CancelledError:
                continue
        book.ends.append((asyncio.get_running_loop().time(), job.id, 1))

    world = World({"deaf": deaf})
    ids = [await world.submit("deaf") for _ in range(2)]
    world.start()
    for job_id in ids:
        await world.until(job_id)
    await world.until_true(lambda: len(book.ends) == 2)
    assert most_at_once(book, book.ends) == 1
    await world.stop()
