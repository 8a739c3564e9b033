"""Jobs that wait for a slot: what becomes of them when limits change, processes die, and weeks go by."""

from __future__ import annotations

import asyncio

import pytest

from cqworker.events.schedule_events import JobUnsendable
from cqworker.model.limits import LimitOrder
from cqworker.model.status import Status
from cqworker.ports import Letter
from cqworker.ports.fleet import Control
from tests.flow.faults import never, refused
from tests.flow.long_stories import look_seldom
from tests.flow.slots import BUSY, Meter, end_all, events_of
from tests.flow.world import VISIBILITY, World, story


@story
async def test_a_limit_that_is_lifted_or_taken_out_wakes_those_who_wait() -> None:
    for order in ({}, {"type:work": LimitOrder(concurrency=50)}):
        meter = Meter()
        world = World({"work": meter.work}, concurrency=100)
        held = Control(1, {}, {"type:work": LimitOrder(concurrency=1)})
        hosts = [world.start(name) for name in ("w1", "w2")]
        for host in (*hosts, world.office):
            host.ground.queue_control.note(held)
        jobs = [await world.submit("work", '{"seconds": 100}') for _ in range(20)]
        await world.until_true(lambda jobs=jobs, world=world: sum(bool(world.record(j).parked) for j in jobs) == 19)  # type: ignore[misc]
        for host in (*hosts, world.office):
            host.ground.queue_control.note(Control(2, {}, order))
        began = world.clock.monotonic()
        await world.until_true(lambda meter=meter: meter.now == {"default": 20}, patience=150)  # type: ignore[misc]
        assert world.clock.monotonic() - began < 100
        await end_all(world, jobs)
        await world.stop()


@story
async def test_a_limit_that_is_lowered_under_what_is_held_starts_nothing_until_there_is_room() -> None:
    meter = Meter()
    world = World({"work": meter.work}, limits={"type:work": {"concurrency": 40}}, concurrency=100)
    host = world.start()
    jobs = [await world.submit("work", f'{{"seconds": {20 + number}}}') for number in range(40)]
    await world.until_true(lambda: meter.now == {"default": 40})
    host.ground.queue_control.note(Control(1, {}, {"type:work": LimitOrder(concurrency=10)}))
    later = [await world.submit("work") for _ in range(5)]
    await end_all(world, [*jobs, *later])
    assert all(meter.beside[job_id] <= 10 for job_id in later)
    await world.stop()


@story
async def test_a_limit_of_zero_lets_nothing_start_and_ends_by_itself() -> None:
    meter = Meter()
    world = World({"work": meter.work})
    host = world.start()
    until = world.clock.now() + 600_000
    for each in (host, world.office):
        each.ground.queue_control.note(Control(1, {}, {"tenant:acme": LimitOrder(concurrency=0, until=until)}))
    paused = [await world.submit("work", tenant="acme") for _ in range(3)]
    free = await world.submit("work")
    await world.until(free, Status.SUCCEEDED)
    await asyncio.sleep(300)
    assert [world.record(job_id).parked for job_id in paused] == ["tenant:acme"] * 3
    for job_id in paused:
        record = await world.until(job_id, Status.SUCCEEDED, patience=900)
        assert until <= (record.started_at or 0) <= until + 120_000
    await end_all(world, paused)
    await world.stop()


@story
async def test_a_full_limit_that_drops_cancels_and_says_which_it_was() -> None:
    meter = Meter()
    world = World({"work": meter.work}, limits={"type:work": {"concurrency": 1, "on_full": "drop"}})
    world.start()
    first = await world.submit("work", '{"seconds": 30}')
    await world.until(first, Status.RUNNING)
    second = await world.submit("work")
    assert events_of(await world.until(second, Status.CANCELLED))[-1] == "cancelled limit type:work"
    await end_all(world, [first])
    await world.stop()


@story
async def test_who_settles_and_dies_before_its_slot_is_free_is_followed_by_its_message() -> None:
    meter = Meter()
    world = World({"work": meter.work}, limits={"type:work": {"concurrency": 1}})
    host = world.start("w1")
    first = await world.submit("work")
    await world.until(first, Status.RUNNING)
    second = await world.submit("work")
    await world.until_true(lambda: world.record(second).parked)
    host.store.on("free", never(lambda: world.kill("w1")))
    await world.until(first, Status.SUCCEEDED)
    world.start("w2")
    await world.until(second, Status.SUCCEEDED, patience=2 * VISIBILITY + 60)
    await end_all(world, [first, second])
    await world.stop()


