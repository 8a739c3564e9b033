"""A receipt that is stale, gone or in other hands stops nothing: the record says whose the job is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace

from cqworker import Job, Retry, handler
from cqworker.events import JobStarted, LeaseLost, LeaseUnanswered, ReceiptRefused
from cqworker.model.attempt_writes import Claim, Settle
from cqworker.model.status import Status
from cqworker.testing import VirtualClock
from cqworker.testing.mishaps import Mishap
from tests.flow.faults import late, slow, unanswered, unheard
from tests.flow.handlers import Notebook, worker_of
from tests.flow.world import World, story

MARGIN = 5.0
DEADLINE = 15.0
"""Seconds that a call to SQS may take with all its tries."""


@story
async def test_a_receipt_that_is_not_answered_for_stops_nothing_while_the_record_is() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 300)})
    host = world.start()
    other = world.start("w2")
    job_id = await world.submit("work")
    await world.until(job_id, Status.RUNNING)
    holder = host if host.seen(JobStarted) else other
    holder.queue.away = unheard
    record = await world.until(job_id)
    assert (record.status, record.attempt, len(book.starts)) == (Status.SUCCEEDED, 1, 1)
    holder.queue.away = None
    await world.until_empty()
    await world.stop()


@story
async def test_a_receipt_that_sqs_calls_gone_stops_nothing_and_its_job_gets_another_message() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 100)})
    host = world.start()
    job_id = await world.submit("work")
    await world.until(job_id, Status.RUNNING)
    host.queue.faults.append(("ReceiptHandleIsInvalid", True))
    await world.until_true(lambda: host.seen(ReceiptRefused))
    assert len(world.queue.bodies) == 2
    record = await world.until(job_id)
    assert (record.status, record.attempt, len(book.starts)) == (Status.SUCCEEDED, 1, 1)
    await world.until_empty()
    await world.stop()


@story
async def test_new_messages_that_a_slow_queue_takes_its_time_for_keep_no_lease_from_its_renewal() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 200)})
    host = world.start()
    ids = [await world.submit("work") for _ in range(5)]
    await world.until_true(lambda: len(book.starts) == len(ids))
    host.queue.faults += [("ReceiptHandleIsInvalid", True)] * 4
    for call in ("send", "send_many"):
        host.queue.on(call, slow(DEADLINE), 100)
    records = [await world.until(job_id) for job_id in ids]
    assert [(record.status, record.attempt) for record in records] == [(Status.SUCCEEDED, 1)] * len(ids)
    assert (host.seen(LeaseUnanswered), host.seen(LeaseLost)) == ([], [])
    await world.stop()


@pytest.mark.parametrize("options", [{}, {"max_attempts": 2}])
@story
async def test_a_purged_queue_costs_no_running_job_its_end(options: dict[str, Any]) -> None:
    """Whether its renewal notices or, in a job that is too short for one, its backoff."""
    book = Notebook()

    @handler(timeout=3600, **options)
    async def work(payload: dict[str, Any], job: Job) -> str:
        done = await book.work(job, 5 if options else 100)
        if options and job.attempt == 1:
            raise Retry("once more", after=3)
        return done

    world = World({"work": work})
    world.start()
    ids = [await world.submit("work") for _ in range(3)]
    await world.until_true(lambda: len(book.starts) == 3)
    world.queue.purge()
    for job_id in ids:
        record = await world.until(job_id)
        assert (record.status, record.attempt) == (Status.SUCCEEDED, 2 if options else 1)
    await world.until_empty()
    await world.stop()


@story
async def test_a_settle_that_arrives_after_another_claim_changes_nothing() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 30)})
    first = world.start("w1", before=lambda host: host.store.on(Settle, late(100)))
    job_id = await world.submit("work")
    await world.until_true(lambda: first.store.calls.count("Settle") == 1)
    first.queue.away = unheard
    world.start("w2")
    record = await world.until(job_id)
    await world.until_true(lambda: first.seen(LeaseLost))
    await world.until_empty()
    await world.stop()
    assert (record.attempt, record.result) == (2, '"attempt 2"')
    assert world.record(job_id) == record


@story
async def test_a_message_stays_hidden_while_its_settle_is_not_answered() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 30)})
    first = world.start("w1", before=lambda host: host.store.on(Settle, late(100)))
    job_id = await world.submit("work")
    await world.until_true(lambda: first.store.calls.count("Settle") == 1)
    world.start("w2")
    record = await world.until(job_id)
    await world.until_empty()
    assert (record.attempt, record.result, len(book.starts)) == (1, '"attempt 1"', 1)
    await world.stop()


@story
async def test_a_copy_of_a_job_in_hand_starts_nothing_here_even_when_its_lease_has_ended_unnoticed() -> None:
    """As after a suspend, which the monotonic clock does not count."""
    book = Notebook()
    world = World({"work": worker_of(book, 30)})
    host = world.start()
    job_id = await world.submit("work")
    await world.until(job_id, Status.RUNNING)
    world.store.records[job_id] = replace(world.record(job_id), lease_expires_at=world.clock.now() - 1)
    await world.copy(job_id)
    record = await world.until(job_id)
    assert (record.attempt, len(book.starts)) == (1, 1)
    await world.until_empty()
    assert len(host.seen(JobStarted)) == 1
    await world.stop()


@pytest.mark.parametrize("mishap", [unheard, unanswered])
@story
async def test_a_claim_is_not_repeated_once_its_lease_would_have_ended_while_the_machine_was_suspended(
    mishap: Mishap,
) -> None:
    """Seed 746: it was written with a lease that was over, so its slot was another's before its handler began."""
    book = Notebook()
    world = World({"work": worker_of(book, 5)})

    async def suspended(apply: Callable[[], Awaitable[Any]]) -> Any:
        assert isinstance(world.clock, VirtualClock)
        world.clock.skew += 115_000
        return await mishap(apply)

    world.start(before=lambda host: host.store.on(Claim, suspended))
    job_id = await world.submit("work")
    await world.until_true(lambda: book.starts)
    assert (world.record(job_id).lease_expires_at or 0) > world.clock.now()
    record = await world.until(job_id)
    assert (record.status, record.attempt, len(book.starts)) == (Status.SUCCEEDED, 1, 1)
    await world.until_empty()
    await world.stop()
