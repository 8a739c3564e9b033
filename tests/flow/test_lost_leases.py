"""An attempt that lost its lease, or may have lost it, writes nothing and touches no message."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cqworker import Job, Retry, handler
from cqworker.events import JobHandedBack, JobSettled, JobStarted, LeaseLost, LeaseUnanswered
from cqworker.model.attempt_writes import Claim
from cqworker.model.status import Status
from cqworker.testing.host import Host
from tests.flow.faults import late, slow, unheard
from tests.flow.handlers import Notebook, stubborn, worker_of
from tests.flow.world import VISIBILITY, World, story

MARGIN = 5.0


@story
async def test_a_lease_is_renewed_at_a_third_of_its_period() -> None:
    world = World({"work": worker_of(Notebook(), 200)})
    host = world.start()
    await world.until(await world.submit("work"))
    await world.stop()
    assert 9 <= host.store.calls.count("Renew") <= 10


@story
async def test_a_job_shorter_than_a_third_of_its_lease_costs_no_renewal() -> None:
    world = World({"work": worker_of(Notebook(), 18)})
    host = world.start()
    await world.until(await world.submit("work"))
    await world.stop()
    assert "Renew" not in host.store.calls


@story
async def test_leases_that_are_due_within_a_second_share_full_requests() -> None:
    world = World({"work": worker_of(Notebook(), 35)}, concurrency=100)
    host = world.start()
    ids = []
    for _ in range(4):
        ids += [await world.submit("work") for _ in range(13)]
        await asyncio.sleep(0.9)
    for job_id in ids:
        await world.until(job_id)
    await world.stop()
    assert host.store.calls.count("Renew") == 52
    assert host.queue.calls.count("change_visibility") <= 7, "each group by itself would take two"


@story
async def test_a_handler_is_stopped_before_a_lease_that_cannot_be_renewed_ends() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 300)})
    host = world.start()
    job_id = await world.submit("work")
    claimed = await world.until(job_id, Status.RUNNING)
    host.store.away = unheard
    await world.until_true(lambda: host.seen(LeaseUnanswered))
    assert world.clock.now() < (claimed.started_at or 0) + (VISIBILITY - MARGIN + 1.5) * 1000
    await asyncio.sleep(1)
    assert len(book.stops) == 1
    assert host.seen(JobSettled) == []
    await asyncio.sleep(600)
    assert host.queue.calls.count("receive") <= 4, "nobody else sees its message, this worker neither"
    host.store.away = None
    await world.until_true(lambda: host.seen(JobHandedBack))
    assert (await world.until(job_id)).attempt == 1
    await world.stop()


@story
async def test_a_lease_that_was_silent_and_is_answered_again_is_ours_as_before() -> None:
    book = Notebook()
    world = World({"stubborn": stubborn(book, 150)})
    host = world.start()
    job_id = await world.submit("stubborn")
    await world.until(job_id, Status.RUNNING)
    host.store.away = unheard
    await world.until_true(lambda: host.seen(LeaseUnanswered))
    await asyncio.sleep(30)
    host.store.away = None
    record = await world.until(job_id)
    assert (record.status, record.attempt, len(book.starts)) == (Status.SUCCEEDED, 1, 1)
    await world.stop()


@story
async def test_one_failed_renewal_is_made_up_for_before_the_lease_ends() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 300)})
    host = world.start()
    host.store.on("Renew", unheard, 2)
    host.queue.on("change_visibility", unheard, 3)
    record = await world.until(await world.submit("work"))
    await world.stop()
    assert (record.status, len(book.starts)) == (Status.SUCCEEDED, 1)
    assert host.seen(LeaseLost) == []


@story
async def test_a_lease_whose_claim_took_long_is_renewed_in_time_beside_younger_ones() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 100)})
    host = world.start(before=lambda host: host.store.on(Claim, slow(40)))
    early = await world.submit("work")
    await asyncio.sleep(39)
    late = await world.submit("work")
    for job_id in (early, late):
        record = await world.until(job_id)
        assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    assert host.seen(LeaseLost) == []
    await world.stop()


@story
async def test_a_renewal_on_its_way_does_not_undo_the_backoff_of_the_attempt_that_ended_meanwhile() -> None:
    book = Notebook()

    @handler
    async def later(payload: dict[str, Any], job: Job) -> None:
        await book.work(job, 20.5 if job.attempt == 1 else 0)
        if job.attempt == 1:
            raise Retry("not yet", after=10)

    world = World({"later": later})
    world.start(before=lambda host: host.queue.on("change_visibility", late(3)))
    await world.until(await world.submit("later"))
    assert 30 <= book.starts[1][0] <= 40
    await world.stop()


@pytest.mark.parametrize("frozen_for", [70, 200, 4000])
@story
async def test_a_frozen_host_that_goes_on_writes_nothing(frozen_for: int) -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 30)})
    first = world.start("w1")
    job_id = await world.submit("work")
    await world.until_true(lambda: book.starts)
    world.freeze("w1")
    world.start("w2")
    await asyncio.sleep(frozen_for)
    before = world.record(job_id)
    world.thaw("w1")
    await asyncio.sleep(1)
    assert world.record(job_id) == before
    record = await world.until(job_id)
    assert (record.status, record.result, record.attempt) == (Status.SUCCEEDED, '"attempt 2"', 2)
    await asyncio.sleep(100)
    assert world.record(job_id) == record
    assert first.seen(JobSettled) == []
    await world.until_empty()
    await world.stop()


@story
async def test_a_host_that_froze_at_its_claim_starts_nothing_when_it_goes_on() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 30)})
    job_id = await world.submit("work")
    first = world.start("w1", before=lambda host: host.store.on(Claim, slow(1)))
    await world.until_true(lambda: first.store.calls)
    world.freeze("w1")
    world.start("w2")
    await asyncio.sleep(75)
    world.thaw("w1")
    record = await world.until(job_id)
    await asyncio.sleep(100)
    await world.stop()
    assert (record.status, record.result, len(book.starts)) == (Status.SUCCEEDED, '"attempt 2"', 1)
    assert world.record(job_id) == record


@story
async def test_a_host_that_froze_while_it_fetched_the_payload_starts_nothing_when_it_goes_on() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 30)}, inline_limit=1)
    job_id = await world.submit("work")
    first = world.start("w1", before=lambda host: host.artifacts.on("get", slow(0.3)))
    await world.until_true(lambda: first.artifacts.calls)
    world.freeze("w1")
    await asyncio.sleep(75)
    world.thaw("w1")
    assert (await world.until(job_id)).attempt == 1, "what never started is not charged"
    assert len(first.seen(JobStarted)) == 1
    await world.stop()


@story
async def test_a_lease_that_ended_between_two_looks_of_its_keeper_starts_nothing() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 30)}, inline_limit=1)
    job_id = await world.submit("work")

    def spoil(host: Host) -> None:
        host.store.on(Claim, slow(0.5))
        host.store.on("Renew", unheard, 1000)
        host.artifacts.on("get", slow(54.7))

    first = world.start("w1", before=spoil)
    record = await world.until(job_id)
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    assert len(first.seen(JobStarted)) == 1
    await world.stop()


@story
async def test_a_host_that_froze_for_less_than_its_lease_goes_on_with_its_job() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 50)})
    world.start("w1")
    world.start("w2")
    job_id = await world.submit("work")
    [name] = [(await world.until(job_id, Status.RUNNING)).history[-1].worker]
    world.freeze(name)
    await asyncio.sleep(45)
    world.thaw(name)
    record = await world.until(job_id)
    await world.stop()
    assert (record.status, len(book.starts)) == (Status.SUCCEEDED, 1)


@story
async def test_a_claim_that_is_answered_after_its_lease_starts_nothing_and_costs_no_attempt() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 5)})
    first = world.start("w1", before=lambda host: host.store.on(Claim, slow(58)))
    job_id = await world.submit("work")
    record = await world.until(job_id)
    await world.stop()
    assert (record.status, record.attempt, len(book.starts)) == (Status.SUCCEEDED, 1, 1)
    assert len(first.seen(JobStarted)) == 1


@pytest.mark.parametrize("skew", [-4000, 4000, 60_000])
@story
async def test_clocks_that_differ_by_seconds_let_no_two_attempts_run_at_once(skew: int) -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 100)})
    first = world.start("w1")
    job_id = await world.submit("work")
    await world.until_true(lambda: book.starts)
    first.store.away = first.queue.away = unheard
    world.start("w2", skew=skew)
    for _ in range(60):
        await world.copy(job_id)
        await asyncio.sleep(1)
    assert len(book.starts) <= 2
    if skew < MARGIN * 1000:
        assert book.stops[0][0] <= ([*book.starts_of(job_id), 1000])[1]
    first.store.away = first.queue.away = None
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    await world.stop()
