"""Rates that change while jobs wait, and several that bind one job."""

from __future__ import annotations

import asyncio
from typing import Any

from cqworker.model.limits import LimitOrder, rate_from
from cqworker.model.status import Status
from cqworker.ports.fleet import Control
from tests.flow.test_start_rates import HOUR, Mail, all_done, submitted
from tests.flow.world import World, story


@story
async def test_a_higher_rate_speeds_up_those_that_come_and_within_the_hour_those_that_wait() -> None:
    mail = Mail()
    world = World({"mail": mail.handler}, limits={"type:mail": {"rate": "1/d"}})
    host = world.start("w1")
    jobs = await submitted(world, 20)
    await asyncio.sleep(HOUR)
    assert len(mail.starts) == 1
    host.ground.queue_control.note(Control(1, {}, {"type:mail": LimitOrder(rate=rate_from("100/s"))}))
    began = asyncio.get_running_loop().time()
    await all_done(world, jobs)
    assert max(mail.starts) - began <= 1.3 * HOUR
    await world.stop()


@story
async def test_a_lower_rate_holds_from_the_next_moment_on() -> None:
    mail = Mail()
    world = World({"mail": mail.handler}, limits={"type:mail": {"rate": "100/s", "burst": 1}})
    host = world.start("w1")
    await all_done(world, await submitted(world, 5))
    host.ground.queue_control.note(Control(1, {}, {"type:mail": LimitOrder(rate=rate_from("1/m"))}))
    mail.starts.clear()
    await all_done(world, await submitted(world, 4))
    assert max(mail.starts) - min(mail.starts) >= 170
    await world.stop()


@story
async def test_a_rate_that_is_taken_out_lets_those_that_wait_start_at_their_moment() -> None:
    mail = Mail()
    world = World({"mail": mail.handler})
    host = world.start("w1")
    host.ground.queue_control.note(Control(1, {}, {"type:mail": LimitOrder(rate=rate_from("1/m"))}))
    jobs = await submitted(world, 5)
    await asyncio.sleep(10)
    host.ground.queue_control.note(Control(2))
    quick = await world.submit("mail")
    await world.until(quick, patience=5)
    await all_done(world, jobs)
    await world.stop()


@story
async def test_two_releases_with_unlike_rates_exceed_neither_by_more_than_its_burst() -> None:
    mail = Mail()
    world = World({"mail": mail.handler}, limits={"type:mail": {"rate": "10/s", "burst": 1}})
    world.start("w1")
    slow = world.start("w2")
    slow.ground.queue_control.note(Control(1, {}, {"type:mail": LimitOrder(rate=rate_from("5/s"), burst=1)}))
    await all_done(world, await submitted(world, 200))
    assert mail.most_within(10.0) <= 10 * 12 + 1
    await world.stop()


@story
async def test_a_job_under_two_rates_keeps_both() -> None:
    mail = Mail()
    world = World(
        {"mail": mail.handler},
        limits={"type:mail": {"rate": "1/s", "burst": 1}, "tenant:default": {"rate": "30/m", "burst": 1}},
    )
    world.start("w1")
    await all_done(world, await submitted(world, 10))
    assert max(mail.starts) - min(mail.starts) >= 16
    await world.stop()


@story
async def test_jobs_of_one_limit_key_have_a_rate_together() -> None:
    mail = Mail()
    world = World({"mail": mail.handler}, limits={"key:*": {"rate": "1/m"}})
    world.start("w1")
    jobs = [await world.submit("mail", limit_key=key) for key in ("a", "b", "a", "b")]
    await all_done(world, jobs)
    assert sum(1 for at in mail.starts if at - min(mail.starts) < 30) == 2
    assert max(mail.starts) - min(mail.starts) >= 59
    await world.stop()


@story
async def test_a_job_that_got_no_slot_takes_another_moment_when_it_is_woken() -> None:
    mail = Mail(lasts=10)
    world = World({"mail": mail.handler}, limits={"type:mail": {"rate": "1/s", "concurrency": 1}})
    for name in ("w1", "w2"):
        world.start(name)
    jobs = await submitted(world, 8)
    await all_done(world, jobs)
    assert mail.most_within(9.0) == 1
    assert max(mail.starts) - min(mail.starts) < 8 * 15
    await world.stop()


@story
async def test_what_its_tenant_may_not_start_takes_no_moment_from_the_queue_that_all_share() -> None:
    mail = Mail()
    limits: dict[str, Any] = {
        "queue:jobs": {"rate": "10/s", "burst": 1},
        "tenant:*": {"rate": "1/s", "burst": 1, "on_full": "drop"},
    }
    world = World({"mail": mail.handler}, limits=limits)
    jobs = await submitted(world, 100, tenant="acme")
    world.start("w1")
    for job in jobs:
        await world.until(job)
    began = asyncio.get_running_loop().time()
    of_bob = await world.submit("mail", tenant="bob")
    assert (await world.until(of_bob)).status is Status.SUCCEEDED
    assert asyncio.get_running_loop().time() - began < 1.5
    await world.stop()
