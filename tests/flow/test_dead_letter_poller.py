"""What arrives in the dead-letter queue is settled, so that no accepted job stays without an ending."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from cqworker.events import BackgroundFailed, ForeignMessage, JobForestalled, JobLost, ServiceFailed
from cqworker.model.attempt_writes import Claim
from cqworker.model.operator_writes import Forestall, Lose
from cqworker.model.record import JobRecord, envelope_of
from cqworker.model.status import FailureKind, Status
from cqworker.ports import Letter
from tests.flow.faults import Mishap, refused, slow, unanswered, unheard
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.world import VISIBILITY, World, story

STRANGE = ("no JSON", "[]", '{"cqworker":1}', '{"cqworker":2,"job_id":"from-the-future"}', "{" * 2000)


async def die(world: World, record: JobRecord, number: int | None = None) -> None:
    """The job's message turns up among the dead letters."""
    world.queue._messages.clear()
    await world.dead.send(Letter(body=envelope_of(record, round_number=number).text()))


@story
async def test_a_message_that_nobody_could_claim_ends_its_job_as_lost() -> None:
    world = World({"quick": quick}, max_receives=4)
    job_id = await world.submit("quick")

    def deaf(apply: object) -> object:
        return asyncio.get_running_loop().create_future()

    host = world.start(before=lambda host: host.store.on(Claim, deaf, 100))  # type: ignore[arg-type]
    record = await world.until(job_id)
    await world.until_empty()
    assert record.failure is not None
    assert (record.status, record.failure.kind, record.attempt) == (Status.FAILED, FailureKind.LOST, 0)
    assert [event.job.job_id for event in host.seen(JobLost)] == [job_id]
    assert record.history[-1].event == "failed"


@story
async def test_a_dead_letter_without_a_record_becomes_a_lost_job() -> None:
    world = World({"quick": quick})
    record = world.record(await world.submit("quick", '{"n":1}'))
    world.store.records.clear()
    await die(world, record)
    world.start()
    lost = await world.until(record.job_id)
    assert (lost.status, lost.payload, lost.attempt) == (Status.FAILED, '{"n":1}', 0)
    await world.until_empty()
    await world.stop()


@story
async def test_a_lost_job_can_be_retried() -> None:
    world = World({"quick": quick})
    record = world.record(await world.submit("quick"))
    await die(world, record)
    world.start()
    await world.until(record.job_id, Status.FAILED)
    await world.operator.retry(record.job_id, None)
    done = await world.until(record.job_id, Status.SUCCEEDED)
    assert (done.round, done.failure) == (2, None)
    await world.stop()


@story
async def test_a_dead_letter_of_a_job_with_a_cancel_asked_for_becomes_cancelled() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 100)})
    world.start("w1")
    job_id = await world.submit("work")
    await world.until_true(lambda: book.starts)
    await world.operator.cancel(job_id, None)
    world.kill("w1")
    await die(world, world.record(job_id))
    await asyncio.sleep(VISIBILITY)
    host = world.start("w2")
    record = await world.until(job_id)
    assert (record.status, record.failure) == (Status.CANCELLED, None)
    await world.until_empty()
    assert [event.status for event in host.seen(JobForestalled)] == [Status.CANCELLED]
    await world.stop()


@story
async def test_a_dead_letter_of_a_running_job_is_hidden_until_its_lease_ends() -> None:
    world = World({"work": worker_of(Notebook(), 100)})
    world.start()
    job_id = await world.submit("work")
    running = await world.until(job_id, Status.RUNNING)
    await world.dead.send(Letter(body=envelope_of(running).text()))
    record = await world.until(job_id)
    assert record.status is Status.SUCCEEDED
    await world.until_empty()
    assert world.record(job_id) == record
    await world.stop()


@story
async def test_a_dead_letter_that_is_the_last_copy_of_a_running_job_outlasts_the_jobs_host() -> None:
    world = World({"work": worker_of(Notebook(), 100)})
    world.start("w1", before=lambda host: host.queue.on("send", refused, 1000))
    running = await world.until(await world.submit("work"), Status.RUNNING)
    await die(world, running)
    host = world.start("w2")
    await world.until_true(lambda: "Lose" in host.store.calls)
    await asyncio.sleep(1)
    world.kill("w1")
    record = await world.until(running.job_id)
    assert record.failure is not None
    assert record.failure.kind is FailureKind.LOST
    await world.until_empty()
    await world.stop()


