"""A job for later waits on its record, is sent when it is due, and starts once, at its time, whoever dies."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from cqworker.errors import KeyReused, NotProvisioned, SendUnanswered, Unavailable
from cqworker.events import JobStarted
from cqworker.events.schedule_events import JobHandedOver, JobScheduled, JobUnsendable, ShardSwept
from cqworker.model.envelope import read_envelope
from cqworker.model.operator_writes import Enter
from cqworker.model.record import shard_of
from cqworker.model.schedule_writes import HandOver
from cqworker.model.status import Status
from tests.flow.faults import Mishap, last, late, never, refused, unanswered, unheard
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.time_travel import EARLY, HOUR, LATE, MINUTE, TAKEOVER
from tests.flow.world import DAY, World, story

LATER = 2 * HOUR


def is_punctual(started: float, due: float, lateness: float = LATE) -> bool:
    return -EARLY <= started - due <= lateness


async def closed(_apply: object) -> None:
    """The queue takes nothing of ours."""
    raise Unavailable("sqs", "The role may not send there.", "Allow it.", concerns="right")


@story
async def test_a_job_for_later_waits_on_its_record_and_is_sent_when_it_is_due() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 1)})
    host = world.start()
    accepted = await world.accept("work", delay_seconds=round(LATER))
    record, due = accepted.record, asyncio.get_running_loop().time() + LATER
    assert world.record(record.job_id) == record
    assert (record.status, record.due) == (Status.SCHEDULED, shard_of(record.job_id))
    assert record.scheduled_at == record.created_at + round(LATER * 1000)
    assert record.purge_at >= record.scheduled_at // 1000 + 30 * DAY
    await asyncio.sleep(LATER - 16 * MINUTE)
    assert world.queue.bodies == []
    assert host.seen(JobHandedOver) == []
    done = await world.until(record.job_id)
    await world.until_empty()
    await world.stop()
    [started] = book.starts_of(record.job_id)
    assert is_punctual(started, due)
    assert [event.ahead <= 900 for event in world.seen(JobHandedOver)] == [True]
    assert [entry.event for entry in done.history] == ["submitted", "scheduled", "claimed", "succeeded"]
    assert (done.due, done.scheduled_at) == (None, None)


@story
async def test_a_job_that_was_handed_over_is_queued_and_carries_the_time_it_was_sent_for() -> None:
    world = World({"quick": quick})
    record = (await world.accept("quick", delay_seconds=901)).record
    await asyncio.sleep(2)
    await world.office.sweeper.sweep()
    [body] = world.queue.bodies
    assert read_envelope(body).at == record.scheduled_at
    assert (await world.queue.depth()).delayed == 1, "nobody receives it before its time"
    queued = world.record(record.job_id)
    assert (queued.status, queued.due, queued.scheduled_at) == (Status.QUEUED, None, record.scheduled_at)


@pytest.mark.parametrize("seconds", [0, 900])
@story
async def test_what_sqs_can_delay_itself_is_in_no_index(seconds: int) -> None:
    world = World({"quick": quick})
    record = (await world.accept("quick", delay_seconds=seconds)).record
    assert (record.status, record.due, len(world.queue.bodies)) == (Status.QUEUED, None, 1)
    assert world.office.seen(JobScheduled) == []


@story
async def test_a_time_that_has_passed_is_now() -> None:
    world = World({"quick": quick})
    world.start()
    accepted = await world.accept("quick", run_at=world.clock.now() - 86_400_000)
    assert (accepted.record.status, accepted.record.scheduled_at) == (Status.QUEUED, None)
    assert (await world.until(accepted.record.job_id, patience=LATE)).status is Status.SUCCEEDED
    await world.stop()


@pytest.mark.parametrize("mishap", [unanswered, unheard])
@story
async def test_a_put_whose_answer_is_lost_is_told_and_the_same_key_makes_no_second_job(mishap: Mishap) -> None:
    world = World({"quick": quick})
    run_at = world.clock.now() + round(LATER * 1000)
    world.office.store.on(Enter, mishap)
    with pytest.raises(SendUnanswered) as told:
        await world.accept("quick", run_at=run_at, idempotency_key="k")
    again = await world.accept("quick", run_at=run_at, idempotency_key="k")
    assert again.record.job_id == told.value.job_id
    assert again.replayed is (mishap is unanswered)
    assert [record.status for record in world.store.records.values()] == [Status.SCHEDULED]
    world.start()
    await world.until(again.record.job_id)
    await world.until_empty()
    await world.stop()
    assert len(world.seen(JobStarted)) == 1


@story
async def test_a_put_that_was_refused_accepts_nothing() -> None:
    world = World({"quick": quick})
    world.office.store.on(Enter, refused)
    with pytest.raises(Unavailable):
        await world.accept("quick", delay_seconds=1000)
    assert (world.store.records, world.queue.bodies) == ({}, [])


@story
async def test_a_key_stands_for_one_time() -> None:
    world = World({"quick": quick})
    run_at = world.clock.now() + round(DAY * 1000)
    first = await world.accept("quick", run_at=run_at, idempotency_key="k")
    again = await world.accept("quick", run_at=run_at, idempotency_key="k")
    assert (again.replayed, again.record.job_id) == (True, first.record.job_id)
    with pytest.raises(KeyReused):
        await world.accept("quick", run_at=run_at + 1, idempotency_key="k")


@story
async def test_without_the_index_a_job_for_later_is_refused_and_nothing_is_left_behind() -> None:
    world = World({"quick": quick})
    world.schedule.ready = False
    with pytest.raises(NotProvisioned, match="cqworker provision"):
        await world.accept("quick", delay_seconds=901, idempotency_key="k")
    assert (world.store.records, world.store.keys, world.queue.bodies) == ({}, {}, [])
    assert (await world.accept("quick", delay_seconds=900)).record.status is Status.QUEUED
    world.schedule.ready = True
    await asyncio.sleep(MINUTE)
    assert (await world.accept("quick", delay_seconds=901, idempotency_key="k")).record.status is Status.SCHEDULED


@pytest.mark.parametrize("dies_at", ["send", "HandOver"])
@story
async def test_who_dies_in_the_hand_over_is_followed_and_the_job_starts_once(dies_at: str) -> None:
    """After the send, or before it: the index has the job until somebody's unmark."""
    book = Notebook()
    world = World({"work": worker_of(book, 1)})

    def spoil(host: object) -> None:
        line = world.hosts["w1"].queue if dies_at == "send" else world.hosts["w1"].store
        line.on(dies_at, never(lambda: world.kill("w1")))

    world.start("w1", before=spoil)
    job_id = await world.submit("work", delay_seconds=1800)
    due = asyncio.get_running_loop().time() + 1800
    await world.until_true(lambda: "w1" not in world.hosts)
    world.start("w2")
    await asyncio.sleep(TAKEOVER)
    assert (world.record(job_id).status, world.record(job_id).due) == (Status.QUEUED, None)
    assert len(world.queue.bodies) == (1 if dies_at == "send" else 2)
    await world.until(job_id)
    await world.until_empty()
    await world.stop()
    [started] = book.starts_of(job_id)
    assert is_punctual(started, due)


