"""Limits where something else went wrong: releases that disagree, writes that come late."""

from __future__ import annotations

from cqworker.model.limits import LimitOrder
from cqworker.model.status import Status
from cqworker.ports.fleet import Control
from cqworker.ports.limits import Hold
from tests.flow.faults import late, slow
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


@story
async def test_an_attempt_that_stood_still_past_its_lease_lists_no_job_that_another_one_is_about_to_park() -> None:
    meter = Meter()
    world = World({"work": meter.work}, limits={KEY: {"concurrency": 1}}, concurrency=1)
    world.start("w1")
    holder = await world.submit("work", '{"seconds": 75}')
    await world.until(holder, Status.RUNNING)
    old = world.start("w2", before=lambda host: host.store.on("acquire", slow(5)))
    job_id = await world.submit("work")
    await world.until(job_id, Status.RUNNING)
    await world.until_true(lambda: "acquire" in old.store.calls)
    world.freeze("w2")
    world.start("w3")
    behind = await world.submit("work")
    await world.until_true(lambda: world.record(behind).parked)
    world.hosts["w3"].store.on("HandBack", late(30))
    await world.until_true(lambda: job_id in world.limits.lists[KEY])
    listed = world.limits.lists[KEY][job_id]
    world.thaw("w2")
    await world.until(behind, Status.SUCCEEDED)
    assert world.limits.lists[KEY][job_id] == listed, "the look at the end of the holder leaves it for who parks it"
    await end_all(world, [holder, job_id, behind])
    assert meter.most == {"default": 1}
    await world.stop()
