"""Every write's answer can be lost, done or not: no job is lost, doubled or charged for it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cqworker import handler
from cqworker.errors import Unavailable
from cqworker.events import JobSettled, JobStarted, LeaseLost
from cqworker.model.attempt_writes import Claim, HandBack, Reopen, Settle
from cqworker.model.operator_writes import Enter, Forestall
from cqworker.model.status import FailureKind, Status
from cqworker.model.writes import Change
from cqworker.plugins.registry import Registry
from cqworker.testing.host import Host
from tests.flow.faults import Mishap, refused, unanswered, unheard
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.world import World, story

either = pytest.mark.parametrize("mishap", [refused, unheard, unanswered])


@either
@pytest.mark.parametrize("change", [Claim, Settle])
@pytest.mark.parametrize("times", [1, 4])
@story
async def test_a_job_runs_once_whatever_becomes_of_a_claim_or_a_settle(
    change: type[Change], mishap: Mishap, times: int
) -> None:
    world = World({"work": worker_of(Notebook(), 5)})
    host = world.start(before=lambda host: host.store.on(change, mishap, times))
    record = await world.until(await world.submit("work"))
    await world.until_empty()
    await world.stop()
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    assert (len(host.seen(JobStarted)), len(host.seen(JobSettled))) == (1, 1)


@either
@story
async def test_a_claim_that_is_never_answered_is_refunded_when_it_is_given_up(mishap: Mishap) -> None:
    world = World({"quick": quick})

    def spoil(host: Host) -> None:
        host.store.on(Claim, mishap, 8)

    world.start(before=spoil)
    record = await world.until(await world.submit("quick"))
    await world.stop()
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)


@either
@story
async def test_a_refund_is_repeated_until_it_is_answered(mishap: Mishap) -> None:
    world = World({"quick": quick})

    def spoil(host: Host) -> None:
        host.store.on(Claim, unanswered, 9)
        host.store.on(HandBack, mishap, 3)

    world.start(before=spoil)
    record = await world.until(await world.submit("quick"))
    await world.stop()
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)


@either
@story
async def test_renewals_with_lost_answers_keep_the_lease(mishap: Mishap) -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 300)})
    host = world.start()
    for number in range(10):
        host.store.on("Renew", mishap, number % 3)
        host.store.on("Renew", lambda apply: apply())
    record = await world.until(await world.submit("work"))
    await world.stop()
    assert (record.status, len(book.starts), host.seen(LeaseLost)) == (Status.SUCCEEDED, 1, [])


@either
@story
async def test_a_hand_back_with_a_lost_answer_refunds_once(mishap: Mishap) -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 100)})
    host = world.start()
    job_id = await world.submit("work")
    await world.until_true(lambda: book.starts)
    host.store.on(HandBack, mishap, 2)
    await host.drain()
    record = world.record(job_id)
    assert (record.status, record.attempt) == (Status.QUEUED, 0)
    assert [entry.event for entry in record.history].count("handed_back") == 1
    assert (await world.queue.depth()).visible == 1


@either
@story
async def test_a_submission_is_accepted_whatever_becomes_of_its_record(mishap: Mishap) -> None:
    world = World({"quick": quick})
    world.office.store.on(Enter, mishap)
    accepted = await world.accept("quick")
    assert accepted.record.status is Status.QUEUED
    world.start()
    record = await world.until(accepted.record.job_id)
    await world.until_empty()
    await world.stop()
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)


@either
@story
async def test_a_record_that_is_put_after_the_claim_changes_nothing(mishap: Mishap) -> None:
    async def after_the_job(apply: Any) -> Any:
        await asyncio.sleep(10)
        return await apply()

    world = World({"work": worker_of(Notebook(), 5)})
    world.office.store.on(Enter, after_the_job)
    world.start()
    accepted = await world.accept("work")
    assert (accepted.record.status, accepted.record.attempt) == (Status.SUCCEEDED, 1)
    assert world.record(accepted.record.job_id) == accepted.record
    await world.stop()


@either
@story
async def test_a_new_round_by_its_message_begins_once(mishap: Mishap) -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 5)})
    job_id = await world.submit("work")
    await world.operator.cancel(job_id, None)
    world.office.store.on("NewRound", refused)
    await world.operator.retry(job_id, None)
    world.start(before=lambda host: host.store.on(Reopen, mishap, 3))
    record = await world.until(job_id, Status.SUCCEEDED)
    await world.until_empty()
    await world.stop()
    assert (record.round, record.attempt, len(book.starts)) == (2, 1, 1)


@either
@story
async def test_an_ending_in_place_of_a_start_is_written_once(mishap: Mishap) -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 100, max_attempts=1)})
    world.start("w1")
    job_id = await world.submit("work")
    await world.until_true(lambda: book.starts)
    world.kill("w1")
    world.start("w2", before=lambda host: host.store.on(Forestall, mishap, 2))
    record = await world.until(job_id)
    await world.until_empty()
    await world.stop()
    assert record.failure is not None
    assert (record.failure.kind, record.attempt, len(book.starts)) == (FailureKind.CRASHED, 1, 1)
    assert [entry.event for entry in record.history] == ["submitted", "claimed", "failed"]


@story
async def test_a_retrying_whose_answer_was_lost_waits_for_its_backoff() -> None:
    @handler(max_attempts=2)
    async def fail(payload: dict[str, Any]) -> None:
        raise RuntimeError

    world = World({"fail": fail})
    host = world.start(before=lambda host: host.store.on(Settle, unanswered))
    record = await world.until(await world.submit("fail"))
    assert (record.attempt, len(host.seen(JobStarted))) == (2, 2)
    assert world.clock.monotonic() < 3
    await world.until_empty()
    await world.stop()


@story
async def test_a_settle_that_alone_cannot_be_written_is_given_up_after_two_minutes() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 5)})
    host = world.start()
    job_id = await world.submit("work")
    await world.until_true(lambda: book.starts)
    host.store.on(Settle, unheard, 1000)
    await world.until_true(lambda: host.seen(LeaseLost))
    assert 120 <= world.clock.monotonic() <= 150
    del host.store._coming["Settle"]
    record = await world.until(job_id)
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 2)
    await world.stop()


@either
@story
async def test_a_job_of_unknown_type_is_refunded_whatever_becomes_of_the_hand_back(mishap: Mishap) -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick")
    world.start("old", registry=Registry(), before=lambda host: host.store.on(HandBack, mishap, 2))
    await world.until_true(lambda: len(world.record(job_id).history) == 3)
    assert world.record(job_id).attempt == 0
    await world.stop()


@story
async def test_reads_and_cancels_say_so_when_the_store_is_away() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick")
    world.office.store.away = unheard
    with pytest.raises(Unavailable):
        await world.operator.show(job_id, None)
    with pytest.raises(Unavailable):
        await world.operator.cancel(job_id, None)
