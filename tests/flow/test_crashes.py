"""A host dies at any step: another one takes over, and a crash costs an attempt only where one had begun."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cqworker import Job, handler
from cqworker.events import JobForestalled, JobStarted
from cqworker.model.attempt_writes import Claim, Renew, Settle
from cqworker.model.operator_writes import AskCancel, Forestall
from cqworker.model.status import FailureKind, Status
from cqworker.testing.host import Host
from cqworker.testing.host_loop import HOST
from tests.flow.faults import Mishap, last, never
from tests.flow.handlers import Notebook, worker_of
from tests.flow.world import VISIBILITY, World, story

Spoil = Callable[[Host, Callable[[], None]], None]


def on_store(change: type[Any], how: Callable[[Callable[[], None]], Mishap]) -> Spoil:
    return lambda host, die: host.store.on(change, how(die))


def on_queue(call: str, how: Callable[[Callable[[], None]], Mishap]) -> Spoil:
    return lambda host, die: host.queue.on(call, how(die))


STEPS: dict[str, tuple[Spoil, int, int]] = {
    "after the receive": (on_queue("receive", last), 1, 1),
    "before the claim": (on_store(Claim, never), 1, 1),
    "after the claim": (on_store(Claim, last), 2, 1),
    "in the handler, at a renewal": (on_store(Renew, last), 2, 2),
    "before the settle": (on_store(Settle, never), 2, 2),
    "after the settle": (on_store(Settle, last), 1, 1),
    "before the delete": (on_queue("delete", never), 1, 1),
    "after the delete": (on_queue("delete", last), 1, 1),
}
"""Where the first host dies: the attempt that the job ends with, and how often its handler was started."""


@pytest.mark.parametrize("step", STEPS)
@story
async def test_a_job_survives_the_death_of_its_host(step: str) -> None:
    spoil, attempt, starts = STEPS[step]
    book = Notebook()
    world = World({"work": worker_of(book, 25)})
    job_id = await world.submit("work")
    world.start("w1", before=lambda host: spoil(host, lambda: world.kill("w1")))
    await world.until_true(lambda: "w1" not in world.hosts)
    died = world.clock.monotonic()
    world.start("w2")
    record = await world.until(job_id)
    await world.until_empty()
    assert (record.status, record.attempt, len(book.starts)) == (Status.SUCCEEDED, attempt, starts)
    assert world.clock.monotonic() - died <= 2 * VISIBILITY + 30
    await world.stop()


@story
async def test_a_job_survives_a_submitter_that_dies_after_the_send() -> None:
    world = World({"work": worker_of(Notebook(), 1)})
    dying = asyncio.ensure_future(world.accept("work"))
    world.office.store.on("Enter", never(lambda: None))
    await world.until_true(lambda: world.queue.bodies)
    assert not world.store.records
    world.start()
    await world.until_true(lambda: world.store.records)
    [job_id] = world.store.records
    record = await world.until(job_id)
    assert [entry.event for entry in record.history] == ["submitted", "claimed", "succeeded"]
    dying.cancel()
    await world.stop()


@story
async def test_a_handler_that_kills_its_host_is_stopped_after_its_last_attempt() -> None:
    @handler(max_attempts=3)
    async def deadly(payload: dict[str, Any], job: Job) -> None:
        world.kill(HOST.get())
        await asyncio.get_running_loop().create_future()

    world = World({"deadly": deadly})
    job_id = await world.submit("deadly")
    for number in range(4):
        world.start(f"w{number}")
        await world.until_true(lambda: not world.hosts or world.record(job_id).status.is_final)
    record = world.record(job_id)
    assert record.failure is not None
    assert (record.status, record.failure.kind, record.attempt) == (Status.FAILED, FailureKind.CRASHED, 3)
    assert len(world.seen(JobStarted)) == 3
    assert [event.kind for event in world.seen(JobForestalled)] == [FailureKind.CRASHED]
    await world.until_empty()
    await world.stop()


@story
async def test_a_cancel_that_comes_while_a_crash_is_written_in_place_of_a_start_goes_first() -> None:
    crashing, asked = asyncio.Event(), asyncio.Event()

    @handler(max_attempts=1)
    async def long(payload: dict[str, Any], job: Job) -> None:
        await asyncio.sleep(100)

    async def once_a_crash_is_on_its_way(apply: Callable[[], Awaitable[Any]]) -> Any:
        await crashing.wait()
        answer = await apply()
        asked.set()
        return answer

    async def once_a_cancel_was_asked_for(apply: Callable[[], Awaitable[Any]]) -> Any:
        crashing.set()
        await asked.wait()
        return await apply()

    world = World({"long": long})
    job_id = await world.submit("long")
    world.start("w1")
    await world.until_true(lambda: world.seen(JobStarted))
    world.kill("w1")
    world.office.store.on(AskCancel, once_a_crash_is_on_its_way)
    asking = asyncio.ensure_future(world.operator.cancel(job_id, None))
    host = world.start("w2", before=lambda host: host.store.on(Forestall, once_a_cancel_was_asked_for))
    assert (await asking).status is Status.RUNNING
    assert (await world.until(job_id)).status is Status.CANCELLED
    await world.until_empty()
    assert [event.status for event in host.seen(JobForestalled)] == [Status.CANCELLED]
    await world.stop()


@story
async def test_the_jobs_of_a_dead_host_are_taken_over_when_their_visibility_ends() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 40)}, concurrency=20)
    ids = [await world.submit("work") for _ in range(20)]
    world.start("w1")
    world.start("w2")
    await world.until_true(lambda: len(book.starts) == 20)
    world.kill("w1")
    for job_id in ids:
        assert (await world.until(job_id, patience=2 * VISIBILITY + 60)).status is Status.SUCCEEDED
    await world.until_empty()
    await world.stop()
    assert len(book.ends) == 20
