"""Limits of how many run at once over all workers: slots, waiting lists, and whoever dies with a slot."""

from __future__ import annotations

import asyncio
from typing import Any

from msgspec.structs import replace

from cqworker import Job, Retry, handler
from cqworker.model.limits import LimitOrder
from cqworker.model.status import Status
from cqworker.ports.fleet import Control
from cqworker.worker.assembly import lists_of
from tests.flow.slots import BUSY, Meter, end_all, events_of
from tests.flow.world import VISIBILITY, World, story


@story
async def test_no_more_run_at_once_than_a_limit_allows_over_all_workers() -> None:
    meter = Meter()
    world = World({"work": meter.work}, limits={"type:work": {"concurrency": 3}})
    for name in ("w1", "w2"):
        world.start(name)
    began = world.clock.now()
    jobs = [await world.submit("work") for _ in range(30)]
    await end_all(world, jobs)
    assert meter.most == {"default": 3}
    took = max(world.record(job_id).finished_at or 0 for job_id in jobs) - began
    assert took < 1000 * 30 / 3 * BUSY * 1.1, "slots that come free are taken at once"
    await world.stop()


@story
async def test_each_tenant_has_slots_of_its_own() -> None:
    meter = Meter()
    world = World({"work": meter.work}, limits={"tenant:*": {"concurrency": 1}})
    world.start()
    jobs = [await world.submit("work", tenant=tenant) for tenant in ("a", "b", "c") for _ in range(3)]
    began = world.clock.monotonic()
    await end_all(world, jobs)
    assert meter.most == {"a": 1, "b": 1, "c": 1}
    assert world.clock.monotonic() - began < 3 * BUSY + 5
    await world.stop()


@story
async def test_a_parked_job_says_so_holds_no_worker_s_slot_and_loses_no_attempt() -> None:
    meter = Meter()
    world = World({"work": meter.work, "other": meter.work}, concurrency=2, limits={"type:work": {"concurrency": 1}})
    world.start()
    first = await world.submit("work", '{"seconds": 100}')
    await world.until(first, Status.RUNNING)
    parked = await world.submit("work")
    await world.until_true(lambda: world.record(parked).parked)
    record = world.record(parked)
    assert (record.status, record.attempt, record.parked) == (Status.QUEUED, 0, "type:work")
    assert events_of(record)[-1] == "handed_back parked type:work"
    await world.until_true(lambda: not [body for body in world.queue.bodies if parked in body], patience=5)
    other = await world.submit("other")
    await world.until(other, Status.SUCCEEDED)
    assert world.record(first).status is Status.RUNNING
    await end_all(world, [first, parked])
    assert world.record(parked).attempt == 1
    await world.stop()


@story
async def test_those_who_wait_start_in_the_order_of_their_submission() -> None:
    order: list[str] = []

    @handler
    async def work(_payload: dict[str, Any], job: Job) -> None:
        order.append(job.id)
        await asyncio.sleep(BUSY)

    world = World({"work": work}, limits={"type:work": {"concurrency": 1}})
    world.start()
    jobs = []
    for _ in range(6):
        jobs.append(await world.submit("work"))
        await asyncio.sleep(0.5)
    await end_all(world, jobs)
    assert order == jobs
    await world.stop()


@story
async def test_a_job_whose_slot_comes_free_while_it_is_parked_starts_at_once() -> None:
    """Its own look wakes it, and the worker that still parks it receives that message."""
    meter = Meter()
    world = World({"work": meter.work}, limits={"type:work": {"concurrency": 1}})
    world.start()
    for tick in range(40):
        first = await world.submit("work", '{"seconds": 1}')
        await world.until(first, Status.RUNNING)
        await asyncio.sleep(1 - tick / 1000)
        other = await world.submit("work", '{"seconds": 0}')
        began = world.clock.monotonic()
        await world.until(other)
        assert world.clock.monotonic() - began < 2, f"{tick} ms before the end"
        await end_all(world, [first, other])
    await world.stop()


