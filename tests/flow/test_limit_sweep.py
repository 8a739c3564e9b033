"""Who looks at the limits: a lease of its own, beside the shards of due jobs, and a task of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from cqworker.errors import Unavailable
from cqworker.model.limits import LimitOrder
from cqworker.model.status import Status
from cqworker.ports.fleet import Control
from cqworker.ports.limits import Slots
from cqworker.ports.schedule import SweepLease
from cqworker.scheduling.sweep_leases import ALL_SHARDS, LIMITS
from cqworker.worker.assembly import lists_of
from tests.flow.slots import Meter, end_all, events_of
from tests.flow.world import World, story

LIFTED = Control(2)
ONE = Control(1, {}, {"type:work": LimitOrder(concurrency=1)})
LONG_AHEAD = 10**15


def tell(world: World, control: Control) -> None:
    for host in (*world.hosts.values(), world.office):
        host.ground.queue_control.note(control)


@story
async def test_limits_are_looked_at_while_older_daemons_sweep_every_shard() -> None:
    meter = Meter()
    world = World({"work": meter.work})
    for shard in ALL_SHARDS:
        world.schedule.leases[shard] = SweepLease(shard, "an older one", LONG_AHEAD)
    world.start()
    tell(world, ONE)
    jobs = [await world.submit("work", '{"seconds": 900}') for _ in range(3)]
    await world.until_true(lambda: sum(bool(world.record(job_id).parked) for job_id in jobs) == 2)
    tell(world, LIFTED)
    await world.until_true(lambda: meter.now == {"default": 3}, patience=150)
    assert world.schedule.leases[LIMITS].holder == "w1"
    await end_all(world, jobs)
    await world.stop()


@story
async def test_of_many_daemons_one_looks_at_the_limits_and_another_does_once_it_is_gone() -> None:
    world = World({"work": Meter().work})
    for name in ("w1", "w2", "w3"):
        world.start(name)
    await asyncio.sleep(600)
    holder = world.schedule.leases[LIMITS].holder
    assert world.schedule.leases[LIMITS].until > world.clock.now(), "it is renewed"
    world.kill(holder)
    await world.until_true(lambda: world.schedule.leases[LIMITS].holder != holder, patience=300)
    await world.stop()


@story
async def test_without_the_index_a_job_that_gets_no_slot_is_not_parked_but_asks_again() -> None:
    meter = Meter()
    world = World({"work": meter.work}, limits={"type:work": {"concurrency": 1}})
    world.schedule.ready = False
    world.start()
    first = await world.submit("work", '{"seconds": 100}')
    await world.until(first, Status.RUNNING)
    second = await world.submit("work")
    await world.until_true(lambda: world.record(second).history[-1].event == "handed_back")
    record = world.record(second)
    assert (record.status, record.attempt, record.parked) == (Status.QUEUED, 0, None)
    assert events_of(record)[-1] == "handed_back parked type:work"
    assert not world.limits.lists["type:work"], "nobody would ever look at it"
    await end_all(world, [first, second])
    assert meter.most == {"default": 1}
    assert world.record(second).attempt == 1
    await world.stop()


KEYS = 120


async def wait_beside_free_slots(world: World, number: int) -> list[str]:
    """Jobs of as many tenants, each parked though its slot is free: whoever should have woken it is gone."""
    jobs = [await world.submit("work", '{"seconds": 900}', tenant=f"t{one:03}") for one in range(number)]
    for one in range(number):
        world.limits.shards[f"tenant:t{one:03}", 0] = Slots(0, {"held": "by nobody"}, "a mark")
        world.limits.times[f"tenant:t{one:03}"] = world.clock.now()
    return jobs


@story
async def test_the_records_of_those_who_hold_slots_are_read_together() -> None:
    meter = Meter()
    world = World({"work": meter.work}, concurrency=100, limits={"type:work": {"concurrency": 40}})
    host = world.start()
    jobs = [await world.submit("work", '{"seconds": 900}') for _ in range(60)]
    await world.until_true(lambda: sum(bool(world.record(job_id).parked) for job_id in jobs) == 20)
    await asyncio.sleep(120)
    before, other = len(host.store.calls), world.office.store.calls
    lists = lists_of(world.office.ground, world.settings)
    for looks in (1, 2, 3):
        await lists.sweep("type:work")
        reads = 3 * looks - 2  # at first those of one shard vouch for their process
        assert (other.count("get"), other.count("read_many")) == (0, reads), "a shard of 16 is one request"
        await asyncio.sleep(50)
    calls = host.store.calls[before:]
    assert calls.count("marked") > 0
    assert calls.count("get") == calls.count("read_many") == 0, "who runs them himself knows that they run"
    await end_all(world, jobs)
    await world.stop()


@story
async def test_a_key_that_cannot_be_read_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    meter = Meter()
    world = World({"work": meter.work}, concurrency=KEYS, limits={"tenant:*": {"concurrency": 1}})
    read = world.limits.slots

    async def read_all_but_the_first(key: str) -> Sequence[Slots]:
        await asyncio.sleep(1)
        if key < "tenant:t100":
            raise Unavailable("dynamodb", "The table is throttled.", "Wait.", concerns="item")
        return await read(key)

    jobs = await wait_beside_free_slots(world, KEYS)
    world.start()
    await world.until_true(lambda: sum(bool(world.record(job_id).parked) for job_id in jobs) == KEYS)
    monkeypatch.setattr(world.limits, "slots", read_all_but_the_first)
    last = world.limits.shards["tenant:t119", 0]
    assert last.held == {"held": "by nobody"}
    await world.until_true(lambda: all(not world.record(job_id).parked for job_id in jobs[100:]), patience=150)
    monkeypatch.setattr(world.limits, "slots", read)
    await end_all(world, jobs)
    await world.stop()
