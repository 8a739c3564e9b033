"""Who took a unique key may die, or lose an answer, at any moment: the key never binds a job that nobody sent."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cqworker import NotAllowedNow, SendUnanswered, Unavailable
from cqworker.enums import OnDuplicate, UniqueScope
from cqworker.jobs.submission import Accepted
from cqworker.model.operator_writes import Enter, NewRound
from cqworker.model.status import Status
from cqworker.model.unique import Unique
from tests.flow.faults import Mishap, late, refused, repeated, slow, unanswered, unheard
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.world import DAY, World, story

UNIQUE = Unique()
either = pytest.mark.parametrize("mishap", [refused, unheard, unanswered])


def world_of() -> World:
    return World({"quick": quick, "work": worker_of(Notebook(), 60)})


async def accept(world: World, **more: Any) -> Accepted:
    return await world.accept("quick", '{"n":1}', **{"unique": UNIQUE, **more})


def spoil_sends(world: World, mishap: Mishap, times: int = 1) -> None:
    for call in ("send", "send_many"):
        world.office.queue.on(call, mishap, times)


async def job_that_was_never_sent(world: World, **more: Any) -> str:
    """The id that a key names whose submission died before its send."""
    spoil_sends(world, refused)
    with pytest.raises(Unavailable):
        await accept(world, **more)
    [hold] = world.unique_keys.holds.values()
    assert world.queue.bodies == []
    return hold.job_id


@story
async def test_the_next_submission_sends_the_job_that_the_key_names_under_its_id() -> None:
    world = world_of()
    ghost = await job_that_was_never_sent(world)
    world.start()
    accepted = await accept(world)
    assert (accepted.record.job_id, accepted.is_new) == (ghost, True)
    assert (await world.until(ghost)).status is Status.SUCCEEDED
    await world.stop()


@story
async def test_so_does_one_that_asks_to_be_rejected_and_one_that_is_for_later() -> None:
    world = world_of()
    ghost = await job_that_was_never_sent(world)
    assert (await accept(world, on_duplicate=OnDuplicate.REJECT)).record.job_id == ghost
    world = world_of()
    ghost = await job_that_was_never_sent(world)
    record = (await accept(world, delay_seconds=86_400)).record
    assert (record.job_id, record.status) == (ghost, Status.SCHEDULED)


@story
async def test_a_submission_that_is_under_way_is_waited_for_and_not_sent_twice() -> None:
    world = world_of()
    spoil_sends(world, slow(0.7))
    answers = await asyncio.gather(*(accept(world) for _ in range(20)))
    assert len({accepted.record.job_id for accepted in answers}) == 1
    assert len(world.queue.bodies) == 1


@either
@story
async def test_whatever_becomes_of_the_take_one_job_runs(mishap: Mishap) -> None:
    world = world_of()
    world.start()
    world.office.store.on("take", mishap)
    with pytest.raises(Unavailable):
        await accept(world)
    job_id = (await accept(world)).record.job_id
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    assert len(world.store.records) == 1
    await world.stop()


@story
async def test_a_send_whose_answer_was_lost_and_its_repetition_are_one_job() -> None:
    world = world_of()
    spoil_sends(world, unanswered)
    with pytest.raises(SendUnanswered) as lost:
        await accept(world)
    again = await accept(world)
    assert again.record.job_id == lost.value.job_id
    world.start()
    await world.until(again.record.job_id)
    await world.until_empty()
    assert len(world.store.records) == 1
    await world.stop()


@story
async def test_a_job_whose_record_could_not_be_put_is_found_once_it_is_claimed() -> None:
    world = world_of()
    world.start()
    world.office.store.on(Enter, refused)
    first = await world.accept("work", unique=UNIQUE)
    second = await world.accept("work", unique=UNIQUE)
    assert (second.record.job_id, second.duplicate) == (first.record.job_id, True)
    assert world.record(first.record.job_id).unique == first.record.unique
    await world.stop()


@pytest.mark.parametrize("mishap", [repeated, late(30.0)])
@story
async def test_a_take_that_is_done_twice_or_late_names_no_job_that_is_over(mishap: Mishap) -> None:
    """The late one was given up: its client asked again, and that job has long ended when the first take comes."""
    world = world_of()
    world.start()
    world.office.store.on("take", mishap)
    try:
        job_id = (await accept(world)).record.job_id
    except Unavailable:
        job_id = (await accept(world)).record.job_id
    await world.until(job_id)
    await asyncio.sleep(60)
    next_one = await accept(world)
    assert next_one.is_new
    assert (await world.until(next_one.record.job_id)).status is Status.SUCCEEDED
    await world.stop()


@story
async def test_an_idempotency_key_names_the_job_that_its_request_healed() -> None:
    world = world_of()
    ghost = await job_that_was_never_sent(world)
    assert (await accept(world, idempotency_key="one")).record.job_id == ghost
    again = await accept(world, idempotency_key="one")
    assert (again.record.job_id, again.replayed) == (ghost, True)


@story
async def test_a_request_that_died_after_its_take_is_repeated_with_its_idempotency_key_as_the_same_job() -> None:
    world = world_of()
    ghost = await job_that_was_never_sent(world, idempotency_key="one")
    assert (await accept(world, idempotency_key="one")).record.job_id == ghost


@story
async def test_a_try_that_finds_its_key_free_makes_no_job_where_another_try_was_given_the_one_that_had_it() -> None:
    world = world_of()
    met = (await world.accept("work", '{"n":1}', unique=UNIQUE)).record.job_id
    world.start()

    async def ask() -> Accepted:
        return await world.accept("work", '{"n":1}', unique=UNIQUE, idempotency_key="one")

    world.office.store.on("take", late(120.0))
    answers = await asyncio.gather(ask(), ask())
    assert [accepted.record.job_id for accepted in answers] == [met, met]
    assert [*world.store.records] == [met]
    await world.stop()


@story
async def test_a_try_that_dies_after_its_key_was_decided_is_repeated_as_the_same_job() -> None:
    world = world_of()
    spoil_sends(world, refused)
    with pytest.raises(Unavailable):
        await accept(world, idempotency_key="one")
    [key] = world.store.keys.values()
    assert key.decided
    made = await accept(world, idempotency_key="one")
    assert (made.record.job_id, made.is_new) == (key.job_id, True)
    assert world.office.store.calls.count("decide") == 1


@either
@story
async def test_whatever_becomes_of_the_write_that_decides_an_idempotency_key_one_job_runs(mishap: Mishap) -> None:
    world = world_of()
    world.start()
    world.office.store.on("decide", mishap)
    with pytest.raises(Unavailable):
        await accept(world, idempotency_key="one")
    job_id = (await accept(world, idempotency_key="one")).record.job_id
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    assert [*world.store.records] == [job_id]
    await world.stop()


@story
async def test_the_round_of_a_retry_that_died_is_sent_by_the_submission_that_meets_its_key() -> None:
    """The record is FAILED and its key a round ahead: it is not free, or two jobs of one key would live."""
    world = world_of()
    job_id = (await accept(world)).record.job_id
    await world.operator.cancel(job_id, None)
    spoil_sends(world, refused)
    with pytest.raises(Unavailable):
        await world.operator.retry(job_id, None)
    assert world.record(job_id).status is Status.CANCELLED
    met = await accept(world)
    assert (met.record.job_id, met.record.round, met.duplicate) == (job_id, 2, True)
    world.start()
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    assert len(world.store.records) == 1
    await world.stop()


@story
async def test_a_submission_between_a_retry_s_take_and_its_send_is_given_the_job_that_is_retried() -> None:
    world = world_of()
    job_id = (await accept(world)).record.job_id
    await world.operator.cancel(job_id, None)
    spoil_sends(world, slow(0.5))
    retried, met = await asyncio.gather(world.operator.retry(job_id, None), _after(0.2, accept(world)))
    assert (retried.round, met.record.job_id) == (2, job_id)
    assert len(world.store.records) == 1


@story
async def test_a_retry_whose_record_could_not_be_written_still_binds_the_key() -> None:
    world = world_of()
    job_id = (await accept(world)).record.job_id
    await world.operator.cancel(job_id, None)
    world.office.store.on(NewRound, refused)
    await world.operator.retry(job_id, None)
    assert (await accept(world)).record.job_id == job_id


@story
async def test_two_retries_at_once_are_one_round() -> None:
    world = world_of()
    job_id = (await accept(world)).record.job_id
    await world.operator.cancel(job_id, None)
    both = await asyncio.gather(*(world.operator.retry(job_id, None) for _ in range(2)))
    assert {record.round for record in both} == {2}
    [hold] = world.unique_keys.holds.values()
    assert (hold.job_id, hold.round) == (job_id, 2)


@story
async def test_a_retry_waits_for_nobody_who_died_and_says_so() -> None:
    world = world_of()
    job_id = (await accept(world)).record.job_id
    await world.operator.cancel(job_id, None)
    spoil_sends(world, refused)
    with pytest.raises(Unavailable):
        await accept(world)
    with pytest.raises(NotAllowedNow, match="which was not sent yet, has it: submit that one once more"):
        await world.operator.retry(job_id, None)


@story
async def test_a_key_of_a_purged_record_that_is_still_there_is_taken_over() -> None:
    world = world_of()
    world.start()
    job_id = (await accept(world)).record.job_id
    await world.until(job_id)
    await world.stop()
    await asyncio.sleep(31 * DAY)
    del world.store.records[job_id]
    next_one = await accept(world)
    assert next_one.is_new
    assert next_one.record.job_id != job_id
    [hold] = world.unique_keys.holds.values()
    assert (hold.rev, hold.scope) == (2, UniqueScope.UNTIL_FINISHED)


@story
async def test_the_retry_of_a_job_from_before_unique_keys_takes_none() -> None:
    world = world_of()
    job_id = await world.submit("quick")
    await world.operator.cancel(job_id, None)
    await world.operator.retry(job_id, None)
    assert world.unique_keys.holds == {}


@story
async def test_an_ordinary_job_takes_no_key_and_costs_no_call_more() -> None:
    world = world_of()
    await world.submit("quick")
    assert world.office.store.calls == ["Enter"]


async def _after(seconds: float, answer: Any) -> Any:
    await asyncio.sleep(seconds)
    return await answer