@story
async def test_a_holder_that_is_killed_loses_its_slot_with_its_lease() -> None:
    meter = Meter()
    world = World({"work": meter.work}, limits={"type:work": {"concurrency": 1}})
    world.start("w1")
    held = await world.submit("work", '{"seconds": 30}')
    await world.until(held, Status.RUNNING)
    world.kill("w1")
    meter.now.clear()
    world.start("w2")
    waiting = await world.submit("work")
    await world.until(waiting, Status.SUCCEEDED, patience=3 * VISIBILITY + 60)
    await end_all(world, [held, waiting])
    await world.stop()


@story
async def test_a_slot_that_was_taken_over_is_not_given_back_by_its_thawed_holder() -> None:
    meter = Meter()
    world = World({"work": meter.work}, limits={"type:work": {"concurrency": 1}})
    world.start("w1")
    first = await world.submit("work", '{"seconds": 20}')
    await world.until(first, Status.RUNNING)
    world.freeze("w1")
    world.start("w2")
    second = await world.submit("work", '{"seconds": 300}')
    await world.until(second, Status.RUNNING, patience=3 * VISIBILITY + 60)
    world.thaw("w1")
    await asyncio.sleep(30)
    assert list(world.limits.shards["type:work", 0].held) == [second]
    await end_all(world, [first, second])
    await world.stop()


@story
async def test_several_limits_are_held_together_and_none_while_another_is_full() -> None:
    meter = Meter()
    limits = {"tenant:*": {"concurrency": 2}, "type:work": {"concurrency": 1}}
    world = World({"work": meter.work, "other": meter.work}, limits=limits)
    world.start()
    first = await world.submit("work", '{"seconds": 60}')
    await world.until(first, Status.RUNNING)
    second = await world.submit("work")
    await world.until_true(lambda: world.record(second).parked == "type:work")
    assert list(world.limits.shards["tenant:default", 0].held) == [first], "its slot of the tenant went back"
    third = await world.submit("other")
    await world.until(third, Status.SUCCEEDED)
    assert world.record(first).status is Status.RUNNING
    await end_all(world, [first, second, third])
    await world.stop()


@story
async def test_a_parked_job_is_cancelled_put_off_or_run_now_as_any_job_that_waits() -> None:
    meter = Meter()
    world = World({"work": meter.work}, limits={"type:work": {"concurrency": 1}})
    world.start()
    first = await world.submit("work", '{"seconds": 100}')
    await world.until(first, Status.RUNNING)
    cancelled, put_off, hurried, resent = [await world.submit("work") for _ in range(4)]
    for job_id in (cancelled, put_off, hurried, resent):
        await world.until_true(lambda job_id=job_id: world.record(job_id).parked)  # type: ignore[misc]
    assert (await world.operator.cancel(cancelled, None)).status is Status.CANCELLED
    record = await world.operator.reschedule(put_off, None, world.clock.now() + 3_600_000)
    assert (record.status, record.parked) == (Status.SCHEDULED, None)
    await world.operator.reschedule(hurried, None, None)
    await world.until_true(lambda: events_of(world.record(hurried))[-1] == "handed_back parked type:work")
    await world.operator.retry(resent, None)
    for job_id in (first, hurried, resent, put_off):
        await world.until(job_id, Status.SUCCEEDED)
    assert world.record(put_off).started_at is not None
    await end_all(world, [first, put_off, hurried, resent])
    assert meter.most == {"default": 1}
    await world.stop()


@story
async def test_a_retry_gives_its_slot_back_while_it_waits() -> None:
    @handler
    async def fail_once(_payload: dict[str, Any], job: Job) -> None:
        if job.attempt == 1:
            raise Retry("later", after=600)

    world = World({"work": fail_once}, limits={"type:work": {"concurrency": 1}})
    world.start()
    first = await world.submit("work")
    await world.until(first, Status.RETRYING)
    second = await world.submit("work")
    await world.until(second, Status.RETRYING)
    await end_all(world, [first, second])
    await world.stop()


