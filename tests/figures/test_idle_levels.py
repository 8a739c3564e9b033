"""What the levels of a queue cost in receives: idle, and with a backlog in each."""

from __future__ import annotations

import asyncio

import pytest

from cqworker.events import ReceiveAnswered
from cqworker.events.level_events import LevelStarted
from cqworker.model.priorities import PriorityName
from tests.conftest import Tell
from tests.flow.handlers import Notebook, worker_of
from tests.flow.world import World, story

LEVELS: tuple[PriorityName, ...] = ("high", "medium", "low")


def receives(world: World) -> int:
    """Answered so far, those of the dead-letter queue left out."""
    return sum(event.queue != "dead" for event in world.seen(ReceiveAnswered))


@pytest.mark.parametrize("workers", [1, 50])
@story
async def test_an_idle_level_costs_three_receives_a_minute_and_worker(workers: int, tell: Tell) -> None:
    world = World({"work": worker_of(Notebook(), 1)}, priorities=LEVELS)
    for number in range(workers):
        world.start(f"w{number}")
    await asyncio.sleep(30)
    before = receives(world)
    await asyncio.sleep(60)
    count = receives(world) - before
    tell(f"three idle levels, {workers} worker(s): {count} receives a minute")
    assert count == 9 * workers
    await world.stop()


@story
async def test_backlogs_in_all_levels_cost_no_more_receives_than_one_queue(tell: Tell) -> None:
    world = World({"work": worker_of(Notebook(), 0.01)}, priorities=LEVELS, concurrency=32)
    for level in LEVELS:
        for _ in range(1500):
            await world.submit("work", priority=level)
    world.start()
    await asyncio.sleep(1.2)
    started, count = len(world.seen(LevelStarted)), receives(world)
    tell(f"backlogs in three levels: {count / started:.3f} receives a job over {started} starts")
    assert started > 1000
    assert count / started <= 0.125
    world.kill("w1")