@pytest.mark.parametrize("number", [1, 2, 3])
@story
async def test_a_dead_letter_of_a_finished_round_says_nothing_and_of_a_later_one_is_lost(number: int) -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick")
    await world.operator.cancel(job_id, None)
    ended = replace(world.record(job_id), round=2)
    world.store.records[job_id] = ended
    await die(world, ended, number)
    world.start()
    await world.until_empty()
    record = world.record(job_id)
    if number <= 2:
        assert record == ended
    else:
        assert (record.status, record.round) == (Status.FAILED, 3)
    await world.stop()


@story
async def test_foreign_dead_letters_stay_for_a_human_and_are_told_once() -> None:
    world = World({"quick": quick})
    for body in STRANGE:
        await world.dead.send(Letter(body=body))
    record = world.record(await world.submit("quick"))
    await die(world, record)
    host = world.start()
    await world.until(record.job_id, Status.FAILED)
    await asyncio.sleep(600)
    assert sorted(world.dead.bodies) == sorted(STRANGE)
    assert min(message.receive_count for message in world.dead._messages.values()) >= 10
    assert len(host.seen(ForeignMessage)) == len(STRANGE)
    assert sorted(event.message_id for event in host.seen(ForeignMessage)) == sorted(world.dead._messages)
    assert host.seen(BackgroundFailed) == []
    await world.stop()
    assert (await world.dead.depth()).visible == len(STRANGE)


@story
async def test_many_dead_letters_are_settled_in_one_look_whatever_strangers_lie_among_them() -> None:
    world = World({"quick": quick})
    records = [world.record(await world.submit("quick")) for _ in range(45)]
    world.queue._messages.clear()
    for number, record in enumerate(records):
        if number % 2:
            await world.dead.send(Letter(body=f"stranger {number}"))
        await world.dead.send(Letter(body=envelope_of(record).text()))
    world.start()
    await world.until_true(lambda: all(world.record(record.job_id).status.is_final for record in records))
    assert world.clock.monotonic() < 10
    await world.until_true(lambda: len(world.dead.bodies) == 22)
    await world.stop()


@pytest.mark.parametrize("mishap", [refused, unheard, unanswered])
@story
async def test_a_dead_letter_stays_until_its_ending_was_answered(mishap: Mishap) -> None:
    world = World({"quick": quick})
    records = [world.record(await world.submit("quick")) for _ in range(3)]
    for record in records:
        await world.dead.send(Letter(body=envelope_of(record).text()))
    world.queue._messages.clear()
    world.start(before=lambda host: host.store.on(Lose, mishap, 2))
    for record in records:
        assert (await world.until(record.job_id)).status is Status.FAILED
    await world.until_empty(patience=300)
    await world.stop()


@story
async def test_a_dead_letter_whose_record_moved_on_meanwhile_is_looked_at_again() -> None:
    world = World({"work": worker_of(Notebook(), 100)})
    world.start("w1")
    job_id = await world.submit("work")
    await world.until(job_id, Status.RUNNING)
    await world.operator.cancel(job_id, None)
    world.kill("w1")
    await die(world, world.record(job_id))
    await asyncio.sleep(VISIBILITY)
    host = world.start("w2", before=lambda host: host.store.on(Forestall, slow(1)))
    await world.until_true(lambda: "Forestall" in host.store.calls)
    assert (await world.until(job_id)).status is Status.CANCELLED
    await world.until_empty()
    await world.stop()


@story
async def test_one_dead_letter_that_cannot_be_settled_does_not_keep_the_others_from_it() -> None:
    world = World({"quick": quick})
    records = [world.record(await world.submit("quick")) for _ in range(20)]
    world.queue._messages.clear()
    for record in records:
        await world.dead.send(Letter(body=envelope_of(record).text()))
    host = world.start()
    cursed = records[0].job_id
    write = host.store.write

    async def cursed_write(change: Lose) -> object:
        if change.job_id == cursed:
            raise ValueError("this record cannot be written")
        return await write(change)

    host.store.write = cursed_write  # type: ignore[method-assign,assignment]
    for record in records[1:]:
        await world.until(record.job_id, patience=10)
    assert world.record(cursed).status is Status.QUEUED
    assert any("this record cannot be written" in event.cause for event in host.seen(ServiceFailed))
    await world.stop()


@story
async def test_dead_letters_are_looked_for_once_a_minute() -> None:
    world = World({"quick": quick})
    host = world.start()
    await asyncio.sleep(3600)
    assert 50 <= host.queues["dead"].calls.count("receive") <= 61
    await world.stop()
