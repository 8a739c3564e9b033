"""Hosts come and go all day: no job is lost, none is charged, none ends twice."""

from __future__ import annotations

import asyncio
import random

import pytest

from cqworker.events import BackgroundFailed, HandlerAbandoned, JobSettled, LeaseLost
from cqworker.model.status import Status
from tests.flow.handlers import Notebook, worker_of
from tests.flow.world import World, story


@pytest.mark.parametrize("seed", range(5))
@story
async def test_deploys_under_load_cost_no_attempt(seed: int) -> None:
    chance = random.Random(seed)
    book = Notebook()
    world = World({"work": worker_of(book, 0, max_attempts=1)}, concurrency=8)
    ids: list[str] = []

    async def submit() -> None:
        for _ in range(250):
            seconds = chance.choice((0, 0.5, 3, 12))
            ids.append(await world.submit("work", f'{{"seconds":{seconds}}}'))
            await asyncio.sleep(chance.uniform(0, 0.8))

    submitting = asyncio.ensure_future(submit())
    for number in range(12):
        world.start(f"w{number}")
        await asyncio.sleep(chance.uniform(0, 8))
        if number:
            oldest = world.hosts.pop(f"w{number - 1}")
            await oldest.drain(chance.choice((25.0, 25.0, 24.0)))
    await submitting
    await world.until_empty()
    await world.stop()
    records = [world.record(job_id) for job_id in ids]
    assert {(record.status, record.attempt) for record in records} == {(Status.SUCCEEDED, 1)}
    assert len(world.seen(JobSettled)) == 250
    assert not world.seen(LeaseLost) + world.seen(HandlerAbandoned) + world.seen(BackgroundFailed)


@pytest.mark.parametrize("seed", range(5))
@story
async def test_crashes_and_freezes_under_load_charge_only_what_ran(seed: int) -> None:
    chance = random.Random(seed)
    book = Notebook()
    world = World({"work": worker_of(book, 0, max_attempts=30)}, concurrency=8)
    ids = [await world.submit("work", f'{{"seconds":{chance.choice((0, 1, 5, 30))}}}') for _ in range(150)]
    blows = 0
    for number in range(10):
        world.start(f"w{number}")
        await asyncio.sleep(chance.uniform(5, 40))
        if chance.random() < 0.5:
            world.kill(f"w{number}")
            blows += 1
        else:
            world.freeze(f"w{number}")
            await asyncio.sleep(chance.uniform(1, 150))
            world.thaw(f"w{number}")
            blows += 1
    world.start("last")
    for job_id in ids:
        assert (await world.until(job_id)).status is Status.SUCCEEDED
    await world.until_empty()
    await world.stop()
    records = [world.record(job_id) for job_id in ids]
    assert len(book.starts) <= len(ids) + blows * 8
    assert sum(record.attempt for record in records) <= len(ids) + blows * 8
    for record in records:
        assert [entry.event for entry in record.history].count("succeeded") == 1
