"""The table is put back to an earlier time while messages are in the queue and jobs run: what it forgot, SQS knows."""

from __future__ import annotations

import asyncio

from cqworker.events import LeaseLost
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.time_travel import HOUR
from tests.flow.world import World, story

WORK = 100.0
"""Seconds that a job runs."""


def open_world(book: Notebook) -> World:
    return World({"work": worker_of(book, WORK), "quick": quick})


def snapshot(world: World) -> dict[str, JobRecord]:
    """What a backup has: records never change, but are replaced."""
    return dict(world.store.records)


def restore(world: World, backup: dict[str, JobRecord]) -> None:
    world.store.records = dict(backup)


def most_at_once(book: Notebook, job_id: str) -> int:
    """How many handlers of the job ran at the same time."""
    begun = [(at, 1) for at, name, _ in book.starts if name == job_id]
    over = [(at, -1) for at, name, _ in (*book.ends, *book.stops) if name == job_id]
    running = most = 0
    for _, change in sorted(begun + over):
        running += change
        most = max(most, running)
    return most


@story
async def test_a_job_that_the_backup_does_not_have_runs_from_its_message() -> None:
    book = Notebook()
    world = open_world(book)
    backup = snapshot(world)
    job_id = await world.submit("work")
    restore(world, backup)
    world.start()
    record = await world.until(job_id)
    assert (record.status, record.attempt, len(book.starts)) == (Status.SUCCEEDED, 1, 1)
    await world.until_empty()
    await world.stop()


@story
async def test_a_job_that_runs_is_stopped_and_starts_again_from_its_message_once_the_lease_has_ended() -> None:
    book = Notebook()
    world = open_world(book)
    before = snapshot(world)
    first, second = await world.submit("work"), await world.submit("work")
    waiting = {first: world.record(first)}
    host = world.start()
    await world.until_true(lambda: len(book.starts) == 2)
    await asyncio.sleep(10)
    restore(world, before | waiting)
    for job_id in (first, second):
        assert (await world.until(job_id)).status is Status.SUCCEEDED
        assert len(book.starts_of(job_id)) == 2
        assert most_at_once(book, job_id) == 1
    assert {event.job.job_id for event in host.seen(LeaseLost)} == {first, second}
    await world.until_empty()
    await world.stop()


@story
async def test_a_job_that_waits_for_its_time_by_the_backup_is_sent_once_more_and_started_once() -> None:
    book = Notebook()
    world = open_world(book)
    world.start()
    job_id = await world.submit("work", delay_seconds=1200)
    backup = snapshot(world)
    await world.until(job_id, Status.QUEUED)
    assert len(world.queue.bodies) == 1
    restore(world, backup)
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    await world.until_empty()
    assert (len(book.starts), most_at_once(book, job_id)) == (1, 1)
    await world.stop()


@story
async def test_a_copy_for_a_time_that_the_backup_does_not_know_starts_nothing_and_the_former_time_holds() -> None:
    book = Notebook()
    world = open_world(book)
    job_id = await world.submit("work", delay_seconds=2 * HOUR)
    backup, began = snapshot(world), world.clock.now()
    world.start()
    await world.office.operator.reschedule(job_id, None, world.clock.now() + 300_000)
    restore(world, backup)
    record = await world.until(job_id)
    assert (record.status, len(book.starts)) == (Status.SUCCEEDED, 1)
    assert 7_198_000 <= (record.started_at or 0) - began <= 7_205_000
    await world.until_empty()
    await world.stop()


@story
async def test_a_retry_that_the_backup_does_not_know_is_carried_out_from_its_message() -> None:
    book = Notebook()
    world = open_world(book)
    job_id = await world.submit("work")
    cancelled = await world.office.operator.cancel(job_id, None)
    backup = snapshot(world)
    assert cancelled.status is Status.CANCELLED
    await world.office.operator.retry(job_id, None)
    restore(world, backup)
    world.start()
    record = await world.until(job_id, Status.SUCCEEDED)
    assert (record.round, record.attempt, len(book.starts)) == (2, 1, 1)
    await world.stop()


@story
async def test_what_had_ended_runs_anew_where_the_backup_has_it_waiting_for_its_time() -> None:
    """The table forgot that it was done, and nobody else knows: handlers that must not be repeated ask their own."""
    book = Notebook()
    world = open_world(book)
    world.start()
    job_id = await world.submit("work", delay_seconds=1000)
    backup = snapshot(world)
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    restore(world, backup)
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    assert (len(book.starts), most_at_once(book, job_id)) == (2, 1)
    await world.stop()


@story
async def test_what_had_ended_and_waits_in_the_backup_without_a_message_is_sent_again_by_a_retry() -> None:
    book = Notebook()
    world = open_world(book)
    job_id = await world.submit("work")
    backup = snapshot(world)
    world.start()
    await world.until(job_id)
    await world.until_empty()
    restore(world, backup)
    await asyncio.sleep(HOUR)
    assert world.record(job_id).status is Status.QUEUED
    await world.office.operator.retry(job_id, None)
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    assert most_at_once(book, job_id) == 1
    await world.stop()


@story
async def test_an_ending_that_is_written_into_the_restored_table_is_refused_and_the_job_runs_again() -> None:
    """Its token is none that this table ever gave: what wrote it could be anybody's."""
    book = Notebook()
    world = World({"work": worker_of(book, 38)})
    backup = snapshot(world)
    job_id = await world.submit("work")
    host = world.start()
    await world.until_true(lambda: book.starts)
    await asyncio.sleep(30)
    restore(world, backup)
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    assert [event.job.job_id for event in host.seen(LeaseLost)] == [job_id]
    assert (len(book.ends), most_at_once(book, job_id)) == (2, 1)
    await world.until_empty()
    await world.stop()