@story
async def test_who_dies_after_the_unmark_was_written_leaves_nothing_to_do() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 1)})
    world.start("w1", before=lambda host: host.store.on(HandOver, last(lambda: world.kill("w1"))))
    job_id = await world.submit("work", delay_seconds=1800)
    await world.until_true(lambda: "w1" not in world.hosts)
    host = world.start("w2")
    await world.until(job_id)
    await world.until_empty()
    await world.stop()
    assert (len(book.starts_of(job_id)), host.seen(JobHandedOver)) == (1, [])


@story
async def test_a_claim_that_comes_before_the_unmark_clears_the_index_itself() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 60)})
    job_id = await world.submit("work", delay_seconds=1000)
    await asyncio.sleep(HOUR)
    world.start(before=lambda host: host.store.on(HandOver, late(20)))
    running = await world.until(job_id, Status.RUNNING)
    assert (running.due, running.scheduled_at) == (None, None)
    await asyncio.sleep(30)
    assert world.record(job_id).status is Status.RUNNING
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    await world.until_empty()
    await world.stop()
    assert len(book.starts_of(job_id)) == 1


@story
async def test_a_sweeper_that_was_frozen_before_its_unmark_takes_no_later_mark_away() -> None:
    """Trace of the first design: its unmark, hours late, must not meet another time of the same job."""
    book = Notebook()
    world = World({"work": worker_of(book, 1)})
    before_unmark: Mishap = late(1)
    world.start("w1", before=lambda host: host.store.on(HandOver, before_unmark))
    job_id = await world.submit("work", delay_seconds=1000)
    await world.until_true(lambda: "HandOver" in world.hosts["w1"].store.calls)
    world.freeze("w1")
    await world.operator.reschedule(job_id, None, world.clock.now() + round(2 * HOUR * 1000))
    again = world.record(job_id)
    await asyncio.sleep(MINUTE)
    world.thaw("w1")
    await asyncio.sleep(10)
    assert world.record(job_id) == again
    due = asyncio.get_running_loop().time() + (again.scheduled_at or 0) / 1000 - world.clock.now() / 1000
    await world.until(job_id)
    await world.until_empty()
    await world.stop()
    [started] = book.starts_of(job_id)
    assert is_punctual(started, due)