@story
async def test_a_dead_holder_s_slot_is_not_taken_beyond_a_limit_that_was_lowered() -> None:
    meter = Meter()
    world = World({"work": meter.work}, concurrency=100)
    host = world.start()
    host.ground.queue_control.note(Control(1, {}, {"type:work": LimitOrder(concurrency=32)}))
    jobs = [await world.submit("work", '{"seconds": 400}') for _ in range(32)]
    await world.until_true(lambda: meter.now == {"default": 32})
    shard = world.limits.shards["type:work", 0]
    one_less = dict(sorted(shard.held.items())[1:])
    world.limits.shards["type:work", 0] = replace(shard, held={"0": "whose record is gone", **one_less})
    host.ground.queue_control.note(Control(2, {}, {"type:work": LimitOrder(concurrency=16)}))
    late = [await world.submit("work") for _ in range(3)]
    await asyncio.sleep(60)
    assert meter.most == {"default": 32}, "16 may run, 32 still do"
    host.ground.queue_control.note(Control(3, {}, {"type:work": LimitOrder(concurrency=100)}))
    await end_all(world, [*jobs, *late])
    await world.stop()


@story
async def test_who_is_started_again_after_a_crash_does_not_run_beyond_a_limit_that_was_lowered() -> None:
    meter = Meter()
    world = World({"work": meter.work}, limits={"type:work": {"concurrency": 2}})
    world.start("w1")
    first = await world.submit("work", '{"seconds": 400}')
    await world.until_true(lambda: meter.now == {"default": 1})
    world.start("w2")
    world.freeze("w1")
    second = await world.submit("work", '{"seconds": 400}')
    await world.until_true(lambda: meter.now == {"default": 2})
    world.kill("w1")
    meter.now["default"] = 1
    world.hosts["w2"].ground.queue_control.note(Control(1, {}, {"type:work": LimitOrder(concurrency=1)}))
    await asyncio.sleep(3 * VISIBILITY)
    assert meter.most == {"default": 2}
    assert (meter.now, world.record(first).parked) == ({"default": 1}, "type:work")
    await end_all(world, [first, second])
    assert meter.beside[first] == 1
    await world.stop()


@story
async def test_a_worker_takes_no_slot_from_its_own_job_whose_lease_has_ended_unnoticed() -> None:
    """As after a suspend, which the monotonic clock does not count: the next renewal finds the lease as it was."""
    meter = Meter()
    world = World({"work": meter.work}, limits={"type:work": {"concurrency": 1}})
    host = world.start()
    first = await world.submit("work", '{"seconds": 100}')
    await world.until(first, Status.RUNNING)
    ended = replace(world.record(first), lease_expires_at=world.clock.now() - 10_000)
    world.store.records[first] = ended
    second = await world.submit("work")
    await world.until_true(lambda: world.record(second).parked)
    world.store.records[first] = ended
    await lists_of(host.ground, world.settings).sweep("type:work")
    await asyncio.sleep(BUSY)
    assert world.limits.shards["type:work", 0].held == {first: ended.token}
    await end_all(world, [first, second])
    assert (world.record(first).attempt, meter.most) == (1, {"default": 1})
    await world.stop()


@story
async def test_of_a_limit_that_is_full_no_shard_is_asked_twice() -> None:
    meter = Meter()
    world = World({"work": meter.work}, limits={"type:work": {"concurrency": 100}}, concurrency=110)
    host = world.start()
    jobs = [await world.submit("work", '{"seconds": 400}') for _ in range(100)]
    await world.until_true(lambda: meter.now == {"default": 100})
    before = len(host.store.calls)
    late = await world.submit("work")
    await world.until_true(lambda: world.record(late).parked)
    calls = host.store.calls[before:]
    assert calls.count("acquire") == 0, "7 shards, which one read has shown to be full"
    await end_all(world, [*jobs, late])
    await world.stop()
