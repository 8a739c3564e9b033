"""`def` handlers in threads, in real time: they cannot be stopped from outside, and harm nobody by that."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cqworker import Job, Reject, handler
from cqworker.events import AbandonedHandlerEnded, HandlerAbandoned, JobHandedBack
from cqworker.execution import invoke, stuck_handlers
from cqworker.execution.thread_pool import HandlerThreads, ThreadNotStarted
from cqworker.model.record import JobRecord
from cqworker.model.status import FailureKind, Status
from cqworker.testing.host import Host
from tests.flow.waiting import eventually
from tests.flow.world import REAL, World
from tests.patience import scaled


def kind_of(record: JobRecord) -> FailureKind | None:
    return record.failure.kind if record.failure else None


def short_grace(host: Host) -> None:
    host.worker.executor._grace = 0.2


async def test_as_many_calls_run_at_once_as_there_are_and_idle_threads_take_the_next() -> None:
    threads, barrier = HandlerThreads(), threading.Barrier(20)

    def meet() -> str:
        barrier.wait(scaled(5))
        return threading.current_thread().name

    first = await asyncio.gather(*(threads.call(meet) for _ in range(20)))
    second = await asyncio.gather(*(threads.call(meet) for _ in range(20)))
    assert len(set(first)) == 20
    assert set(first) == set(second)
    threads.close()


async def test_whatever_a_call_raises_reaches_who_asked_and_the_thread_serves_on() -> None:
    threads = HandlerThreads()

    def leave() -> None:
        raise SystemExit(3)

    for _ in range(3):
        call = threads.call(leave)
        await asyncio.wait([call])
        assert isinstance(call.exception(), SystemExit)
    assert await threads.call(lambda: threading.active_count() and "alive") == "alive"
    threads.close()


def refuse_a_thread(patch: pytest.MonkeyPatch) -> None:
    """The system has no thread left, once."""

    def refuse(_: threading.Thread) -> None:
        patch.undo()
        raise RuntimeError("can't start new thread")

    patch.setattr(threading.Thread, "start", refuse)


async def test_a_call_that_no_thread_could_be_started_for_is_never_made(monkeypatch: pytest.MonkeyPatch) -> None:
    threads, release, made = HandlerThreads(), threading.Event(), threading.Event()
    busy = threads.call(lambda: release.wait(scaled(5)))
    refuse_a_thread(monkeypatch)
    with pytest.raises(ThreadNotStarted, match="can't start new thread"):
        threads.call(made.set)
    release.set()
    await busy
    barrier = threading.Barrier(3)
    await asyncio.gather(*(threads.call(lambda: barrier.wait(scaled(5))) for _ in range(3)))
    assert not made.is_set()
    threads.close()


@asynccontextmanager
async def nothing() -> AsyncIterator[None]:
    yield


@pytest.mark.parametrize("lifespan", [None, nothing])
async def test_a_job_that_no_thread_could_be_started_for_is_handed_back_and_runs_later(
    lifespan: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invoke, "START_RETRY", 1.0)
    release, begun = threading.Event(), threading.Event()
    calls: list[int] = []

    @handler
    def hold(payload: dict[str, Any]) -> None:
        begun.set()
        release.wait(scaled(10))

    @handler(max_attempts=1, lifespan=lifespan)
    def count(payload: dict[str, Any], job: Job) -> None:
        calls.append(job.attempt)

    world = World({"hold": hold, "count": count}, real=REAL)
    host = world.start()
    held = await world.submit("hold")
    await asyncio.to_thread(begun.wait, scaled(5))
    with monkeypatch.context() as patch:
        refuse_a_thread(patch)
        job_id = await world.submit("count")
        await world.until_true(lambda: host.seen(JobHandedBack), patience=5)
    assert (world.record(job_id).status, world.record(job_id).attempt) == (Status.QUEUED, 0)
    release.set()
    await world.until(held, patience=5)
    assert calls == [], "what was refused is not run by the thread that is free now"
    record = await world.until(job_id, patience=5)
    assert (record.status, record.attempt, calls) == (Status.SUCCEEDED, 1, [1])
    await host.drain(2)


async def test_closing_ends_the_idle_threads() -> None:
    threads = HandlerThreads()
    await asyncio.gather(*(threads.call(lambda: time.sleep(0.05)) for _ in range(5)))
    threads.close()
    await eventually(lambda: not any(thread.name.startswith("handler-") for thread in threading.enumerate()))


@pytest.mark.parametrize(
    ("error", "kind"),
    [(SystemExit(1), "exhausted"), (StopIteration(), "exhausted"), (Reject("no"), "rejected")],
)
async def test_whatever_a_handler_raises_in_a_thread_fails_its_job_alone(error: BaseException, kind: str) -> None:
    @handler(max_attempts=1)
    def surprise(payload: dict[str, Any]) -> None:
        raise error

    @handler
    def fine(payload: dict[str, Any]) -> str:
        return "fine"

    world = World({"surprise": surprise, "fine": fine}, real=REAL)
    host = world.start()
    assert kind_of(await world.until(await world.submit("surprise"), patience=5)) == kind
    assert (await world.until(await world.submit("fine"), patience=5)).status is Status.SUCCEEDED
    await host.drain(2)


async def test_a_thread_that_will_not_stop_is_abandoned_and_its_slot_is_free_when_it_ends() -> None:
    release = threading.Event()

    @handler(timeout=0.3, max_attempts=1)
    def stubborn(payload: dict[str, Any]) -> str:
        release.wait(scaled(10))
        return "late"

    world = World({"stubborn": stubborn}, real=REAL)
    host = world.start()
    short_grace(host)
    record = await world.until(await world.submit("stubborn"), patience=5)
    assert kind_of(record) is FailureKind.TIMEOUT
    assert len(host.seen(HandlerAbandoned)) == 1
    assert (host.worker.capacity.taken, len(host.worker.executor.stragglers)) == (1, 1)
    release.set()
    await world.until_true(lambda: host.seen(AbandonedHandlerEnded), patience=5)
    await world.until_true(lambda: host.worker.capacity.taken == 0, patience=5)
    assert world.record(record.job_id) == record
    await host.drain(2)


@pytest.mark.parametrize(("jobs", "concurrency", "most", "stuck"), [(2, 8, 1, True), (1, 8, 1, False), (2, 2, 8, True)])
async def test_the_worker_asks_to_be_started_again_when_too_many_handlers_or_all_would_not_stop(
    jobs: int, concurrency: int, most: int, stuck: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stuck_handlers, "LOOK_EVERY", 0.05)
    release = threading.Event()

    @handler(timeout=0.3, max_attempts=1)
    def stubborn(payload: dict[str, Any]) -> None:
        release.wait(scaled(10))

    world = World({"stubborn": stubborn}, real=REAL, concurrency=concurrency, max_abandoned_handlers=most)
    host = world.start()
    short_grace(host)
    ids = [await world.submit("stubborn") for _ in range(jobs)]
    await world.until_true(lambda: len(host.worker.executor.stragglers) == jobs, patience=5)
    await asyncio.sleep(0.2)
    assert host.worker.stuck.is_set() == stuck
    assert all((f"stubborn {job_id}" in host.worker.stuck_because) == stuck for job_id in ids)
    release.set()
    await host.drain(2)


async def test_a_thread_sees_that_it_should_stop() -> None:
    @handler(timeout=0.3, max_attempts=1)
    def attentive(payload: dict[str, Any], job: Job) -> None:
        while not job.stopping:
            time.sleep(0.01)
        raise RuntimeError("I was asked to stop")

    world = World({"attentive": attentive}, real=REAL)
    host = world.start()
    record = await world.until(await world.submit("attentive"), patience=5)
    assert kind_of(record) is FailureKind.TIMEOUT
    assert host.seen(HandlerAbandoned) == []
    await host.drain(2)


async def test_a_thread_that_gives_up_in_a_drain_costs_no_attempt() -> None:
    started = threading.Event()

    @handler(max_attempts=1)
    def attentive(payload: dict[str, Any], job: Job) -> None:
        started.set()
        while not job.stopping:
            time.sleep(0.01)
        raise RuntimeError("I was asked to stop")

    world = World({"attentive": attentive}, real=REAL)
    host = world.start()
    job_id = await world.submit("attentive")
    await asyncio.to_thread(started.wait, scaled(5))
    await host.drain(5)
    assert (world.record(job_id).status, world.record(job_id).attempt) == (Status.QUEUED, 0)


async def test_a_thread_that_is_told_to_stop_while_its_lifespan_opens_never_starts() -> None:
    started = threading.Event()
    openings: list[float] = []

    @asynccontextmanager
    async def slow_pool() -> AsyncIterator[None]:
        openings.append(time.monotonic())
        await asyncio.sleep(0.6)
        openings.append(time.monotonic())
        yield

    @handler(timeout=0.2, max_attempts=1, lifespan=slow_pool)
    def swim(payload: dict[str, Any]) -> None:
        started.set()

    world = World({"swim": swim}, real=REAL)
    host = world.start()
    record = await world.until(await world.submit("swim"), patience=5)
    assert kind_of(record) is FailureKind.TIMEOUT
    assert len(openings) == 1
    await world.until_true(lambda: len(openings) == 2, patience=5)
    await world.until_true(lambda: host.worker.capacity.taken == 0, patience=5)
    await host.drain(2)
    assert not started.is_set()
