"""What a drain and a second signal are to the handlers that run."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from cqworker import Job, handler
from cqworker.events import JobHandedBack, JobStarted
from cqworker.model.status import Status
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.world import VISIBILITY, World, story

DRAIN = 25.0
SLACK = 2.0


@story
async def test_a_handler_deaf_to_the_drain_is_not_handed_back_and_its_lease_runs_out() -> None:
    @handler(timeout=3600)
    async def deaf(payload: dict[str, Any], job: Job) -> int:
        if job.attempt == 1:
            for _ in range(2):
                try:
                    await asyncio.sleep(200)
                except asyncio.CancelledError:
                    continue
        return job.attempt

    world = World({"deaf": deaf})
    first = world.start("w1")
    job_id = await world.submit("deaf")
    await world.until(job_id, Status.RUNNING)
    await asyncio.sleep(1)
    began = world.clock.monotonic()
    await first.drain(DRAIN)
    assert world.clock.monotonic() - began <= DRAIN + SLACK
    assert world.record(job_id).status is Status.RUNNING
    assert first.seen(JobHandedBack) == []
    del world.hosts["w1"]
    world.start("w2")
    record = await world.until(job_id, patience=2 * VISIBILITY)
    assert (record.status, record.attempt, record.result) == (Status.SUCCEEDED, 2, "2")
    await world.stop()


@story
async def test_a_second_signal_hands_everything_back_at_once() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 300)}, concurrency=20)
    ids = [await world.submit("work") for _ in range(20)]
    host = world.start()
    await world.until_true(lambda: len(book.starts) == 20)
    hurry = asyncio.Event()
    draining = asyncio.ensure_future(host.drain(DRAIN, hurry))
    await asyncio.sleep(3)
    assert not draining.done()
    began = world.clock.monotonic()
    hurry.set()
    await draining
    assert world.clock.monotonic() - began <= 3
    assert {(record.status, record.attempt) for record in map(world.record, ids)} == {(Status.QUEUED, 0)}
    assert (await world.queue.depth()).visible == 20


@story
async def test_a_second_signal_leaves_a_receive_in_flight_a_second_to_bring_its_message() -> None:
    world = World({"quick": quick})
    host = world.start()
    await asyncio.sleep(19.2)
    hurry = asyncio.Event()
    hurry.set()
    draining = asyncio.ensure_future(host.drain(DRAIN, hurry))
    await asyncio.sleep(0.5)
    assert not draining.done(), "whoever leaves now leaves the message to nobody"
    await world.submit("quick")
    began = world.clock.monotonic()
    await draining
    assert world.clock.monotonic() - began <= 3
    assert (await world.queue.depth()).visible == 1


@story
async def test_a_second_signal_waits_for_no_handler_that_does_not_listen() -> None:
    @handler(timeout=3600)
    async def deaf(payload: dict[str, Any]) -> None:
        for _ in range(2):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(100)

    world = World({"deaf": deaf})
    host = world.start()
    await world.submit("deaf")
    await world.until_true(lambda: host.seen(JobStarted))
    hurry = asyncio.Event()
    hurry.set()
    began = world.clock.monotonic()
    await host.drain(DRAIN, hurry)
    assert world.clock.monotonic() - began <= 3


@story
async def test_a_handler_that_sees_the_drain_and_gives_up_costs_no_attempt() -> None:
    @handler(max_attempts=1)
    async def polite(payload: dict[str, Any], job: Job) -> None:
        for _ in range(3000):
            job.check()
            await asyncio.sleep(0.1)

    world = World({"polite": polite})
    job_id = await world.submit("polite")
    host = world.start()
    await world.until(job_id, Status.RUNNING)
    await asyncio.sleep(1)
    began = world.clock.monotonic()
    await host.drain(DRAIN)
    assert (world.record(job_id).status, world.record(job_id).attempt) == (Status.QUEUED, 0)
    assert world.clock.monotonic() - began <= 20 + SLACK


@story
async def test_an_error_that_has_nothing_to_do_with_the_drain_counts() -> None:
    @handler(max_attempts=1)
    async def fail(payload: dict[str, Any]) -> None:
        await asyncio.sleep(5)
        raise RuntimeError("no luck")

    world = World({"fail": fail})
    job_id = await world.submit("fail")
    host = world.start()
    await world.until_true(lambda: host.seen(JobStarted))
    await host.drain(DRAIN)
    assert world.record(job_id).status is Status.FAILED
