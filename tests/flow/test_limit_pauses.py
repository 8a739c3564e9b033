"""A type, a tenant or a key that stands still for a time, and limits that an operator changes while the fleet runs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any

from cqworker.events.fleet_events import LimitNoticed, LimitOrdered
from cqworker.fleet.limit_actions import LimitActions, key_from
from cqworker.model.limits import LimitOrder, rate_from
from cqworker.model.status import Status
from cqworker.scheduling.sweep_leases import LIMITS
from cqworker.settings.limit_settings import limits_of
from tests.flow.fleet_world import FleetWorld
from tests.flow.slots import Meter, end_all
from tests.flow.test_start_rates import Mail
from tests.flow.world import story

NOTICED = 35
"""Seconds in which every worker has read what holds."""
SWEPT = 95
"""Seconds in which who waits is looked after."""


def actions_in(world: FleetWorld) -> LimitActions:
    return LimitActions(
        fleet=world.fleet,
        limits=world.limits,
        rates=world.rates,
        read_many=world.schedule.read_many,
        clock=world.clock,
        emit=world.events.append,
        written=limits_of(world.settings.limits),
    )


async def started(**options: Any) -> tuple[FleetWorld, Meter, LimitActions]:
    meter = Meter()
    world = FleetWorld({"work": meter.work}, **options)
    for name in ("w1", "w2"):
        world.start(name)
    await asyncio.sleep(2)
    return world, meter, actions_in(world)


def in_seconds(world: FleetWorld, seconds: float) -> int:
    return world.clock.now() + round(seconds * 1000)


@story
async def test_a_tenant_stands_still_until_it_is_resumed_and_the_others_go_on() -> None:
    world, _, actions = await started()
    paused = await actions.pause("tenant:acme", in_seconds(world, 7200), "ops", "abuse")
    assert paused.limit is not None
    await asyncio.sleep(NOTICED)
    stuck = [await world.submit("work", tenant="acme") for _ in range(5)]
    other = await world.submit("work", tenant="bob")
    await world.until(other, Status.SUCCEEDED, patience=20)
    await world.until_true(lambda: all(world.record(job).parked == "tenant:acme" for job in stuck), patience=60)
    await asyncio.sleep(1800)
    assert {world.record(job).attempt for job in stuck} == {0}
    standing = await actions.show("tenant:acme")
    assert (standing.waiting, standing.held) == (5, 0)
    assert standing.oldest is not None
    assert standing.oldest.job_id == stuck[0]
    began = world.clock.monotonic()
    await actions.lift("tenant:acme", "ops", "mended")
    await end_all(world, stuck)
    assert world.clock.monotonic() - began < NOTICED + SWEPT
    assert [event.reason for event in world.events if isinstance(event, LimitOrdered)] == ["abuse", "mended"]
    assert world.seen(LimitNoticed)
    await world.until_empty()
    await world.stop()


@story
async def test_a_resume_wakes_who_waits_as_soon_as_it_is_noticed() -> None:
    world = FleetWorld({"work": Meter().work})
    world.start("w1")
    await world.until_true(lambda: LIMITS in world.schedule.leases)
    await asyncio.sleep(NOTICED)
    actions = actions_in(world)
    await actions.pause("tenant:acme", in_seconds(world, 7200), "ops", "abuse")
    await asyncio.sleep(NOTICED)
    stuck = [await world.submit("work", tenant="acme") for _ in range(5)]
    await world.until_true(lambda: all(world.record(job).parked == "tenant:acme" for job in stuck), patience=60)
    await actions.lift("tenant:acme", "ops", "mended")
    await world.until_true(lambda: world.record(stuck[0]).status is not Status.QUEUED, patience=NOTICED)
    await end_all(world, stuck)
    await world.until_empty()
    await world.stop()


@story
async def test_a_pause_ends_by_itself() -> None:
    world, _, actions = await started()
    await actions.pause("type:work", in_seconds(world, 900), "ops")
    await asyncio.sleep(NOTICED)
    job = await world.submit("work")
    await asyncio.sleep(600)
    assert world.record(job).attempt == 0
    began = world.clock.monotonic()
    await world.until(job, Status.SUCCEEDED)
    assert world.clock.monotonic() - began < 300 + NOTICED + SWEPT
    await world.stop()


@story
async def test_a_pause_stops_nothing_that_runs() -> None:
    world, _, actions = await started()
    job = await world.submit("work", '{"seconds": 120}')
    await world.until(job, Status.RUNNING)
    await actions.pause("type:work", in_seconds(world, 3600), "ops")
    assert (await world.until(job)).status is Status.SUCCEEDED
    assert world.record(job).attempt == 1
    await world.stop()


@story
async def test_a_paused_type_takes_no_moment_of_its_rate_and_drops_nothing() -> None:
    world, _, actions = await started(limits={"type:work": {"rate": "1/m", "on_full": "drop"}})
    await actions.pause("type:work", in_seconds(world, 3600), "ops")
    await asyncio.sleep(NOTICED)
    job = await world.submit("work")
    await world.until_true(lambda: world.record(job).parked, patience=60)
    assert world.rates.states == {}
    await actions.lift("type:work", "ops")
    assert (await world.until(job)).status is Status.SUCCEEDED
    await world.stop()


@story
async def test_a_parked_job_of_a_pause_is_cancelled_like_any_other() -> None:
    world, _, actions = await started()
    await actions.pause("type:work", in_seconds(world, 3600), "ops")
    await asyncio.sleep(NOTICED)
    job = await world.submit("work")
    await world.until_true(lambda: world.record(job).parked, patience=60)
    await world.operator.cancel(job, None)
    assert (await world.until(job)).status is Status.CANCELLED
    await world.stop()


@story
async def test_an_operator_s_limit_holds_on_all_workers_until_it_ends() -> None:
    world, meter, actions = await started()
    await actions.set("type:work", LimitOrder(concurrency=1, until=in_seconds(world, 600), by="ops"))
    await asyncio.sleep(NOTICED)
    jobs = [await world.submit("work") for _ in range(6)]
    await end_all(world, jobs)
    assert max(meter.most.values()) == 1
    await asyncio.sleep(700)
    more = [await world.submit("work") for _ in range(6)]
    await end_all(world, more)
    assert max(meter.most.values()) > 1
    await world.stop()


@story
async def test_a_higher_limit_wakes_those_who_wait() -> None:
    world, meter, actions = await started(limits={"type:work": {"concurrency": 1}})
    jobs = [await world.submit("work", '{"seconds": 600}') for _ in range(6)]
    await world.until_true(lambda: sum(bool(world.record(job).parked) for job in jobs) == 5, patience=60)
    await actions.set("type:work", LimitOrder(concurrency=6, by="ops"))
    began = world.clock.monotonic()
    await world.until_true(lambda: meter.most.get("default", 0) == 6, patience=590)
    assert world.clock.monotonic() - began < NOTICED + SWEPT + 300
    await end_all(world, jobs)
    await world.stop()


@story
async def test_a_rate_of_an_operator_goes_with_the_file_s_concurrency() -> None:
    mail = Mail(lasts=5)
    world = FleetWorld({"mail": mail.handler}, limits={"type:mail": {"concurrency": 2}})
    world.start("w1")
    await asyncio.sleep(2)
    await actions_in(world).set("type:mail", LimitOrder(rate=rate_from("20/m"), by="ops"))
    await asyncio.sleep(NOTICED)
    jobs = [await world.submit("mail") for _ in range(6)]
    await end_all(world, jobs)
    assert mail.most_within(2.5) <= 2
    assert max(mail.starts) - min(mail.starts) >= 11
    await world.stop()


@story
async def test_one_limit_key_of_one_tenant_stands_still() -> None:
    world, _, actions = await started()
    await world.fleet.enable("limits")
    world.office.ground.queue_control.note(await world.fleet.control())
    await actions.pause(key_from("key:inbox-7", "acme"), in_seconds(world, 3600), "ops")
    await asyncio.sleep(NOTICED)
    stuck = await world.submit("work", tenant="acme", limit_key="inbox-7")
    others = [
        await world.submit("work", tenant="bob", limit_key="inbox-7"),
        await world.submit("work", tenant="acme", limit_key="inbox-8"),
    ]
    for job in others:
        await world.until(job, Status.SUCCEEDED, patience=60)
    assert world.record(stuck).attempt == 0
    await actions.lift(key_from("key:inbox-7", "acme"), "ops")
    await end_all(world, [stuck])
    await world.stop()


@story
async def test_the_daemon_that_is_told_to_pause_a_type_starts_none_of_its_jobs_from_then_on() -> None:
    world, _, actions = await started()
    await asyncio.sleep(NOTICED)
    for host in world.hosts.values():
        actions = replace(actions, on_change=host.ground.queue_control.note_change)
        await actions.pause("type:work", in_seconds(world, 900), "ops")
        await world.until_true(partial(host.seen, LimitNoticed), patience=1)
    await world.stop()


@story
async def test_a_daemon_hears_of_a_resume_once_the_key_is_due_for_a_look() -> None:
    world, _, actions = await started()
    await world.limits.mark("type:work", "mark", in_seconds(world, 300))
    due_at = list[bool]()

    def heed() -> None:
        due_at.append(world.limits.times["type:work"] <= world.clock.now())

    await replace(actions, on_change=heed).lift("type:work", "ops")
    assert due_at == [True]
    await world.stop()


@story
async def test_a_type_that_is_resumed_by_way_of_a_daemon_starts_its_jobs_within_seconds() -> None:
    world, _, actions = await started()
    await world.until_true(lambda: LIMITS in world.schedule.leases)
    await asyncio.sleep(NOTICED)

    def heed() -> None:
        for host in world.hosts.values():
            host.ground.queue_control.note_change()

    actions = replace(actions, on_change=heed)
    await actions.pause("type:work", in_seconds(world, 900), "ops")
    await asyncio.sleep(2)
    job = await world.submit("work")
    await world.until_true(lambda: world.record(job).parked, patience=20)
    await asyncio.sleep(1)
    await actions.lift("type:work", "ops")
    await world.until(job, Status.RUNNING, patience=5)
    await world.stop()
