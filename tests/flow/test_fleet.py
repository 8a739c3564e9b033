"""A member of the fleet tells of itself and does what it is asked to do; whatever happens to that, jobs go on."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from cqworker.errors import WorkerNotFound
from cqworker.events.fleet_events import CommandObeyed, WorkerNameTaken
from cqworker.fleet.fleet_views import worker_view
from cqworker.model.status import Status
from cqworker.ports.fleet import Command, Heartbeat, WorkerState
from cqworker.settings import FleetSettings
from tests.flow.faults import denied, refused, unanswered, unheard
from tests.flow.fleet_world import FleetWorld
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.world import story

MINUTE = 60.0


def work(seconds: float, **options: int) -> FleetWorld:
    return FleetWorld({"work": worker_of(Notebook(), seconds), "quick": quick}, **options)


def is_at(world: FleetWorld, name: str, state: WorkerState) -> bool:
    return name in world.fleet.workers and world.fleet.workers[name].state is state


@story
async def test_a_worker_tells_of_itself_at_once_and_once_a_minute() -> None:
    world = work(100)
    host = world.start()
    await asyncio.sleep(1)
    said = (await world.member("w1")).heartbeat
    assert (said.state, said.queues, said.slots, said.busy) == (WorkerState.RUNNING, ("jobs",), 32, 0)
    assert await world.fleet.types(said.types) == {"work", "quick"}
    job_id = await world.submit("work")
    await world.until(job_id, Status.RUNNING)
    await asyncio.sleep(MINUTE)
    said = (await world.member("w1")).heartbeat
    [running] = said.oldest
    assert (said.busy, running.job_id, running.type, said.counts) == (1, job_id, "work", {"work": {"started": 1}})
    await asyncio.sleep(10 * MINUTE)
    beats = world.lines["w1"].line.calls.count("heartbeat")
    assert 11 <= beats <= 14
    assert (await world.member("w1")).heartbeat.ran >= 100_000
    await host.drain()


@story
async def test_a_fleet_may_be_told_to_speak_more_often_and_silence_is_judged_by_that() -> None:
    world = work(100)
    world.settings = world.settings.model_copy(update={"fleet": FleetSettings(heartbeat=15)})
    host = world.start()
    await asyncio.sleep(10 * MINUTE)
    assert 40 <= world.lines["w1"].line.calls.count("heartbeat") <= 46
    said = (await world.member("w1")).heartbeat
    assert (said.every, said.silent_from() - said.seen) == (15, 47_000)
    await host.drain()


@story
async def test_a_quiet_worker_receives_nothing_more_and_finishes_what_it_runs() -> None:
    world = work(120)
    world.start()
    first = await world.submit("work")
    await world.until(first, Status.RUNNING)
    await world.actions.order("w1", Command.QUIET, "alice")
    await world.until_true(lambda: is_at(world, "w1", WorkerState.QUIET), 62)
    second = await world.submit("quick")
    assert (await world.until(first)).status is Status.SUCCEEDED
    await asyncio.sleep(10 * MINUTE)
    assert world.record(second).status is Status.QUEUED
    await world.actions.order("w1", Command.RESUME, "alice")
    assert (await world.until(second, patience=62)).status is Status.SUCCEEDED
    await world.stop()


@story
async def test_a_command_is_acknowledged_once_the_worker_does_it_and_is_obeyed_once() -> None:
    world = work(1)
    host = world.start()
    await asyncio.sleep(1)
    asked = await world.actions.order("w1", Command.QUIET, "alice")
    assert worker_view(asked, world.clock.now())["is_acknowledged"] is False
    await world.until_true(lambda: host.seen(CommandObeyed), 62)
    await asyncio.sleep(1)
    shown = worker_view(await world.member("w1"), world.clock.now())
    assert (shown["command"], shown["is_acknowledged"], shown["state"]) == ("quiet", True, "quiet")
    await asyncio.sleep(5 * MINUTE)
    assert len(host.seen(CommandObeyed)) == 1
    await world.stop()


@story
async def test_a_worker_that_is_asked_to_drain_leaves_as_on_sigterm() -> None:
    world = work(1)
    world.start()
    await asyncio.sleep(1)
    await world.actions.order("w1", Command.DRAIN, "alice")
    async with asyncio.timeout(62):
        await world.parts["w1"].drain_asked.wait()
    await world.until_true(lambda: is_at(world, "w1", WorkerState.DRAINING), 2)
    await world.parts["w1"].heartbeats.leave()
    assert is_at(world, "w1", WorkerState.STOPPED)
    await world.stop()


@story
async def test_nothing_is_asked_of_a_worker_that_died() -> None:
    world = work(1)
    world.start()
    await asyncio.sleep(1)
    world.kill("w1")
    await world.actions.order("w1", Command.QUIET, "alice")
    await asyncio.sleep(4 * MINUTE)
    with pytest.raises(WorkerNotFound, match="taken over"):
        await world.actions.order("w1", Command.QUIET, "alice")
    assert worker_view(await world.member("w1"), world.clock.now())["is_silent"] is True


@story
async def test_heartbeats_come_more_often_while_somebody_looks() -> None:
    world = work(1)
    world.start()
    await asyncio.sleep(1)
    await world.actions.workers()
    await asyncio.sleep(MINUTE + 1)
    before = world.lines["w1"].line.calls.count("heartbeat")
    await asyncio.sleep(MINUTE)
    assert 5 <= world.lines["w1"].line.calls.count("heartbeat") - before <= 7
    await asyncio.sleep(10 * MINUTE)
    before = world.lines["w1"].line.calls.count("heartbeat")
    await asyncio.sleep(10 * MINUTE)
    assert 10 <= world.lines["w1"].line.calls.count("heartbeat") - before <= 12
    await world.stop()


@story
async def test_a_second_worker_of_a_live_one_s_name_goes_by_another() -> None:
    world = work(1)
    taken = Heartbeat(worker="w1", boot="elsewhere", seen=world.clock.now(), slots=7)
    await world.fleet.heartbeat(taken, first=True)
    host = world.start()
    await asyncio.sleep(1)
    assert (await world.member("w1")).heartbeat == taken
    assert (await world.member("w1~2")).heartbeat.slots == 32
    [told] = host.seen(WorkerNameTaken)
    assert (told.name, told.instead) == ("w1", "w1~2")
    job_id = await world.submit("quick")
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    await world.stop()


@story
async def test_what_a_dead_worker_left_under_the_name_is_taken_over() -> None:
    world = work(1)
    left = Heartbeat(worker="w1", boot="before", seen=world.clock.now() - 183_000)
    await world.fleet.heartbeat(left, first=True)
    host = world.start()
    await asyncio.sleep(1)
    assert (await world.member("w1")).heartbeat.boot != "before"
    assert host.seen(WorkerNameTaken) == []
    await world.stop()


@pytest.mark.parametrize("mishap", [unanswered, unheard, refused, denied])
@story
async def test_a_heartbeat_that_is_not_answered_is_repeated_and_stops_no_job(mishap: object) -> None:
    world = work(1)
    world.start(before=lambda host: world.lines[host.name].line.on("heartbeat", mishap, times=3))  # type: ignore[arg-type]
    job_id = await world.submit("quick")
    assert (await world.until(job_id, patience=MINUTE)).status is Status.SUCCEEDED
    await world.until_true(lambda: is_at(world, "w1", WorkerState.RUNNING), 40)
    assert [member.heartbeat.worker for member in await world.fleet.members()] == ["w1"]
    await world.stop()


@story
async def test_one_that_was_removed_while_it_stood_still_counts_from_then_on() -> None:
    world = work(1)
    world.start()
    await world.until(await world.submit("quick"))
    await asyncio.sleep(MINUTE + 1)
    world.freeze("w1")
    member = await world.member("w1")
    assert await world.fleet.fold(member, "2026-01-01")
    world.thaw("w1")
    await world.until(await world.submit("quick"))
    await asyncio.sleep(2 * MINUTE)
    again = (await world.member("w1")).heartbeat
    assert again.boot != member.heartbeat.boot
    told = [(await world.fleet.folded("2026-01-01"))["quick"], again.counts["quick"]]
    assert told == [{"started": 1, "succeeded": 1}] * 2
    await world.stop()


@pytest.mark.parametrize("skew", [-2000, 2000])
@story
async def test_a_viewer_whose_clock_is_off_takes_no_live_worker_for_silent(skew: int) -> None:
    world = work(1)
    world.start()
    for _ in range(200):
        await asyncio.sleep(1)
        if "w1" in world.fleet.workers:
            assert (await world.member("w1")).heartbeat.is_alive(world.clock.now() + skew)
    await world.stop()


def test_a_worker_is_silent_after_three_heartbeats_and_the_clocks_margin() -> None:
    said = Heartbeat(worker="w1", boot="b", seen=1_000_000)
    assert said.is_alive(1_000_000 + 182_000)
    assert not said.is_alive(1_000_000 + 182_001)
    assert not replace(said, every=10).is_alive(1_000_000 + 32_001)
    assert not replace(said, state=WorkerState.STOPPED).is_alive(1_000_000)
