"""Levels of a queue: who comes first, by how much, and that nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from pydantic import BaseModel

from cqworker import Job, handler
from cqworker.testing import World, in_virtual_time

LEVELS = ("high", "medium", "low")


class Work(BaseModel):
    seconds: float = 1.0


class Starts:
    """Who started, in order, and when."""

    def __init__(self) -> None:
        self.levels: list[str] = []
        self.ids: dict[str, float] = {}

    def note(self, job: Job) -> None:
        self.levels.append(job.priority)
        self.ids[job.id] = asyncio.get_running_loop().time()


def handlers_of(starts: Starts) -> Mapping[str, Any]:
    @handler(timeout=4000, max_attempts=3)
    async def work(payload: Work, job: Job) -> None:
        starts.note(job)
        await asyncio.sleep(payload.seconds)

    return {"work": work}


def levelled(**more: object) -> Sequence[Mapping[str, Any]]:
    return [{"name": "jobs", "priorities": LEVELS, **more}]


async def fill(world: World, counts: Mapping[str, int], seconds: float) -> None:
    for level, count in counts.items():
        for _ in range(count):
            await world.submit("work", {"seconds": seconds}, priority=level)


def shares_of(levels: Sequence[str]) -> dict[str, float]:
    counts = Counter(levels)
    return {level: counts[level] / len(levels) for level in LEVELS}


@pytest.mark.parametrize(("slots", "seconds"), [(32, 0.1), (4, 0.5), (1, 60.0)])
@in_virtual_time
async def test_under_saturation_starts_are_shared_out_by_weight(slots: int, seconds: float) -> None:
    starts = Starts()
    total = 5000 if slots == 32 else 1000
    async with World(
        handlers_of(starts), concurrency=slots, queues=levelled(reserve=min(1, slots - 1)), workers=0
    ) as world:
        await fill(world, dict.fromkeys(LEVELS, total), seconds)
        world.start()
        while len(starts.levels) < total:
            await world.advance(10)
        shares = shares_of(starts.levels[:total])
        world.kill("w1")
    assert shares == {
        "high": pytest.approx(0.6, abs=0.02),
        "medium": pytest.approx(0.3, abs=0.02),
        "low": pytest.approx(0.1, abs=0.02),
    }


@in_virtual_time
async def test_in_strict_mode_the_most_urgent_starts_but_for_the_floor_of_the_others() -> None:
    """The floor goes to whichever of the others got least: given to the lowest alone, it would starve the middle."""
    starts = Starts()
    async with World(handlers_of(starts), concurrency=8, queues=levelled(mode="strict"), workers=0) as world:
        await fill(world, dict.fromkeys(LEVELS, 2000), 0.2)
        world.start()
        while len(starts.levels) < 2000:
            await world.advance(10)
        shares = shares_of(starts.levels[:2000])
        world.kill("w1")
    assert shares == {
        "high": pytest.approx(0.95, abs=0.02),
        "medium": pytest.approx(0.025, abs=0.01),
        "low": pytest.approx(0.025, abs=0.01),
    }


@pytest.mark.parametrize("mode", ["weighted", "strict"])
@in_virtual_time
async def test_a_high_job_waits_for_one_slot_and_not_for_ten_thousand_low_ones(mode: str) -> None:
    starts = Starts()
    async with World(handlers_of(starts), concurrency=4, queues=levelled(mode=mode), workers=0) as world:
        await fill(world, {"low": 10_000}, 10.0)
        world.start()
        await world.advance(307)
        waits = []
        for _ in range(10):
            asked = asyncio.get_running_loop().time()
            job = await world.submit("work", {"seconds": 1}, priority="high")
            await world.wait(job.job_id)
            waits.append(starts.ids[job.job_id] - asked)
            await world.advance(33.3)
        world.kill("w1")
    assert max(waits) <= 10.0 + 1.0


@pytest.mark.parametrize("mode", ["weighted", "strict"])
@in_virtual_time
async def test_a_low_job_starts_although_high_ones_never_end(mode: str) -> None:
    starts = Starts()
    async with World(handlers_of(starts), concurrency=2, queues=levelled(mode=mode), workers=0) as world:
        await fill(world, {"high": 3000}, 5.0)
        world.start()
        await world.advance(600)
        job = await world.submit("work", {"seconds": 5}, priority="low")
        asked = asyncio.get_running_loop().time()
        await world.wait(job.job_id)
        wait = starts.ids[job.job_id] - asked
        world.kill("w1")
    assert wait <= 20 * 5.0


@in_virtual_time
async def test_a_level_that_rested_is_owed_nothing() -> None:
    """A burst of low jobs after an hour of high ones does not shut these out until it has caught up."""
    starts = Starts()
    async with World(handlers_of(starts), concurrency=4, queues=levelled(), workers=0) as world:
        await fill(world, {"high": 9000}, 1.0)
        world.start()
        await world.advance(1000)
        before = len(starts.levels)
        await fill(world, {"low": 1000}, 1.0)
        await world.advance(100)
        later = starts.levels[before:]
        world.kill("w1")
    assert Counter(later)["low"] / len(later) == pytest.approx(1 / 7, abs=0.04)


@in_virtual_time
async def test_a_level_alone_has_all_slots() -> None:
    starts = Starts()
    async with World(handlers_of(starts), concurrency=10, queues=levelled()) as world:
        await fill(world, {"low": 300}, 1.0)
        await world.advance(33)
    assert Counter(starts.levels) == {"low": 300}