@story
async def test_a_sweeper_whose_clock_is_ahead_starts_nothing_too_early() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 1)})
    world.start(skew=2000)
    job_id = await world.submit("work", delay_seconds=1000)
    due = asyncio.get_running_loop().time() + 1000
    await world.until(job_id)
    await world.stop()
    [started] = book.starts_of(job_id)
    assert is_punctual(started, due)


@story
async def test_a_message_goes_to_the_queue_that_its_record_names_though_nobody_here_polls_it() -> None:
    world = World({"quick": quick})
    record = (await world.accept("quick", delay_seconds=1000)).record
    world.store.records[record.job_id] = replace(record, queue="elsewhere")
    world.start()
    await world.until(record.job_id, Status.QUEUED)
    await world.stop()
    assert [read_envelope(body).job_id for body in world.queues["elsewhere"].bodies] == [record.job_id]
    assert world.queue.bodies == []


@story
async def test_a_job_that_cannot_be_sent_holds_up_no_other_and_is_tried_again() -> None:
    world = World({"quick": quick}, more_queues=["closed"])
    host = world.start(before=lambda host: host.queues["closed"].on("send", closed, 3))
    shut = await world.submit("quick", delay_seconds=1000, queue="closed")
    others = [await world.submit("quick", delay_seconds=1000 + number) for number in range(20)]
    await asyncio.sleep(3 * MINUTE)
    assert {world.record(job_id).status for job_id in others} == {Status.QUEUED}
    assert world.record(shut).is_marked
    assert {event.job.job_id for event in host.seen(JobUnsendable)} == {shut}
    assert {(await world.until(job_id)).status for job_id in (shut, *others)} == {Status.SUCCEEDED}
    assert len(host.seen(JobUnsendable)) == 3
    await world.stop()


@story
async def test_what_fell_due_while_nobody_was_there_is_sent_at_once() -> None:
    world = World({"quick": quick})
    jobs = [await world.submit("quick", delay_seconds=1000 + number % 60) for number in range(300)]
    await asyncio.sleep(2 * DAY)
    host = world.start()
    for job_id in jobs:
        assert (await world.until(job_id, patience=2 * MINUTE)).status is Status.SUCCEEDED
    await world.until_empty()
    await world.stop()
    assert {event.ahead for event in host.seen(JobHandedOver)} == {0.0}
    assert max(event.overdue for event in host.seen(ShardSwept)) > DAY
    assert len(world.seen(JobStarted)) == len(jobs)


@story
async def test_an_index_that_goes_and_comes_back_loses_nothing_and_takes_no_worker_out_of_work() -> None:
    world = World({"quick": quick})
    host = world.start()
    later = await world.submit("quick", delay_seconds=1800)
    await asyncio.sleep(10)
    world.schedule.ready = False
    await asyncio.sleep(HOUR)
    assert world.record(later).is_marked
    assert host.ground.health.readiness() == ()
    assert (await world.until(await world.submit("quick"), patience=LATE)).status is Status.SUCCEEDED
    world.schedule.ready = True
    assert (await world.until(later, patience=2 * MINUTE)).status is Status.SUCCEEDED
    await world.stop()
