"""A queue that is paused gives nothing more, one that drains takes nothing more; each ends when it was said to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from cqworker.errors import PauseRefused, QueueDraining, Unavailable, UnknownQueue
from cqworker.events import CopyDropped, JobStarted
from cqworker.events.fleet_events import QueueOrdered, QueueStateNoticed
from cqworker.fleet.fleet_actions import FleetActions
from cqworker.jobs.submission import Submission
from cqworker.model.status import Status
from cqworker.ports.fleet import Control, QueueOrder, QueueState
from tests.flow.faults import refused, unanswered, unreadable
from tests.flow.fleet_world import FleetWorld
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.world import story

MINUTE, HOUR = 60.0, 3600.0


def work(seconds: float = 1, **options: Any) -> FleetWorld:
    return FleetWorld({"work": worker_of(Notebook(), seconds), "quick": quick}, **options)


def later(world: FleetWorld, seconds: float) -> int:
    return world.clock.now() + round(seconds * 1000)


def keeping(world: FleetWorld, seconds: int) -> FleetActions:
    """An operator of queues that keep a message for so many seconds."""

    async def retention_of(_: str) -> int:
        return seconds

    return FleetActions(world.fleet, world.clock, world.events.append, ("jobs",), retention_of)


@story
async def test_nothing_is_received_from_a_paused_queue_and_what_runs_is_finished() -> None:
    world = work(seconds=100)
    host = world.start()
    running = await world.submit("work")
    await world.until(running, Status.RUNNING)
    standing = await world.actions.pause("jobs", later(world, HOUR), "alice", "migration")
    assert standing.order is not None
    assert (standing.order.state, standing.workers) == (QueueState.PAUSED, ("w1",))
    await asyncio.sleep(11)
    waiting = await world.submit("quick")
    assert (await world.until(running)).status is Status.SUCCEEDED
    await asyncio.sleep(HOUR / 2)
    assert world.record(waiting).status is Status.QUEUED
    [noticed] = host.seen(QueueStateNoticed)
    assert (noticed.state, noticed.by, noticed.reason) == ("paused", "alice", "migration")
    assert (await world.until(waiting, patience=HOUR / 2)).status is Status.SUCCEEDED
    await world.stop()


@story
async def test_a_pause_is_noticed_within_half_a_minute_and_costs_no_receives() -> None:
    world = work()
    host = world.start()
    await asyncio.sleep(1)
    await world.actions.pause("jobs", later(world, HOUR), "alice", "")
    await world.until_true(lambda: host.seen(QueueStateNoticed), 31)
    await asyncio.sleep(20)
    before = host.queue.calls.count("receive")
    await asyncio.sleep(HOUR / 2)
    assert host.queue.calls.count("receive") == before
    await world.stop()


@story
async def test_what_a_receive_brings_that_was_on_its_way_is_given_back() -> None:
    world = work()
    host = world.start()
    await asyncio.sleep(1)
    await world.actions.pause("jobs", later(world, 10 * MINUTE), "alice", "")
    await world.until_true(lambda: host.seen(QueueStateNoticed), 31)
    job_id = await world.submit("quick")
    await asyncio.sleep(5 * MINUTE)
    assert (world.record(job_id).status, host.seen(JobStarted)) == (Status.QUEUED, [])
    assert len(world.queue.bodies) == 1
    assert host.seen(CopyDropped) == []
    assert (await world.until(job_id, patience=6 * MINUTE)).attempt == 1
    await world.stop()


@story
async def test_a_queue_that_is_resumed_runs_within_half_a_minute() -> None:
    world = work()
    world.start()
    await world.actions.pause("jobs", later(world, HOUR), "alice", "")
    await asyncio.sleep(MINUTE)
    job_id = await world.submit("quick")
    standing = await world.actions.resume("jobs", "bob")
    assert standing.order is None
    assert (await world.until(job_id, patience=32)).status is Status.SUCCEEDED
    ordered = [event for event in world.events if isinstance(event, QueueOrdered)]
    assert [(event.state, event.by) for event in ordered] == [("paused", "alice"), ("running", "bob")]
    await world.stop()


@story
async def test_the_other_queues_of_a_worker_go_on() -> None:
    world = work(more_queues=["more"])
    world.start()
    await asyncio.sleep(1)
    await world.actions.pause("jobs", later(world, HOUR), "alice", "")
    await asyncio.sleep(MINUTE)
    here, there = await world.submit("quick"), await world.submit("quick", queue="more")
    assert (await world.until(there, patience=MINUTE)).status is Status.SUCCEEDED
    assert world.record(here).status is Status.QUEUED
    await world.stop()


@story
async def test_a_worker_that_starts_in_a_pause_keeps_it() -> None:
    world = work()
    await world.actions.pause("jobs", later(world, HOUR), "alice", "")
    job_id = await world.submit("quick")
    world.start()
    await asyncio.sleep(HOUR - 10)
    assert world.record(job_id).status is Status.QUEUED
    assert (await world.until(job_id, patience=MINUTE)).status is Status.SUCCEEDED
    await world.stop()


@pytest.mark.parametrize("mishap", [refused, unanswered, unreadable])
@story
async def test_a_worker_does_not_poll_before_it_knows_how_the_queues_stand(mishap: Callable[..., Any]) -> None:
    world = work()
    job_id = await world.submit("quick")
    host = world.start(before=lambda host: world.lines[host.name].line.on("control", mishap, times=10))
    await asyncio.sleep(20)
    assert (world.record(job_id).status, host.queue.calls.count("receive")) == (Status.QUEUED, 0)
    assert (await world.until(job_id, patience=2 * MINUTE)).status is Status.SUCCEEDED
    await world.stop()


@pytest.mark.parametrize("mishap", [refused, unreadable])
@story
async def test_what_was_last_known_holds_while_the_control_cannot_be_read(mishap: Callable[..., Any]) -> None:
    world = work()
    host = world.start()
    await asyncio.sleep(1)
    await world.actions.pause("jobs", later(world, 20 * MINUTE), "alice", "")
    await world.until_true(lambda: host.seen(QueueStateNoticed), 31)
    world.lines["w1"].line.on("control", mishap, times=10_000)
    job_id = await world.submit("quick")
    await asyncio.sleep(19 * MINUTE)
    assert world.record(job_id).status is Status.QUEUED
    assert (await world.until(job_id, patience=2 * MINUTE)).status is Status.SUCCEEDED
    await world.stop()


@story
async def test_a_worker_drains_at_once_though_its_queue_is_paused() -> None:
    world = work()
    world.start()
    await world.actions.pause("jobs", later(world, HOUR), "alice", "")
    await asyncio.sleep(MINUTE)
    began = world.clock.monotonic()
    await world.stop()
    assert world.clock.monotonic() - began < 0.5


@story
async def test_a_queue_that_drains_takes_no_new_jobs_and_workers_go_on() -> None:
    world = work()
    job_id = await world.submit("quick")
    host = world.start()
    await world.actions.drain("jobs", later(world, 10 * MINUTE), "alice", "moved to jobs-2")
    await asyncio.sleep(31)
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    with pytest.raises(QueueDraining, match=r"moved to jobs-2.*another queue") as refusal:
        await host.submitter.submit(_job())
    assert 560 <= refusal.value.retry_after <= 570
    await asyncio.sleep(10 * MINUTE)
    accepted = await host.submitter.submit(_job())
    assert (await world.until(accepted.record.job_id)).status is Status.SUCCEEDED
    await world.stop()


@story
async def test_a_repeated_key_has_its_job_though_the_queue_drains() -> None:
    world = work()
    host = world.start()
    accepted = await host.submitter.submit(_job(idempotency_key="once"))
    await world.actions.drain("jobs", None, "alice", "")
    await asyncio.sleep(31)
    again = await host.submitter.submit(_job(idempotency_key="once"))
    assert (again.replayed, again.record.job_id) == (True, accepted.record.job_id)
    with pytest.raises(QueueDraining) as refusal:
        await host.submitter.submit(_job(idempotency_key="another"))
    assert refusal.value.retry_after == 60
    await world.stop()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "needs an end"), (-1, "is past"), (24 * HOUR + 1, "24 hours"), (6 * HOUR, "until 2026-01-01T04:00:00")],
)
@story
async def test_a_pause_is_refused_with_the_reason(seconds: float | None, said: str) -> None:
    world = work()
    until = None if seconds is None else later(world, seconds)
    with pytest.raises(PauseRefused, match=said):
        await keeping(world, 8 * 3600).pause("jobs", until, "alice", "")
    assert world.fleet.present == Control()


@story
async def test_a_pause_that_is_made_longer_again_and_again_ends_with_what_the_queue_keeps() -> None:
    world = work()
    operator = keeping(world, 8 * 3600)
    await operator.pause("jobs", later(world, 3 * HOUR), "alice", "")
    await asyncio.sleep(2 * HOUR)
    await operator.pause("jobs", later(world, 2 * HOUR), "alice", "")
    with pytest.raises(PauseRefused, match="MessageRetentionPeriod"):
        await operator.pause("jobs", later(world, 2 * HOUR + 1), "alice", "")
    await asyncio.sleep(3 * HOUR)
    await operator.pause("jobs", later(world, 4 * HOUR), "alice", "")


@story
async def test_a_queue_that_nobody_knows_is_not_paused_and_one_that_somebody_polls_is() -> None:
    world = work(more_queues=["more"])
    with pytest.raises(UnknownQueue, match="there are jobs"):
        await world.actions.pause("more", later(world, HOUR), "alice", "")
    world.start()
    await asyncio.sleep(1)
    await world.actions.pause("more", later(world, HOUR), "alice", "")
    assert {one.name: one.order is None for one in await world.actions.queues()} == {"jobs": True, "more": False}
    await world.stop()


@story
async def test_two_operators_at_once_lose_nobody_s_change() -> None:
    world = work(more_queues=["more", "third"])
    world.start()
    await asyncio.sleep(1)
    until = later(world, HOUR)
    await asyncio.gather(*(world.actions.pause(name, until, name, "") for name in ("jobs", "more", "third")))
    assert world.fleet.present.revision == 3
    assert {name: order.by for name, order in world.fleet.present.queues.items()} == {
        "jobs": "jobs",
        "more": "more",
        "third": "third",
    }
    await world.stop()


@story
async def test_a_control_that_is_away_refuses_the_act() -> None:
    world = work()
    host = world.start()
    await asyncio.sleep(1)
    world.lines["w1"].line.away = refused
    actions = FleetActions(world.lines["w1"], world.clock, world.events.append, ("jobs",), _two_weeks)
    with pytest.raises(Unavailable):
        await actions.pause("jobs", later(world, HOUR), "alice", "")
    assert host.seen(QueueOrdered) == []
    world.lines["w1"].line.away = None
    await world.stop()


def test_an_order_without_an_end_is_in_force_until_it_is_lifted() -> None:
    assert QueueOrder(state=QueueState.DRAINING).is_in_force(1 << 60)
    assert not QueueOrder(state=QueueState.PAUSED, until=5).is_in_force(5)
    assert not QueueOrder(state=QueueState.RUNNING).is_in_force(0)


async def _two_weeks(_: str) -> int:
    return 14 * 86_400


def _job(**more: Any) -> Submission:
    return Submission(type="quick", payload="{}", **more)


@story
async def test_the_daemon_that_is_told_of_a_pause_heeds_it_at_once() -> None:
    world = work()
    host = world.start()
    await asyncio.sleep(12)
    actions = FleetActions(
        world.fleet, world.clock, world.events.append, ("jobs",), _two_weeks, host.ground.queue_control.note_change
    )
    await actions.pause("jobs", later(world, HOUR), "alice", "")
    await world.until_true(lambda: host.seen(QueueStateNoticed), 1)
    looks = world.lines["w1"].line.calls.count("control")
    await asyncio.sleep(20)
    assert world.lines["w1"].line.calls.count("control") == looks
    await world.stop()