@story
async def test_a_waker_that_dies_between_its_send_and_its_delete_wakes_nobody_for_good() -> None:
    meter = Meter()
    world = World({"work": meter.work}, limits={"type:work": {"concurrency": 1}})
    host = world.start("w1")
    first, second = await world.submit("work"), await world.submit("work")
    await world.until_true(lambda: world.record(second).parked or world.record(first).parked)
    host.store.on("delete_waiter", never(lambda: world.kill("w1")))
    await world.until_true(lambda: "w1" not in world.hosts)
    world.start("w2")
    await end_all(world, [first, second])
    assert meter.most == {"default": 1}
    await world.stop()


@story
async def test_a_job_that_has_been_parked_for_more_than_a_week_is_kept_until_the_limit_is_lifted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    look_seldom(monkeypatch)
    meter = Meter()
    world = World({"work": meter.work})
    host = world.start()
    paused = Control(1, {}, {"type:work": LimitOrder(concurrency=0)})
    for each in (host, world.office):
        each.ground.queue_control.note(paused)
    job_id = await world.submit("work")
    await world.until_true(lambda: world.record(job_id).parked)
    await asyncio.sleep(9 * 86_400)
    record = world.record(job_id)
    assert record.purge_at * 1000 > world.clock.now() + 15 * 86_400_000
    assert events_of(record)[-1].startswith("handed_back parked type:work x")
    assert len(record.history) <= 4
    for each in (host, world.office):
        each.ground.queue_control.note(Control(2))
    await end_all(world, [job_id])
    await world.stop()


@story
async def test_a_dead_letter_of_a_parked_job_does_not_lose_it() -> None:
    meter = Meter()
    world = World({"work": meter.work}, limits={"type:work": {"concurrency": 1}})
    world.start()
    first = await world.submit("work", '{"seconds": 200}')
    await world.until(first, Status.RUNNING)
    second = await world.submit("work")
    [body] = [body for body in world.queue.bodies if second in body]
    await world.until_true(lambda: world.record(second).parked)
    world.limits.lists["type:work"].clear()
    await world.dead.send(Letter(body=body))
    await end_all(world, [first, second])
    await world.stop()


@story
async def test_jobs_whose_queue_takes_nothing_hold_up_none_of_those_who_wait_behind_them() -> None:
    meter = Meter()
    world = World({"work": meter.work}, limits={"tenant:*": {"concurrency": 1}}, more_queues=("gone",))
    host = world.start()
    stuck = [await world.submit("work", queue="gone") for _ in range(30)]
    await world.until_true(lambda: sum(bool(world.record(job_id).parked) for job_id in stuck) == 29)
    [runs] = [job_id for job_id in stuck if not world.record(job_id).parked]
    for each in (host, world.office):
        each.queues["gone"].on("send", refused, 10_000)
    began = world.clock.monotonic()
    jobs = [await world.submit("work") for _ in range(5)]
    for job_id in (runs, *jobs):
        await world.until(job_id, Status.SUCCEEDED, patience=100)
    assert world.clock.monotonic() - began < 6 * BUSY + 5, "a slot that comes free is taken at once"
    assert all(world.record(job_id).parked for job_id in stuck if job_id != runs)
    tried = host.queues["gone"].calls.count("send")
    assert tried <= 29 * 2, "who cannot be sent is let be for a while"
    assert host.seen(JobUnsendable), "it is told"
    for each in (host, world.office):
        each.queues["gone"].granted()
    await end_all(world, [*stuck, *jobs])
    assert meter.most == {"default": 1}
    await world.stop()


@story
async def test_the_record_of_a_parked_job_is_kept_for_a_year_whoever_stands_before_it_and_whatever_its_priority() -> (
    None
):
    meter = Meter()
    world = World({"work": meter.work}, limits={"type:work": {"concurrency": 1}}, priorities=("high", "medium"))
    world.start()
    jobs = [await world.submit("work", '{"seconds": 1}') for _ in range(3)]
    await world.until_true(lambda: sum(bool(world.record(job_id).parked) for job_id in jobs) == 2)
    parked = next(job_id for job_id in jobs if world.record(job_id).parked)
    a_year_on = world.clock.now() // 1000 + 365 * 86_400
    assert world.record(parked).purge_at > a_year_on
    assert all(waiter.purge_at > a_year_on for waiter in world.limits.lists["type:work"].values())
    record = await world.operator.reprioritise(parked, None, "high")
    assert (record.priority, record.purge_at > a_year_on) == ("high", True)
    await end_all(world, jobs)
    assert world.record(parked).purge_at < a_year_on
    await world.stop()
