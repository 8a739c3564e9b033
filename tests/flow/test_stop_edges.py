"""Stops at their edges: what was not seen, what is forgiven once, and who is told of it."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from pydantic import BaseModel, model_serializer

from cqworker import Job, Stopping, handler
from cqworker.events import JobStarted
from cqworker.events.stop_events import ReturnedAfterStop
from cqworker.execution.outcome import (
    NeverStarted,
    StopReason,
)
from cqworker.flow.claim import Claimed
from cqworker.flow.job_ref import job_ref_of
from cqworker.flow.lease import Lease
from cqworker.model.envelope import read_envelope
from cqworker.model.record import JobRecord
from cqworker.model.status import FailureKind, Status
from cqworker.ports import Delivery
from cqworker.testing.host import Host
from tests.flow.stopped_handlers import in_a_thread, on_the_loop, without_looking
from tests.flow.world import REAL, VISIBILITY, World, story
from tests.patience import scaled


def lease_of(host: Host) -> Lease:
    [lease] = host.worker.queue_workers[0].leases
    return lease


async def drained_at_work(host: Host, world: World) -> None:
    await world.until_true(lambda: host.seen(JobStarted))
    await host.drain(25)


def last_reason(record: JobRecord) -> str:
    return record.history[-1].reason


@pytest.mark.parametrize(
    ("reason", "words"),
    [(StopReason.DRAIN, ""), (StopReason.TIMEOUT, "succeeded "), (StopReason.CANCEL, ""), (StopReason.SILENCE, "")],
)
async def test_a_thread_that_returns_without_having_looked_has_finished(reason: StopReason, words: str) -> None:
    release = threading.Event()
    timeout = 0.3 if reason is StopReason.TIMEOUT else 60
    world = World({"blind": without_looking("returns", release, timeout=timeout)}, real=REAL)
    host = world.start()
    job_id = await world.submit("blind")
    await world.until_true(lambda: host.seen(JobStarted), patience=5)
    if reason is StopReason.TIMEOUT:
        await asyncio.sleep(0.5)
    else:
        lease_of(host).stop(reason)
    release.set()
    record = await world.until(job_id, patience=5)
    assert (record.status, record.result) == (Status.SUCCEEDED, '"half"')
    assert last_reason(record).startswith(words)
    assert host.seen(ReturnedAfterStop) == []
    await host.drain(2)


async def test_an_error_of_a_thread_that_never_looked_counts_in_a_drain() -> None:
    release = threading.Event()
    world = World({"blind": without_looking("fails", release, max_attempts=1)}, real=REAL)
    host = world.start()
    job_id = await world.submit("blind")
    await world.until_true(lambda: host.seen(JobStarted), patience=5)
    host.worker.stop_taking_work()
    host.worker.executor.stop_all(StopReason.DRAIN)
    release.set()
    record = await world.until(job_id, patience=5)
    assert record.failure is not None
    assert (record.status, record.failure.kind) == (Status.FAILED, FailureKind.EXHAUSTED)
    await host.drain(2)


async def test_a_look_after_the_handler_has_returned_changes_nothing() -> None:
    """Here it is the result itself that looks, while it is written as JSON; a thread of the handler's may as well."""
    release, looks = threading.Event(), list[bool]()

    @handler
    def work(payload: dict[str, Any], job: Job) -> BaseModel:
        class Curious(BaseModel):
            @model_serializer
            def said(self) -> str:
                looks.append(job.stopping)
                return "whole"

        release.wait(scaled(20))
        return Curious()

    world = World({"work": work}, real=REAL)
    host = world.start()
    job_id = await world.submit("work")
    await world.until_true(lambda: host.seen(JobStarted), patience=5)
    lease_of(host).stop(StopReason.SILENCE)
    release.set()
    record = await world.until(job_id, Status.SUCCEEDED, Status.QUEUED, patience=5)
    assert (record.status, looks) == (Status.SUCCEEDED, [True])
    await host.drain(2)


async def test_a_coroutine_that_takes_its_cancellation_back_has_seen_it() -> None:
    """On the handlers' own loop, in its own thread."""

    @handler(max_attempts=1)
    async def stubborn(payload: dict[str, Any]) -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            assert task is not None
            task.uncancel()
        return "half"

    world = World({"stubborn": stubborn}, real=REAL)
    host = world.start()
    job_id = await world.submit("stubborn")
    await world.until_true(lambda: host.seen(JobStarted), patience=5)
    hurry = asyncio.Event()
    hurry.set()
    await host.drain(5, hurry)
    assert (world.record(job_id).status, world.record(job_id).attempt) == (Status.QUEUED, 0)


@story
async def test_an_error_that_shows_in_drains_alone_is_forgiven_once_a_round() -> None:
    world = World({"work": on_the_loop("fails", max_attempts=1)})
    job_id = await world.submit("work")
    told = []
    for number in range(4):
        host = world.start(f"w{number}")
        await drained_at_work(host, world)
        del world.hosts[host.name]
        record = world.record(job_id)
        told.append((record.round, record.status, record.attempt, record.failure and record.failure.error))
        if record.status is Status.FAILED:
            await world.operator.retry(job_id, None)
    once, twice = (Status.QUEUED, 0, None), (Status.FAILED, 1, "ValueError")
    assert told == [(1, *once), (1, *twice), (2, *once), (2, *twice)]


