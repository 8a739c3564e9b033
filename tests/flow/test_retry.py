"""Another round for a job that ended, or its message once more for one that is stuck."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from cqworker.errors import JobNotFound, NotAllowedNow, Unavailable
from cqworker.events import RecordPostponed, RetryAsked
from cqworker.model.operator_writes import NewRound
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from tests.flow.faults import Mishap, late, refused, unanswered, unheard
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.world import VISIBILITY, World, story


async def failed(world: World) -> JobRecord:
    """A job that timed out at its only attempt, on a host that is still there."""
    world.start()
    return await world.until(await world.submit("work", '{"seconds":100}', max_attempts=1))


def short(book: Notebook) -> World:
    return World({"work": worker_of(book, 1, timeout=5)})


@story
async def test_a_failed_job_runs_again_in_a_new_round() -> None:
    book = Notebook()
    world = short(book)
    job = await failed(world)
    asked = await world.operator.retry(job.job_id, None)
    assert (asked.round, asked.attempt, asked.failure) == (2, 0, None)
    record = await world.until(job.job_id)
    assert (record.status, record.round, record.attempt) == (Status.FAILED, 2, 1)
    assert [entry.event for entry in record.history].count("retried") == 1
    assert len(book.starts) == 2
    await world.until_empty()
    await world.stop()


@story
async def test_a_cancelled_job_runs_again_without_its_cancel() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick")
    await world.operator.cancel(job_id, None)
    await world.operator.retry(job_id, None)
    world.start()
    record = await world.until(job_id)
    assert (record.status, record.round, record.cancel_requested_at) == (Status.SUCCEEDED, 2, None)
    await world.until_empty()
    await world.stop()


@story
async def test_a_message_that_is_faster_than_the_record_opens_the_round_itself() -> None:
    book = Notebook()
    world = short(book)
    job = await failed(world)
    world.office.store.on(NewRound, late(2))
    asked = await world.operator.retry(job.job_id, None)
    assert (asked.round, asked.attempt) == (2, 1)
    record = await world.until(job.job_id)
    assert [entry.event for entry in record.history][-3:] == ["retried", "claimed", "failed"]
    await world.until_empty()
    await world.stop()
    assert len(book.starts) == 2


@pytest.mark.parametrize("mishap", [refused, unanswered, unheard])
@story
async def test_a_retry_holds_once_its_message_is_out(mishap: Mishap) -> None:
    book = Notebook()
    world = short(book)
    job = await failed(world)
    world.office.store.on(NewRound, mishap)
    asked = await world.operator.retry(job.job_id, None)
    assert (asked.status, asked.round) == (Status.QUEUED, 2)
    assert len(world.office.seen(RecordPostponed)) == 1
    await world.until_true(lambda: world.record(job.job_id).round == 2)
    await world.until(job.job_id)
    await world.until_empty()
    await world.stop()
    assert len(book.starts) == 2


@pytest.mark.parametrize("mishap", [refused, unheard])
@story
async def test_a_retry_whose_message_was_not_sent_changes_nothing(mishap: Mishap) -> None:
    world = short(Notebook())
    job = await failed(world)
    world.office.queue.on("send", mishap)
    world.office.queue.on("send_many", mishap)
    with pytest.raises(Unavailable):
        await world.operator.retry(job.job_id, None)
    assert world.record(job.job_id) == job
    await world.stop()


@story
async def test_a_retry_whose_answer_was_lost_is_harmless_to_repeat() -> None:
    book = Notebook()
    world = short(book)
    job = await failed(world)
    world.office.queue.on("send", unanswered)
    with pytest.raises(Unavailable):
        await world.operator.retry(job.job_id, None, 1)
    await world.until_true(lambda: world.record(job.job_id).round == 2)
    assert (await world.operator.retry(job.job_id, None, 1)).round == 2
    await world.until(job.job_id)
    await world.until_empty()
    await world.stop()
    assert len(book.starts) == 2


@story
async def test_many_retries_at_once_are_one_round() -> None:
    book = Notebook()
    world = short(book)
    job = await failed(world)
    answers = await asyncio.gather(*(world.operator.retry(job.job_id, None) for _ in range(10)))
    assert {answer.round for answer in answers} == {2}
    await world.until(job.job_id)
    await world.until_empty()
    await world.stop()
    assert len(book.starts) == 2
    assert world.record(job.job_id).round == 2


@story
async def test_a_round_number_makes_a_repeated_retry_harmless() -> None:
    book = Notebook()
    world = short(book)
    job = await failed(world)
    await world.operator.retry(job.job_id, None, 1)
    await world.until(job.job_id)
    again = await world.operator.retry(job.job_id, None, 1)
    assert (again.round, again.status) == (2, Status.FAILED)
    with pytest.raises(NotAllowedNow, match="no round 5"):
        await world.operator.retry(job.job_id, None, 5)
    assert len(book.starts) == 2
    await world.stop()


@pytest.mark.parametrize("seconds", [0, 20])
@story
async def test_a_job_that_succeeded_or_runs_cannot_be_retried(seconds: int) -> None:
    world = World({"work": worker_of(Notebook(), seconds)})
    world.start()
    job_id = await world.submit("work")
    await world.until(job_id, Status.RUNNING if seconds else Status.SUCCEEDED)
    with pytest.raises(NotAllowedNow):
        await world.operator.retry(job_id, None)
    await world.stop()


@story
async def test_a_queued_job_whose_message_was_purged_is_sent_again_in_its_round() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick")
    before = world.record(job_id)
    world.queue._messages.clear()
    assert await world.operator.retry(job_id, None) == before
    assert world.record(job_id) == before
    assert len(world.office.seen(RetryAsked)) == 1
    world.start()
    record = await world.until(job_id)
    assert (record.status, record.round, record.attempt) == (Status.SUCCEEDED, 1, 1)
    await world.stop()


@story
async def test_a_job_whose_host_died_and_whose_message_is_gone_is_sent_again() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 20)})
    world.start("w1")
    job_id = await world.submit("work")
    await world.until_true(lambda: book.starts)
    world.kill("w1")
    world.queue._messages.clear()
    await asyncio.sleep(VISIBILITY + 1)
    world.start("w2")
    await world.operator.retry(job_id, None)
    record = await world.until(job_id)
    assert (record.status, record.round, record.attempt) == (Status.SUCCEEDED, 1, 2)
    await world.stop()


@story
async def test_a_retry_of_a_job_that_is_not_stuck_only_adds_a_copy() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 5)})
    job_id = await world.submit("work")
    await world.operator.retry(job_id, None)
    assert len(world.queue.bodies) == 2
    world.start()
    await world.until(job_id)
    await world.until_empty()
    await world.stop()
    assert len(book.starts) == 1


@story
async def test_a_retry_goes_to_the_jobs_own_queue_and_to_no_other_though_this_process_does_not_poll_it() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick")
    await world.operator.cancel(job_id, None)
    world.queue.purge()
    world.store.records[job_id] = replace(world.record(job_id), queue="elsewhere")
    await world.operator.retry(job_id, None)
    assert world.queue.bodies == []
    assert len(world.queues["elsewhere"].bodies) == 1


@story
async def test_only_the_tenant_of_a_job_may_retry_it() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick", tenant="acme")
    await world.operator.cancel(job_id, "acme")
    for stranger, job in (("other", job_id), ("acme", "no-such-job")):
        with pytest.raises(JobNotFound):
            await world.operator.retry(job, stranger)
    assert (await world.operator.retry(job_id, "acme")).round == 2
