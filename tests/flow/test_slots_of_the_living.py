"""Whether those who hold slots live: a worker judges them by their processes, and reads few of their records."""

from __future__ import annotations

import asyncio

from cqworker.admission.slots import JUDGED_FOR
from cqworker.model.ids import process_of
from cqworker.ports.limits import Slots
from cqworker.worker.assembly import lists_of
from tests.flow.slots import Meter, end_all
from tests.flow.world import World, story


@story
async def test_who_holds_slots_of_a_process_that_was_found_alive_is_not_looked_at_one_by_one() -> None:
    meter = Meter()
    world = World({"work": meter.work}, limits={"type:work": {"concurrency": 3}}, concurrency=3)
    world.start("w1")
    held = [await world.submit("work", '{"seconds": 400}') for _ in range(3)]
    await world.until_true(lambda: meter.now == {"default": 3})
    store = world.start("w2").store
    late = [await world.submit("work") for _ in range(3)]
    await world.until_true(lambda: all(world.record(job_id).parked for job_id in late))
    assert store.calls.count("get") == 1
    assert "slots" not in store.calls, "who marks the key hears how it stands"
    await end_all(world, [*held, *late])
    await world.stop()


@story
async def test_a_slot_that_a_live_process_left_behind_is_taken_although_its_others_run() -> None:
    """Other holders of the process are judged all the while, and found alive."""
    meter, tenants = Meter(), 10
    world = World({"work": meter.work}, limits={"tenant:*": {"concurrency": 1}}, concurrency=tenants)
    world.start()
    jobs = [await world.submit("work", '{"seconds": 100}', tenant=f"t{number}") for number in range(tenants)]
    await world.until_true(lambda: sum(meter.now.values()) == tenants)
    left = f"{process_of(world.record(jobs[0]).token or '')}.0"
    world.limits.shards["tenant:left", 0] = Slots(0, {"whose record is gone": left}, "a mark")
    lists = lists_of(world.office.ground, world.settings)
    for number in range(tenants):
        for tenant in (f"t{number}", "left"):
            await lists.sweep(f"tenant:{tenant}")
        await asyncio.sleep(JUDGED_FOR / 3)
    assert world.limits.shards["tenant:left", 0] == Slots(0)
    await end_all(world, jobs)
    await world.stop()
