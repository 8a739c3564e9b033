"""What a handler says of its progress is written under the fence, at most once a second, and never costs a lease."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cqworker import Job, handler
from cqworker.events import LeaseLost, LeaseUnanswered
from cqworker.model.record import JobRecord, Progress
from cqworker.model.status import Status
from tests.flow.faults import Mishap, refused, unanswered, unheard
from tests.flow.handlers import Notebook, worker_of
from tests.flow.world import VISIBILITY, World, story


def told(record: JobRecord) -> Progress:
    assert record.progress is not None
    return record.progress


def chatty(seconds: float, every: float) -> Any:
    @handler(timeout=3600)
    async def chat(payload: dict[str, Any], job: Job) -> None:
        steps = round(seconds / every)
        for step in range(steps):
            job.progress(step + 1, steps, f"step {step + 1}")
            await asyncio.sleep(every)

    return chat


@story
async def test_progress_can_be_read_while_the_job_runs_and_stays_when_it_is_done() -> None:
    world = World({"chat": chatty(30, 5)})
    world.start()
    job_id = await world.submit("chat")
    await asyncio.sleep(12.5)
    assert (told(world.record(job_id)).done, told(world.record(job_id)).total) == (3, 6)
    record = await world.until(job_id)
    assert (told(record).done, told(record).note) == (6, "step 6")
    await world.stop()


@story
async def test_a_thousand_reports_are_one_write_a_second() -> None:
    world = World({"chat": chatty(20, 0.01)})
    host = world.start()
    record = await world.until(await world.submit("chat"))
    assert told(record).done == 2000
    assert host.store.calls.count("Renew") <= 20
    await world.stop()


@story
async def test_a_job_that_reports_and_ends_within_a_second_costs_no_write_for_it() -> None:
    world = World({"chat": chatty(0.5, 0.1)})
    host = world.start()
    record = await world.until(await world.submit("chat"))
    assert told(record).done == 5
    assert "Renew" not in host.store.calls
    await world.stop()


@pytest.mark.parametrize("mishap", [refused, unheard, unanswered])
@story
async def test_progress_that_could_not_be_written_is_written_later(mishap: Mishap) -> None:
    @handler(timeout=3600)
    async def say_once(payload: dict[str, Any], job: Job) -> None:
        job.progress(1, 2)
        await asyncio.sleep(50)

    world = World({"say": say_once})
    host = world.start(before=lambda host: host.store.on("Renew", mishap, 2))
    job_id = await world.submit("say")
    await asyncio.sleep(20)
    assert told(world.record(job_id)).done == 1
    await world.until(job_id)
    assert host.seen(LeaseLost) == []
    await world.stop()


@story
async def test_an_attempt_without_its_lease_reports_nothing() -> None:
    world = World({"chat": chatty(100, 1)})
    first = world.start("w1")
    job_id = await world.submit("chat")
    await world.until_true(lambda: first.worker.executor.runs)
    world.freeze("w1")
    await asyncio.sleep(VISIBILITY + 1)
    world.start("w2")
    await world.until_true(lambda: world.record(job_id).attempt == 2)
    world.thaw("w1")
    await asyncio.sleep(0.5)
    assert world.record(job_id).progress is None or told(world.record(job_id)).done <= 1
    record = await world.until(job_id)
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 2)
    await world.stop()


@story
async def test_a_note_that_no_store_can_hold_harms_neither_the_job_nor_its_siblings() -> None:
    @handler(timeout=3600)
    async def mumble(payload: dict[str, Any], job: Job) -> None:
        for step in range(200):
            job.progress(step, note="half a character: \ud800")
            await asyncio.sleep(1)

    book = Notebook()
    world = World({"mumble": mumble, "work": worker_of(book, 200)})
    host = world.start()
    write = host.store.write

    async def as_bytes(change: Any) -> Any:
        if getattr(change, "progress", None) is not None:
            (change.progress.note or "").encode()
        return await write(change)

    host.store.write = as_bytes  # type: ignore[method-assign]
    ids = [await world.submit("mumble"), *[await world.submit("work") for _ in range(5)]]
    for job_id in ids:
        record = await world.until(job_id)
        assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    assert (told(world.record(ids[0])).note or "").startswith("half a character: ")
    await world.stop()


@story
async def test_a_renewal_that_no_rule_foresaw_to_fail_costs_its_own_job_alone() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 150, max_attempts=1)})
    host = world.start()
    ids = [await world.submit("work") for _ in range(10)]
    await world.until_true(lambda: len(book.starts) == 10)
    write = host.store.write

    async def cursed(change: Any) -> Any:
        if change.job_id == ids[3] and type(change).__name__ == "Renew":
            raise KeyError("no rule foresaw this")
        return await write(change)

    host.store.write = cursed  # type: ignore[method-assign]
    for job_id in [*ids[:3], *ids[4:]]:
        record = await world.until(job_id)
        assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    assert {event.job.job_id for event in host.seen(LeaseUnanswered)} == {ids[3]}
    await world.stop()
