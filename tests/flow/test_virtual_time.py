"""Time that passes when nothing else happens, and hosts that stand still in it."""

from __future__ import annotations

import asyncio
import time

import pytest

from cqworker.testing import VirtualClock, run_virtually
from cqworker.testing.virtual_time import EPOCH_MS
from tests.flow.handlers import Notebook, worker_of
from tests.flow.world import World, loop_of_this_story, story


def test_hours_cost_milliseconds_and_timers_fire_in_their_order() -> None:
    fired: list[tuple[float, int]] = []

    async def sleep(number: int, hours: float) -> None:
        await asyncio.sleep(hours * 3600)
        fired.append((asyncio.get_running_loop().time(), number))

    async def day() -> None:
        await asyncio.gather(sleep(1, 24), sleep(2, 1), sleep(3, 12), sleep(4, 1))

    began = time.process_time()
    run_virtually(day)
    assert fired == [(3600.0, 2), (3600.0, 4), (43_200.0, 3), (86_400.0, 1)]
    assert time.process_time() - began < 1


def test_a_thousand_small_steps_reach_the_same_hour_as_a_long_one() -> None:
    async def steps() -> float:
        for _ in range(1000):
            await asyncio.sleep(3.6)
        return asyncio.get_running_loop().time()

    assert run_virtually(steps) == pytest.approx(3600.0, abs=0.01)


def test_a_loop_that_waits_for_the_rest_of_a_rounding_error_ends() -> None:
    async def wait_for(target: float) -> int:
        turns = 0
        while (left := target - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(left)
            turns += 1
        return turns

    async def all_of_them() -> list[int]:
        return [await wait_for(n / 3 + n * 1e-7) for n in range(1, 200)]

    assert max(run_virtually(all_of_them)) <= 3


def test_timeouts_fire_at_their_time() -> None:
    async def late() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(90):
                await asyncio.sleep(91)
        return asyncio.get_running_loop().time()

    assert run_virtually(late) == 90.0


def test_the_clocks_agree_but_for_their_skew() -> None:
    async def look() -> None:
        here, there = VirtualClock(), VirtualClock(skew=4000)
        await asyncio.sleep(10)
        assert (here.now(), there.now()) == (EPOCH_MS + 10_000, EPOCH_MS + 14_000)
        assert here.monotonic() == there.monotonic() == 10.0

    run_virtually(look)


@story
async def test_a_frozen_host_does_what_fell_due_when_it_goes_on_and_a_dead_one_never() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 5)}, concurrency=1)
    for name in ("w1", "w2"):
        await world.submit("work")
        world.start(name)
    await world.until_true(lambda: len(book.starts) == 2)
    world.freeze("w1")
    world.kill("w2")
    await asyncio.sleep(20)
    assert book.ends == []
    world.thaw("w1")
    thawed = world.clock.monotonic()
    await asyncio.sleep(1)
    assert [at for at, _, _ in book.ends] == [thawed]


@story
async def test_nobody_outlives_a_story() -> None:
    async def stubborn() -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            ended.append(True)

    ended: list[bool] = []
    task = asyncio.ensure_future(stubborn())
    await asyncio.sleep(1)
    await loop_of_this_story().end_all()
    assert (task.cancelled(), ended) == (True, [True])
