"""A cancel ends a job that nobody runs, and asks the one who runs it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cqworker import Job, handler
from cqworker.errors import JobNotFound, NotAllowedNow
from cqworker.events import CancelNoticed, JobForestalled, JobHandedBack, JobStarted
from cqworker.model.attempt_writes import Renew, Settle
from cqworker.model.operator_writes import AskCancel, Forestall
from cqworker.model.status import Status
from tests.flow.faults import late, repeated, repeated_after, slow, unanswered
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.world import VISIBILITY, World, story


@story
async def test_a_queued_job_is_cancelled_at_once_and_its_message_deleted() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick")
    record = await world.operator.cancel(job_id, None)
    assert (record.status, record.scheduled_at) == (Status.CANCELLED, None)
    assert record.finished_at is not None
    host = world.start()
    await world.until_empty()
    assert [event.job.job_id for event in world.office.seen(JobForestalled)] == [job_id]
    assert "Settle" not in host.store.calls
    assert world.record(job_id) == record
    await world.stop()


@story
async def test_a_delayed_job_is_cancelled_at_once() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick", delay_seconds=600)
    record = await world.operator.cancel(job_id, None)
    assert (record.status, record.scheduled_at) == (Status.CANCELLED, None)


@story
async def test_a_job_between_two_attempts_is_cancelled_at_once() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 10, timeout=1)})
    world.start()
    job_id = await world.submit("work")
    await world.until(job_id, Status.RETRYING)
    assert (await world.operator.cancel(job_id, None)).status is Status.CANCELLED
    starts = len(book.starts)
    await world.until_empty()
    await world.stop()
    assert len(book.starts) == starts


@story
async def test_a_cancel_that_is_answered_late_stops_no_later_round() -> None:
    world = World({"work": worker_of(Notebook(), 300)})
    host = world.start()
    job_id = await world.submit("work")
    await world.until(job_id, Status.RUNNING)
    host.store.on(AskCancel, slow(60))
    cancelling = asyncio.ensure_future(host.operator.cancel(job_id, None))
    await world.until(job_id, Status.CANCELLED)
    await world.operator.retry(job_id, None)
    await world.until(job_id, Status.RUNNING)
    assert (await cancelling).round == 1
    await world.until(job_id, Status.SUCCEEDED, patience=600)
    assert world.record(job_id).round == 2
    await world.stop()


@story
async def test_a_running_job_is_stopped_at_its_next_renewal() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 300)})
    host = world.start()
    job_id = await world.submit("work")
    await world.until_true(lambda: book.starts)
    asked = await world.operator.cancel(job_id, None)
    assert (asked.status, asked.cancel_requested_at is not None) == (Status.RUNNING, True)
    record = await world.until(job_id)
    assert (record.status, record.attempt, len(book.stops)) == (Status.CANCELLED, 1, 1)
    assert world.clock.monotonic() <= VISIBILITY / 3 + 3
    assert len(host.seen(CancelNoticed)) == 1
    await world.until_empty()
    await world.stop()


@story
async def test_a_job_that_runs_here_is_stopped_at_once() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 300)})
    host = world.start()
    job_id = await world.submit("work")
    await world.until_true(lambda: book.starts)
    await host.operator.cancel(job_id, None)
    record = await world.until(job_id)
    assert (record.status, len(book.stops)) == (Status.CANCELLED, 1)
    assert world.clock.monotonic() < 1
    await world.stop()


@story
async def test_a_success_that_comes_first_stands() -> None:
    world = World({"work": worker_of(Notebook(), 10)})
    world.start()
    job_id = await world.submit("work")
    await world.until(job_id, Status.RUNNING)
    await world.operator.cancel(job_id, None)
    record = await world.until(job_id)
    assert (record.status, record.result) == (Status.SUCCEEDED, '"attempt 1"')
    with pytest.raises(NotAllowedNow, match="already SUCCEEDED"):
        await world.operator.cancel(job_id, None)
    await world.stop()


@story
async def test_an_attempt_that_would_be_retried_becomes_cancelled() -> None:
    @handler
    async def fail(payload: dict[str, Any]) -> None:
        await asyncio.sleep(5)
        raise RuntimeError("try again")

    world = World({"fail": fail})
    world.start()
    job_id = await world.submit("fail")
    await world.until(job_id, Status.RUNNING)
    await world.operator.cancel(job_id, None)
    record = await world.until(job_id)
    assert (record.status, record.attempt) == (Status.CANCELLED, 1)
    await world.until_empty()
    await world.stop()


@story
async def test_a_job_with_a_cancel_asked_for_is_cancelled_in_place_of_its_next_start() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 100)})
    world.start("w1")
    job_id = await world.submit("work")
    await world.until_true(lambda: book.starts)
    await world.operator.cancel(job_id, None)
    world.kill("w1")
    host = world.start("w2")
    record = await world.until(job_id)
    await world.until_empty()
    assert (record.status, len(book.starts)) == (Status.CANCELLED, 1)
    assert [event.status for event in host.seen(JobForestalled)] == [Status.CANCELLED]
    await world.stop()


@story
async def test_a_running_job_whose_host_died_is_cancelled_at_once_when_its_lease_is_over() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 100)})
    world.start("w1")
    job_id = await world.submit("work")
    await world.until_true(lambda: book.starts)
    world.kill("w1")
    await asyncio.sleep(VISIBILITY + 1)
    assert (await world.operator.cancel(job_id, None)).status is Status.CANCELLED


@story
async def test_a_job_that_was_handed_back_after_a_cancel_is_not_started_again() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 15)})
    first = world.start("w1")
    job_id = await world.submit("work")
    await world.until_true(lambda: book.starts)
    await world.operator.cancel(job_id, None)
    await first.drain(1)
    assert first.seen(JobHandedBack)
    world.hosts.clear()
    world.start("w2")
    record = await world.until(job_id)
    assert (record.status, len(book.starts)) == (Status.CANCELLED, 1)
    await world.stop()


@story
async def test_a_cancel_looks_again_when_the_job_changes_under_its_hands() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 30)})
    job_id = await world.submit("work")
    world.office.store.on("Forestall", late(1))
    asking = asyncio.ensure_future(world.operator.cancel(job_id, None))
    await asyncio.sleep(0.5)
    world.start()
    assert (await asking).status is Status.RUNNING
    assert world.record(job_id).cancel_requested_at is not None
    assert (await world.until(job_id)).status is Status.CANCELLED
    await world.stop()


@story
async def test_a_cancel_that_arrives_while_the_payload_is_fetched_keeps_the_handler_from_starting() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 5)}, inline_limit=1)
    host = world.start(before=lambda host: host.artifacts.on("get", slow(2)))
    job_id = await world.submit("work")
    await world.until_true(lambda: "get" in host.artifacts.calls)
    await host.operator.cancel(job_id, None)
    assert (await world.until(job_id)).status is Status.CANCELLED
    assert host.seen(JobStarted) == []
    await world.stop()


@story
async def test_a_cancel_while_the_ending_is_written_is_told_what_came_of_it() -> None:
    world = World({"work": worker_of(Notebook(), 5)})
    world.start(before=lambda host: host.store.on(Settle, late(1)))
    job_id = await world.submit("work")
    await asyncio.sleep(5.5)
    asked = await world.operator.cancel(job_id, None)
    assert asked.status is Status.RUNNING
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    await world.stop()


@story
async def test_a_cancel_that_the_client_had_to_ask_for_twice_is_told_as_done() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick")
    world.office.store.on(Forestall, repeated)
    assert (await world.operator.cancel(job_id, None)).status is Status.CANCELLED
    assert len(world.office.seen(JobForestalled)) == 1
    with pytest.raises(NotAllowedNow, match="already CANCELLED"):
        await world.operator.cancel(job_id, None)
    await world.stop()


@story
async def test_a_cancel_that_the_client_had_to_ask_for_twice_ends_no_round_that_was_begun_in_between() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick")
    world.office.store.on(Forestall, repeated_after(2))
    cancelled = asyncio.ensure_future(world.operator.cancel(job_id, None))
    await asyncio.sleep(1)
    await world.operator.retry(job_id, None)
    assert (await cancelled).round == 2
    assert world.record(job_id).status is Status.QUEUED


@story
async def test_a_cancel_whose_first_answer_was_lost_can_be_repeated() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 300)})
    host = world.start()
    job_id = await world.submit("work")
    await world.until_true(lambda: book.starts)
    world.office.store.on(AskCancel, unanswered)
    with pytest.raises(Exception, match="did not answer"):
        await world.operator.cancel(job_id, None)
    first = world.record(job_id).cancel_requested_at
    await asyncio.sleep(1)
    assert (await world.operator.cancel(job_id, None)).cancel_requested_at == first
    host.store.on(Renew, unanswered)
    assert (await world.until(job_id)).status is Status.CANCELLED
    await world.stop()


@story
async def test_a_handler_deaf_to_a_cancel_is_abandoned_and_cannot_write() -> None:
    @handler
    async def deaf(payload: dict[str, Any], job: Job) -> str:
        for _ in range(2):
            try:
                await asyncio.sleep(50)
            except asyncio.CancelledError:
                job.progress(1, note="I do not listen")
        return "late"

    world = World({"deaf": deaf}, concurrency=1)
    host = world.start()
    job_id = await world.submit("deaf")
    await world.until(job_id, Status.RUNNING)
    await asyncio.sleep(1)
    await host.operator.cancel(job_id, None)
    record = await world.until(job_id)
    await asyncio.sleep(100)
    assert world.record(job_id) == record
    assert (record.status, host.worker.capacity.taken) == (Status.CANCELLED, 0)
    await world.stop()


@story
async def test_only_the_tenant_of_a_job_may_cancel_it() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick", tenant="acme")
    with pytest.raises(JobNotFound):
        await world.operator.cancel(job_id, "other")
    assert (await world.operator.cancel(job_id, "acme")).status is Status.CANCELLED
