"""The ordinary life of a job."""

from __future__ import annotations

import asyncio
from typing import Any

from cqworker import Job, Reject, Retry, handler
from cqworker.events import JobSettled, JobStarted
from cqworker.model.status import FailureKind, Status
from tests.flow.world import World, story


@handler
async def greet(payload: dict[str, Any]) -> dict[str, Any]:
    return {"hello": payload.get("name", "world")}


@story
async def test_a_submitted_job_runs_and_its_result_can_be_read() -> None:
    world = World({"greet": greet})
    world.start()
    job_id = await world.submit("greet", '{"name":"Ada"}')
    record = await world.until(job_id)
    assert (record.status, record.result, record.attempt) == (Status.SUCCEEDED, '{"hello":"Ada"}', 1)
    await world.until_empty()
    await world.stop()
    assert [entry.event for entry in record.history] == ["submitted", "claimed", "succeeded"]


@story
async def test_a_job_that_raises_is_retried_with_backoff_until_its_attempts_are_used_up() -> None:
    starts: list[float] = []

    @handler(max_attempts=3)
    async def fail(payload: dict[str, Any]) -> None:
        starts.append(asyncio.get_running_loop().time())
        raise RuntimeError("no luck")

    world = World({"fail": fail})
    world.start()
    record = await world.until(await world.submit("fail"))
    await world.until_empty()
    await world.stop()
    assert record.status is Status.FAILED
    assert record.failure is not None
    assert (record.failure.kind, record.failure.error) == (FailureKind.EXHAUSTED, "RuntimeError")
    assert len(starts) == 3
    assert len(world.seen(JobStarted)) == 3


@story
async def test_reject_fails_a_job_at_once() -> None:
    @handler
    async def refuse(payload: dict[str, Any]) -> None:
        raise Reject("never")

    world = World({"refuse": refuse})
    world.start()
    record = await world.until(await world.submit("refuse"))
    await world.stop()
    assert record.failure is not None
    assert (record.failure.kind, record.failure.message, record.attempt) == (FailureKind.REJECTED, "never", 1)


@story
async def test_retry_after_says_when_the_next_attempt_comes() -> None:
    starts: list[float] = []

    @handler
    async def later(payload: dict[str, Any], job: Job) -> str:
        starts.append(asyncio.get_running_loop().time())
        if job.attempt == 1:
            raise Retry("not yet", after=100)
        return "done"

    world = World({"later": later})
    world.start()
    record = await world.until(await world.submit("later"))
    await world.stop()
    assert record.status is Status.SUCCEEDED
    assert 98 <= starts[1] - starts[0] <= 125


@story
async def test_a_handler_that_takes_too_long_is_stopped_and_tried_again() -> None:
    @handler(timeout=30, max_attempts=2)
    async def slow(payload: dict[str, Any]) -> None:
        await asyncio.sleep(3600)

    world = World({"slow": slow})
    world.start()
    record = await world.until(await world.submit("slow"))
    await world.stop()
    assert record.failure is not None
    assert (record.status, record.failure.kind, record.attempt) == (Status.FAILED, FailureKind.TIMEOUT, 2)


@story
async def test_a_job_longer_than_its_lease_keeps_it_and_runs_once() -> None:
    @handler(timeout=4000)
    async def long(payload: dict[str, Any]) -> str:
        await asyncio.sleep(1800)
        return "done"

    world = World({"long": long})
    world.start("w1")
    world.start("w2")
    record = await world.until(await world.submit("long"))
    await world.stop()
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    assert len(world.seen(JobStarted)) == 1


@story
async def test_hundreds_of_jobs_are_drained_by_several_workers_each_once() -> None:
    world = World({"greet": greet}, concurrency=8)
    ids = [await world.submit("greet") for _ in range(300)]
    for name in ("w1", "w2", "w3"):
        world.start(name)
    for job_id in ids:
        assert (await world.until(job_id)).status is Status.SUCCEEDED
    await world.until_empty()
    await world.stop()
    assert len(world.seen(JobSettled)) == 300
