"""Limits where something else went wrong: releases that disagree, writes that come late."""

from __future__ import annotations

from cqworker.model.limits import LimitOrder
from cqworker.model.status import Status
from cqworker.ports.fleet import Control
from cqworker.ports.limits import Hold
from tests.flow.slots import Meter, end_all
from tests.flow.world import World, story

KEY = "type:work"


@story
async def test_two_releases_that_disagree_of_a_limit_keep_the_larger_one_together_and_lose_nobody() -> None:
    meter = Meter()
    world = World({"work": meter.work}, limits={KEY: {"concurrency": 2}})
    world.start("w1")
    newer = world.start("w2")
    newer.ground.queue_control.note(Control(1, {}, {KEY: LimitOrder(concurrency=5)}))
    jobs = [await world.submit("work") for _ in range(40)]
    await end_all(world, jobs)
    assert 2 <= meter.most["default"] <= 5
    await world.stop()


@story
async def test_a_slot_that_is_taken_after_its_job_has_ended_keeps_nobody_waiting_for_good() -> None:
    meter = Meter()
    world = World({"work": meter.work}, limits={KEY: {"concurrency": 1}})
    world.start()
    ended = await world.submit("work", '{"seconds": 1}')
    await world.until(ended, Status.SUCCEEDED)
    await world.until_empty()
    late = Hold(KEY, 0, ended, world.record(ended).token or "")
    assert (await world.limits.acquire(late, 1, in_turn=False)).applied
    waiting = await world.submit("work")
    began = world.clock.monotonic()
    await world.until(waiting, Status.SUCCEEDED)
    assert world.clock.monotonic() - began < 120
    await end_all(world, [waiting])
    assert meter.most == {"default": 1}
    await world.stop()
