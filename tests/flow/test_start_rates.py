"""How often jobs start: under the rates of their type, queue and tenant, over all workers."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from cqworker import Retry, handler
from cqworker.model.status import Status
from cqworker.testing.mishaps import refused
from tests.flow.long_stories import look_seldom
from tests.flow.world import World, story

HOUR = 3600.0


class Mail:
    """A handler that notes its starts; with `lasts` it takes so many seconds."""

    def __init__(self, lasts: float = 0.0) -> None:
        self.starts: list[float] = []

        @handler
        async def send(_: dict[str, Any]) -> None:
            self.starts.append(asyncio.get_running_loop().time())
            await asyncio.sleep(lasts)

        self.handler = send

    def most_within(self, seconds: float) -> int:
        """The most starts that lie so close together."""
        return max(sum(1 for one in self.starts if first <= one < first + seconds) for first in self.starts)


async def submitted(world: World, number: int, **more: Any) -> list[str]:
    return [await world.submit("mail", **more) for _ in range(number)]


async def all_done(world: World, jobs: list[str]) -> None:
    for job in jobs:
        assert (await world.until(job, patience=40 * 86_400)).status is Status.SUCCEEDED


@story
async def test_a_burst_starts_at_once_and_the_others_keep_their_distance() -> None:
    mail = Mail()
    world = World({"mail": mail.handler}, limits={"type:mail": {"rate": "1/s", "burst": 5}})
    world.start("w1")
    began = asyncio.get_running_loop().time()
    jobs = await submitted(world, 20)
    await all_done(world, jobs)
    assert sum(1 for at in mail.starts if at - began < 1) == 5
    assert all(at - began >= place - 5 for place, at in enumerate(sorted(mail.starts)))
    assert max(mail.starts) - began < 20
    await world.until_empty()
    await world.stop()


@story
async def test_one_that_waits_holds_no_slot_and_counts_no_attempt() -> None:
    mail = Mail()
    other = Mail()
    world = World({"mail": mail.handler, "other": other.handler}, concurrency=2, limits={"type:mail": {"rate": "2/m"}})
    world.start("w1")
    jobs = await submitted(world, 6)
    await asyncio.sleep(5)
    quick = [await world.submit("other") for _ in range(20)]
    for job in quick:
        await world.until(job, patience=5)
    await all_done(world, jobs)
    assert {world.record(job).attempt for job in jobs} == {1}
    assert any(entry.reason.startswith("rate type:mail") for job in jobs for entry in world.record(job).history)
    await world.stop()


@story
async def test_all_workers_share_a_rate() -> None:
    mail = Mail()
    world = World({"mail": mail.handler}, limits={"type:mail": {"rate": "10/s", "burst": 10}})
    for name in ("w1", "w2", "w3"):
        world.start(name)
    jobs = await submitted(world, 300)
    await all_done(world, jobs)
    assert mail.most_within(1.0) <= 10 + 10 * 3
    assert mail.most_within(20.0) <= 10 + 10 * 22
    assert 28 <= max(mail.starts) - min(mail.starts) <= 35
    await world.stop()


@story
async def test_tenants_have_a_rate_each() -> None:
    mail = Mail()
    world = World({"mail": mail.handler}, limits={"tenant:*": {"rate": "1/h"}})
    world.start("w1")
    first = [await world.submit("mail", tenant=tenant) for tenant in ("a", "b", "c")]
    for job in first:
        await world.until(job, patience=5)
    second = await world.submit("mail", tenant="a")
    await asyncio.sleep(HOUR - 60)
    assert world.record(second).status is Status.QUEUED
    await world.until(second, patience=HOUR)
    await world.stop()


@story
async def test_a_rate_of_one_a_day_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    look_seldom(monkeypatch)
    mail = Mail()
    world = World({"mail": mail.handler}, limits={"type:mail": {"rate": "1/d"}})
    world.start("w1")
    jobs = await submitted(world, 4)
    await all_done(world, jobs)
    days = [(at - min(mail.starts)) / 86_400 for at in sorted(mail.starts)]
    assert all(place <= day <= place + 0.1 for place, day in enumerate(days)), days
    assert all(len(world.record(job).history) <= 20 for job in jobs)
    await world.stop()


@story
async def test_a_rate_of_ten_thousand_a_second_holds_nobody_up() -> None:
    mail = Mail()
    world = World({"mail": mail.handler}, limits={"type:mail": {"rate": "10000/s"}})
    world.start("w1")
    began = asyncio.get_running_loop().time()
    await all_done(world, await submitted(world, 200))
    assert asyncio.get_running_loop().time() - began < 30
    assert not any(entry.reason for record in world.store.records.values() for entry in record.history)
    await world.stop()


@story
async def test_a_rate_that_drops_cancels_what_it_does_not_let_start() -> None:
    mail = Mail()
    world = World({"mail": mail.handler}, limits={"type:mail": {"rate": "1/m", "burst": 2, "on_full": "drop"}})
    world.start("w1")
    jobs = await submitted(world, 5)
    ended = [await world.until(job) for job in jobs]
    assert sorted(record.status for record in ended) == [Status.CANCELLED] * 3 + [Status.SUCCEEDED] * 2
    [reason] = {record.history[-1].reason for record in ended if record.status is Status.CANCELLED}
    assert reason == "limit type:mail"
    await world.until_empty()
    await world.stop()


@story
async def test_a_cancel_ends_a_job_that_waits_for_its_rate() -> None:
    mail = Mail()
    world = World({"mail": mail.handler}, limits={"type:mail": {"rate": "1/m"}})
    world.start("w1")
    jobs = await submitted(world, 3)
    await asyncio.sleep(10)
    [*_, last] = [job for job in jobs if world.record(job).status is Status.QUEUED]
    await world.operator.cancel(last, None)
    assert world.record(last).status is Status.CANCELLED
    await world.until_empty()
    assert len(mail.starts) == 2
    await world.stop()


@story
async def test_a_retry_needs_a_moment_of_its_own() -> None:
    starts: list[float] = []

    @handler(max_attempts=4)
    async def mail(_: dict[str, Any]) -> None:
        starts.append(asyncio.get_running_loop().time())
        if len(starts) < 4:
            raise Retry("not yet", after=1)

    world = World({"mail": mail}, limits={"type:mail": {"rate": "1/m"}})
    world.start("w1")
    record = await world.until(await world.submit("mail"))
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 4)
    assert all(later - earlier >= 59 for earlier, later in itertools.pairwise(starts))
    await world.stop()


@story
async def test_a_worker_that_dies_loses_no_job_that_waits_for_its_rate() -> None:
    mail = Mail()
    world = World({"mail": mail.handler}, limits={"type:mail": {"rate": "1/s", "burst": 1}})
    world.start("w1")
    jobs = await submitted(world, 30)
    await asyncio.sleep(3.02)
    world.kill("w1")
    world.start("w2")
    await all_done(world, jobs)
    await world.until_empty()
    await world.stop()


@story
async def test_a_store_that_does_not_answer_puts_off_a_start_and_charges_nothing() -> None:
    mail = Mail()
    world = World({"mail": mail.handler}, limits={"type:mail": {"rate": "100/s"}})
    host = world.start("w1")
    host.store.on("reserve_rate", refused, times=3)
    record = await world.until(await world.submit("mail"))
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    await world.stop()


@story
async def test_a_copy_whose_send_was_refused_leaves_the_old_message() -> None:
    mail = Mail()
    world = World({"mail": mail.handler}, limits={"type:mail": {"rate": "1/s", "burst": 1}})
    host = world.start("w1")
    jobs = await submitted(world, 4)
    host.queue.on("send", refused, times=2)
    await all_done(world, jobs)
    await world.until_empty()
    await world.stop()


@story
async def test_a_message_without_a_record_keeps_its_rate() -> None:
    mail = Mail()
    world = World({"mail": mail.handler}, limits={"type:mail": {"rate": "1/m"}})
    jobs = await submitted(world, 3)
    world.store.records.clear()
    world.start("w1")
    await all_done(world, jobs)
    assert max(mail.starts) - min(mail.starts) >= 118
    await world.stop()


@story
async def test_moments_that_nobody_could_use_in_time_are_not_made_up_for() -> None:
    mail, long = Mail(), Mail(lasts=60)
    world = World(
        {"mail": mail.handler, "long": long.handler},
        concurrency=1,
        limits={"type:mail": {"rate": "1/s", "burst": 1}},
    )
    world.start("w1")
    jobs = await submitted(world, 20)
    await world.until_true(lambda: len(mail.starts) == 1)
    await asyncio.sleep(0.5)
    blocking = await world.submit("long")
    await world.until(blocking)
    mail.starts.clear()
    await all_done(world, jobs)
    assert len(mail.starts) >= 10
    assert mail.most_within(5.0) <= 8
    await world.stop()
