"""Whatever a handler does has one ending, and the record says which."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from pydantic import BaseModel

from cqworker import Job, Reject, Retry, handler
from cqworker.events import AbandonedHandlerEnded, HandlerAbandoned, JobStarted
from cqworker.model.record import Failure, JobRecord
from cqworker.model.status import FailureKind, Status
from cqworker.plugins.handler import Backoff
from cqworker.ports import Letter
from tests.flow.handlers import Notebook, worker_of
from tests.flow.world import World, story


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


SURPRISES: dict[str, BaseException] = {
    "SystemExit": SystemExit(3),
    "KeyboardInterrupt": KeyboardInterrupt(),
    "StopAsyncIteration": StopAsyncIteration(),
    "GeneratorExit": GeneratorExit(),
    "Unspeakable": Unspeakable(),
    "UnicodeError": UnicodeError("half a character: \ud800"),
    "TimeoutError": TimeoutError("its own"),
    "MemoryError": MemoryError("x" * 100_000),
}


class Text(BaseModel):
    text: str


def failure_of(record: JobRecord) -> Failure:
    assert record.failure is not None
    return record.failure


async def fate_of(function: Any, payload: str = "{}") -> JobRecord:
    """How a job of this handler ends."""
    world = World({"it": function})
    world.start()
    record = await world.until(await world.submit("it", payload))
    await world.until_empty()
    await world.stop()
    return record


@pytest.mark.parametrize("name", SURPRISES)
@story
async def test_whatever_a_handler_raises_fails_its_job_and_nothing_else(name: str) -> None:
    @handler(max_attempts=2)
    async def surprise(payload: dict[str, Any]) -> None:
        raise SURPRISES[name]

    failure = failure_of(record := await fate_of(surprise))
    assert (record.status, failure.kind, failure.error, record.attempt) == ("FAILED", "exhausted", name, 2)
    assert len(failure.message) <= 500
    assert failure.traceback is not None
    for text in (failure.message, failure.traceback, record.history[-1].reason):
        text.encode()


@pytest.mark.parametrize("result", [{1, 2}, object(), float("nan"), b"\xff", "\ud800", 2**70])
@story
async def test_a_result_that_is_no_json_is_an_error_of_the_handler(result: object) -> None:
    @handler(max_attempts=1)
    async def odd(payload: dict[str, Any]) -> object:
        return result

    assert failure_of(await fate_of(odd)).kind is FailureKind.REJECTED


@story
async def test_a_handler_that_cancels_itself_has_failed() -> None:
    @handler(max_attempts=1)
    async def suicide(payload: dict[str, Any]) -> None:
        raise asyncio.CancelledError

    assert failure_of(await fate_of(suicide)).message == "The handler cancelled itself."


@story
async def test_retry_counts_as_an_attempt_and_its_reason_is_told() -> None:
    @handler(max_attempts=2)
    async def later(payload: dict[str, Any]) -> None:
        raise Retry("the oven is cold \ud800", after=5)

    record = await fate_of(later)
    assert (failure_of(record).kind, record.attempt) == (FailureKind.EXHAUSTED, 2)
    assert failure_of(record).message.startswith("the oven is cold")
    failure_of(record).message.encode()


@story
async def test_a_rejected_job_is_failed_at_its_first_attempt() -> None:
    @handler
    async def refuse(payload: dict[str, Any]) -> None:
        raise Reject("never \ud800")

    record = await fate_of(refuse)
    assert (failure_of(record).kind, record.attempt) == (FailureKind.REJECTED, 1)
    failure_of(record).message.encode()


@story
async def test_a_payload_that_the_model_refuses_fails_the_job_without_a_start_of_its_handler() -> None:
    @handler
    async def strict(payload: Text) -> None:
        raise AssertionError("it must not run")

    world = World({"strict": strict})
    world.start()
    job_id = await world.submit("strict", '{"text":"x"}', delay_seconds=5)
    [body] = world.queue.bodies
    world.queue._messages.clear()
    world.store.records.clear()
    await world.queue.send(Letter(body=body.replace('{"text":"x"}', '{"text":7}')))
    record = await world.until(job_id)
    assert (failure_of(record).kind, failure_of(record).stage) == (FailureKind.INVALID_PAYLOAD, "payload")
    assert failure_of(record).message.startswith("/text:")
    await world.stop()


@story
async def test_backoff_grows_with_the_attempts_and_stays_below_its_cap() -> None:
    book = Notebook()

    @handler(max_attempts=9, backoff=Backoff(first=10, factor=3, cap=200))
    async def fail(payload: dict[str, Any], job: Job) -> None:
        await book.work(job, 0)
        raise RuntimeError

    world = World({"fail": fail})
    world.start()
    job_id = await world.submit("fail")
    await world.until(job_id)
    await world.stop()
    starts = book.starts_of(job_id)
    pauses = [later - earlier for earlier, later in pairwise(starts)]
    limits = [min(200.0, 10 * 3.0**n) + 1.5 for n in range(8)]
    assert all(pause <= limit for pause, limit in zip(pauses, limits, strict=True)), (pauses, limits)
    assert max(pauses) > 20


@story
async def test_a_handler_that_ignores_its_timeout_is_abandoned_and_its_late_result_is_worth_nothing() -> None:
    @handler(timeout=10, max_attempts=1)
    async def deaf(payload: dict[str, Any]) -> str:
        for _ in range(3):
            try:
                await asyncio.sleep(50)
            except asyncio.CancelledError:
                continue
        return "late"

    world = World({"deaf": deaf}, concurrency=1)
    host = world.start()
    record = await world.until(await world.submit("deaf"))
    assert (failure_of(record).kind, record.result) == (FailureKind.TIMEOUT, None)
    assert [event.reason for event in host.seen(HandlerAbandoned)] == ["timeout"]
    assert host.worker.capacity.taken == 1
    await world.until_true(lambda: host.seen(AbandonedHandlerEnded))
    assert host.worker.capacity.taken == 0
    await asyncio.sleep(100)
    assert world.store.records[record.job_id] == record
    await world.stop()


@pytest.mark.parametrize("says", [True, False])
@story
async def test_an_ending_within_the_grace_after_the_timeout_counts_if_it_says_that_it_is_whole(says: bool) -> None:
    @handler(timeout=10, max_attempts=1)
    async def careful(payload: dict[str, Any], job: Job) -> str:
        try:
            await asyncio.sleep(50)
        except asyncio.CancelledError:
            await asyncio.sleep(3)
        return job.finished("in time") if says else "half"

    record = await fate_of(careful)
    expected = (Status.SUCCEEDED, '"in time"') if says else (Status.FAILED, None)
    assert (record.status, record.result) == expected


@story
async def test_a_handler_that_raises_because_it_was_stopped_has_timed_out() -> None:
    @handler(timeout=10, max_attempts=1)
    async def wordy(payload: dict[str, Any]) -> str:
        try:
            await asyncio.sleep(50)
        except asyncio.CancelledError as error:
            raise RuntimeError("I was interrupted") from error
        return "never"

    assert failure_of(await fate_of(wordy)).kind is FailureKind.TIMEOUT


@story
async def test_an_operator_may_overrule_the_authors_limits() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 50, max_attempts=5)})
    job_id = await world.submit("work", max_attempts=1)
    world.start()
    record = await world.until(job_id)
    await world.stop()
    assert (record.max_attempts, len(world.seen(JobStarted))) == (1, 1)
