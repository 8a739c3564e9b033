"""Rates that change while jobs wait, and several that bind one job."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from cqworker import handler
from cqworker.model.limits import LimitOrder, rate_from
from cqworker.model.rates import Busy, RateAsk, Reserved
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
async def test_a_job_that_got_no_slot_starts_when_one_is_free_and_no_two_of_them_together() -> None:
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


class Serial:
    """Jobs that take some time and say when they started, by their number."""

    def __init__(self, seconds: float) -> None:
        self.started: list[int] = []
        self.times: list[float] = []

        @handler(timeout=1000)
        async def work(payload: dict[str, Any]) -> None:
            self.started.append(payload["n"])
            self.times.append(asyncio.get_running_loop().time())
            await asyncio.sleep(seconds)

        self.handler = work


@story
async def test_a_job_that_was_parked_at_its_moment_needs_no_other_one_and_keeps_its_place() -> None:
    serial = Serial(10)
    world = World({"work": serial.handler}, limits={"type:work": {"rate": "1/s", "burst": 1, "concurrency": 1}})
    asked, reserve = list[int](), world.rates.reserve

    async def counted(ask: RateAsk) -> Reserved | Busy:
        asked.append(ask.count)
        return await reserve(ask)

    world.rates.reserve = counted  # type: ignore[method-assign]
    jobs = []
    for number in range(30):
        jobs.append(await world.submit("work", f'{{"n": {number}}}'))
        await asyncio.sleep(0.01)
    for name in ("w1", "w2"):
        world.start(name)
    await all_done(world, jobs)
    assert sum(asked) <= 32
    assert sum(former > later for former, later in itertools.pairwise(serial.started)) <= 3
    assert {sum("parked" in (e.reason or "") for e in world.record(job).history) for job in jobs} == {0, 1}
    await world.until_empty()
    await world.stop()


@story
async def test_a_limit_that_is_lifted_starts_those_who_were_parked_at_their_rate() -> None:
    serial = Serial(2)
    written = {"type:work": {"rate": "1/s", "burst": 1, "concurrency": 1}}
    world = World({"work": serial.handler}, limits=written, concurrency=50)
    host = world.start("w1")
    blocking = await world.submit("work", '{"n": -1}')
    await world.until(blocking, Status.RUNNING)
    host.ground.queue_control.note(Control(1, {}, {"type:work": LimitOrder(concurrency=1)}))
    jobs = [await world.submit("work", f'{{"n": {number}}}') for number in range(30)]
    await world.until_true(lambda: sum(bool(world.record(job).parked) for job in jobs) >= 12)
    for each in (host, world.office):
        each.ground.queue_control.note(Control(2, {}, {"type:work": LimitOrder(concurrency=40)}))
    await all_done(world, jobs)
    assert max(sum(1 for at in serial.times if first <= at < first + 5) for first in serial.times) <= 9
    await world.stop()
