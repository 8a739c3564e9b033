"""Handlers that do not end when told to: what is kept for them, and what becomes of what they say at last."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cqworker import Job, handler
from cqworker.events import AbandonedHandlerEnded, CancelNoticed, HandlerAbandoned, JobStarted
from cqworker.events.stop_events import EndingDiscarded
from cqworker.execution.outcome import StopReason
from cqworker.flow.lease import Lease
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.testing.host import Host
from tests.flow.stopped_handlers import on_the_loop
from tests.flow.world import VISIBILITY, World, story


def lease_of(host: Host) -> Lease:
    [lease] = host.worker.queue_workers[0].leases
    return lease


def last_reason(record: JobRecord) -> str:
    return record.history[-1].reason


def deaf_for(seconds: float, **options: Any) -> Any:
    """Swallows its cancellation and takes its time."""

    @handler(**options)
    async def deaf(payload: dict[str, Any], job: Job) -> str:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (left := until - loop.time()) > 0:
            try:
                await asyncio.sleep(left)
            except asyncio.CancelledError:
                continue
        return job.finished("whole")

    return deaf


@story
async def test_what_an_abandoned_handler_returns_is_worth_nothing_and_that_is_said() -> None:
    world = World({"deaf": deaf_for(50, timeout=10, max_attempts=1)})
    host = world.start()
    record = await world.until(await world.submit("deaf"))
    assert record.status is Status.FAILED
    await world.until_true(lambda: host.seen(AbandonedHandlerEnded))
    [discarded] = host.seen(EndingDiscarded)
    assert (discarded.reason, discarded.ending) == ("timeout", "it returned a result of 7 characters")
    assert world.record(record.job_id) == record
    await world.stop()


@pytest.mark.parametrize(
    ("way", "told"), [("finished", "it returned a result"), ("fails", "ValueError"), ("gives up", "")]
)
@story
async def test_what_is_thrown_away_with_a_refused_lease_is_said(way: str, told: str) -> None:
    world = World({"work": on_the_loop(way)})
    host = world.start()
    await world.submit("work")
    await world.until_true(lambda: host.seen(JobStarted))
    lease_of(host).stop(StopReason.LOST)
    await world.until_true(lambda: not host.worker.executor.runs)
    assert [told in event.ending for event in host.seen(EndingDiscarded)] == [True] * bool(told)


@story
async def test_a_cancelled_handler_that_will_not_stop_keeps_its_job_until_it_ends() -> None:
    world = World({"deaf": deaf_for(300, timeout=900)}, max_abandoned_handlers=8)
    host = world.start()
    job_id = await world.submit("deaf")
    await world.until_true(lambda: host.seen(JobStarted))
    await host.operator.cancel(job_id, None)
    await asyncio.sleep(3 * VISIBILITY)
    record = world.record(job_id)
    assert (record.status, len(host.seen(HandlerAbandoned)), len(host.worker.executor.stragglers)) == ("RUNNING", 1, 1)
    assert not record.has_expired(world.clock.now()), "or the next round would meet it"
    assert len(host.seen(CancelNoticed)) == 0, "who asked here was told already, and once is enough"
    record = await world.until(job_id)
    assert record.status is Status.CANCELLED
    assert last_reason(record) == "a cancel was asked for; it returned after it saw the stop"
    assert host.seen(EndingDiscarded) == []
    await world.until_empty()
    assert (host.worker.executor.stragglers, len(host.seen(AbandonedHandlerEnded))) == (set(), 1)
    await world.stop()


@story
async def test_a_cancelled_handler_that_will_not_stop_holds_up_no_drain_and_ends_with_its_lease() -> None:
    world = World({"deaf": deaf_for(300, timeout=900)})
    host = world.start()
    job_id = await world.submit("deaf")
    await world.until_true(lambda: host.seen(JobStarted))
    await host.operator.cancel(job_id, None)
    await world.until_true(lambda: host.seen(HandlerAbandoned))
    await asyncio.sleep(25)
    began = world.clock.monotonic()
    await host.drain(60)
    assert world.clock.monotonic() - began < 21, "no longer than the receive in flight"
    assert world.record(job_id).status is Status.RUNNING
    del world.hosts["w1"]
    world.start("w2")
    assert (await world.until(job_id, patience=2 * VISIBILITY)).status is Status.CANCELLED
    await world.stop()


@story
async def test_a_refused_lease_ends_the_wait_for_a_cancelled_handler() -> None:
    world = World({"deaf": deaf_for(300, timeout=900)})
    host = world.start()
    job_id = await world.submit("deaf")
    await world.until_true(lambda: host.seen(JobStarted))
    await host.operator.cancel(job_id, None)
    await world.until_true(lambda: host.seen(HandlerAbandoned))
    lease_of(host).stop(StopReason.LOST)
    await world.until_true(lambda: not host.worker.executor.runs, patience=1)
    assert (world.record(job_id).status, len(host.worker.executor.stragglers)) == (Status.RUNNING, 1)
    await world.until_true(lambda: host.seen(EndingDiscarded))


@story
async def test_what_silence_stops_is_followed_until_it_ends() -> None:
    world = World({"deaf": deaf_for(100, timeout=900)})
    host = world.start()
    job_id = await world.submit("deaf")
    await world.until_true(lambda: host.seen(JobStarted))
    lease_of(host).stop(StopReason.SILENCE)
    record = await world.until(job_id)
    assert (record.status, record.attempt, host.seen(HandlerAbandoned)) == (Status.SUCCEEDED, 1, [])
    await world.stop()


@pytest.mark.parametrize("after", [StopReason.LOST, StopReason.DRAIN, StopReason.TIMEOUT])
@story
async def test_what_silence_stopped_is_abandoned_after_a_refusal_a_drain_or_its_timeout(after: StopReason) -> None:
    world = World({"deaf": deaf_for(300, timeout=50, max_attempts=1)})
    host = world.start()
    job_id = await world.submit("deaf")
    await world.until_true(lambda: host.seen(JobStarted))
    lease_of(host).stop(StopReason.SILENCE)
    await asyncio.sleep(20)
    [run] = host.worker.executor.runs
    if after is not StopReason.TIMEOUT:
        run.stop(after)
    await world.until_true(lambda: host.seen(HandlerAbandoned))
    assert [event.reason for event in host.seen(HandlerAbandoned)] == [after]
    await world.until_true(lambda: not host.worker.executor.runs, patience=1)
    await asyncio.sleep(1)
    expected = Status.FAILED if after is StopReason.TIMEOUT else Status.RUNNING
    assert world.record(job_id).status is expected


@story
async def test_what_silence_stopped_still_counts_as_refunded_in_the_grace_of_a_drain() -> None:
    world = World({"work": on_the_loop("gives up", max_attempts=1)})
    host = world.start()
    job_id = await world.submit("work")
    await world.until_true(lambda: host.seen(JobStarted))
    lease_of(host).stop(StopReason.SILENCE)
    await host.drain(5)
    assert (world.record(job_id).status, world.record(job_id).attempt) == (Status.QUEUED, 0)
    assert last_reason(world.record(job_id)) == "unanswered lease"