@pytest.mark.parametrize("way", ["gives up", "returns", "retries", "snoozes", "hindered"])
@story
async def test_giving_up_is_forgiven_as_often_as_the_worker_drains(way: str) -> None:
    world = World({"work": on_the_loop(way, max_attempts=1)})
    job_id = await world.submit("work")
    for number in range(4):
        host = world.start(f"w{number}")
        await drained_at_work(host, world)
        del world.hosts[host.name]
        assert (world.record(job_id).status, world.record(job_id).attempt) == (Status.QUEUED, 0)


@story
async def test_a_coroutine_that_checks_gives_up_as_soon_as_the_drain_begins() -> None:
    @handler(max_attempts=1)
    async def polite(payload: dict[str, Any], job: Job) -> None:
        for _ in range(10_000):
            await asyncio.sleep(0.1)
            try:
                job.check()
            except Exception as error:  # what authors write around a step
                raise AssertionError("no except Exception takes it") from error

    world = World({"polite": polite})
    host = world.start()
    job_id = await world.submit("polite")
    await world.until(job_id, Status.RUNNING)
    draining = asyncio.ensure_future(host.drain(25))
    await world.until(job_id, Status.QUEUED, patience=1)
    await draining
    assert (world.record(job_id).attempt, last_reason(world.record(job_id))) == (0, "drain")


@pytest.mark.parametrize("error", [Stopping(), asyncio.CancelledError()])
@story
async def test_giving_up_without_a_stop_is_an_error(error: BaseException) -> None:
    @handler(max_attempts=1)
    async def quitter(payload: dict[str, Any]) -> None:
        raise error

    world = World({"quitter": quitter})
    world.start()
    record = await world.until(await world.submit("quitter"))
    await world.stop()
    assert record.failure is not None
    assert (record.failure.kind, record.failure.error) == (FailureKind.EXHAUSTED, type(error).__name__)


@story
async def test_the_last_attempts_wish_for_another_one_after_its_timeout_is_failed_as_timeout() -> None:
    world = World({"work": on_the_loop("retries", timeout=10, max_attempts=1)})
    world.start()
    record = await world.until(await world.submit("work"))
    await world.stop()
    assert record.failure is not None
    assert (record.status, record.failure.kind) == (Status.FAILED, FailureKind.TIMEOUT)


@story
async def test_an_error_after_the_timeout_is_told_with_its_traceback() -> None:
    world = World({"work": on_the_loop("fails", timeout=10, max_attempts=1)})
    world.start()
    record = await world.until(await world.submit("work"))
    await world.stop()
    failure = record.failure
    assert failure is not None
    assert failure.message == "The handler did not end within its timeout; it said: ValueError: a bug"
    assert failure.error == "ValueError"
    assert failure.traceback is not None
    assert 'raise ValueError("a bug")' in failure.traceback


@story
async def test_a_success_after_the_timeout_says_how_late_it_was() -> None:
    world = World({"work": on_the_loop("finished", timeout=10)})
    world.start()
    record = await world.until(await world.submit("work"))
    await world.stop()
    assert last_reason(record) == "succeeded 0.5 s after its timeout"


@story
async def test_handlers_of_the_old_way_are_warned_of_once_a_type() -> None:
    world = World({"old": on_the_loop("returns"), "older": on_the_loop("returns"), "new": on_the_loop("finished")})
    host = world.start()
    for job_type in ("old", "old", "older", "new", "old"):
        await world.submit(job_type)
    await world.until_true(lambda: len(host.seen(JobStarted)) == 5)
    await host.drain(25)
    assert sorted(event.job.type for event in host.seen(ReturnedAfterStop)) == ["old", "older"]


async def test_threads_of_the_old_way_are_warned_of_too() -> None:
    world = World({"old": in_a_thread("returns")}, real=REAL)
    host = world.start()
    await world.submit("old")
    await world.until_true(lambda: host.seen(JobStarted), patience=5)
    await host.drain(5)
    assert [event.reason for event in host.seen(ReturnedAfterStop)] == ["drain"]


@story
async def test_a_lease_that_ran_out_before_the_start_starts_nothing_and_charges_nothing() -> None:
    ran = []

    @handler
    async def work(payload: dict[str, Any], job: Job) -> None:
        ran.append(job.id)

    world = World({"work": work})
    host = world.start()
    accepted = await world.accept("work", delay_seconds=600)
    [body] = world.queue.bodies
    await asyncio.sleep(100)
    delivery = Delivery(
        queue="jobs", message_id="m", receipt="r", body=body, receive_count=1, sent_at=0, received_at=0.0
    )
    lease = Lease(delivery, job_ref_of(accepted.record), "token", float(VISIBILITY), 0.0)
    claimed = Claimed(accepted.record, read_envelope(body), delivery, lease)
    outcome, _ = await host.worker.executor.run(claimed)
    assert outcome == NeverStarted("unanswered lease", 0.0)
    assert ran == []
    await world.stop()
