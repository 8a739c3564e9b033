"""A request that replaces and has an idempotency key counts once, however often and by whomever it is repeated."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest

from cqworker import Unavailable
from cqworker.enums import OnDuplicate
from cqworker.jobs.submission import Accepted
from cqworker.model.schedule_writes import Reschedule
from cqworker.model.status import Status
from cqworker.model.unique import Unique
from tests.flow.faults import Mishap, late, refused, repeated, slow, unanswered, unheard
from tests.flow.handlers import Notebook, worker_of
from tests.flow.world import World, story

PAGE = Unique("page 7", scope="until_started")


def world_of() -> World:
    return World({"work": worker_of(Notebook(), 60)})


async def submit(world: World, text: str, key: str | None = None, **more: Any) -> Accepted:
    asked = {"unique": PAGE, "on_duplicate": OnDuplicate.REPLACE, "idempotency_key": key, **more}
    return await world.accept("work", json.dumps({"text": text}), **asked)


def texts_of(world: World) -> list[Any]:
    """The payload of each job, in the order in which they were made."""
    return [json.loads(record.payload or "null")["text"] for record in world.store.records.values()]


async def submit_and_die(world: World, text: str, key: str) -> None:
    """It replaces, and is not answered."""
    world.office.store.on(Reschedule, unanswered)
    with pytest.raises(Unavailable):
        await submit(world, text, key)
    assert texts_of(world)[-1] == text


@story
async def test_one_that_is_repeated_after_a_newer_one_brings_no_payload_back() -> None:
    world = world_of()
    first = await submit(world, "one", delay_seconds=600)
    await submit_and_die(world, "two", "key")
    await submit(world, "three")
    again = await submit(world, "two", "key")
    assert (again.record.job_id, again.replayed) == (first.record.job_id, True)
    assert (texts_of(world), world.record(first.record.job_id).replacements) == (["three"], 2)


@story
async def test_one_whose_job_has_started_meanwhile_makes_no_second_job() -> None:
    world = world_of()
    first = await submit(world, "one", delay_seconds=30)
    await submit_and_die(world, "two", "key")
    world.start()
    await world.until(first.record.job_id, Status.RUNNING)
    again = await submit(world, "two", "key")
    assert (again.record.job_id, again.replayed) == (first.record.job_id, True)
    assert texts_of(world) == ["two"]
    await world.until(first.record.job_id)
    assert (await submit(world, "two", "key")).record.job_id == first.record.job_id
    await world.stop()


@pytest.mark.parametrize("mishap", [refused, unheard])
@story
async def test_one_that_was_not_done_is_done_when_it_is_repeated(mishap: Mishap) -> None:
    world = world_of()
    first = await submit(world, "one", delay_seconds=600)
    world.office.store.on(Reschedule, mishap)
    with pytest.raises(Unavailable):
        await submit(world, "two", "key")
    assert texts_of(world) == ["one"]
    for replayed in (False, True):
        again = await submit(world, "two", "key")
        assert (again.record.job_id, again.replayed) == (first.record.job_id, replayed)
        assert (texts_of(world), again.record.replacements) == (["two"], 1)


@story
async def test_one_that_was_not_done_before_its_job_started_is_the_next_job() -> None:
    world = world_of()
    first = await submit(world, "one", delay_seconds=30)
    world.office.store.on(Reschedule, refused)
    with pytest.raises(Unavailable):
        await submit(world, "two", "key")
    world.start()
    await world.until(first.record.job_id, Status.RUNNING)
    second = await submit(world, "two", "key")
    assert (second.is_new, texts_of(world)) == (True, ["one", "two"])
    assert (await submit(world, "two", "key")).record.job_id == second.record.job_id
    assert len(world.store.records) == 2
    await world.stop()


@pytest.mark.parametrize("mishap", [unanswered, unheard, repeated, late(2.0)])
@story
async def test_whatever_becomes_of_the_write_that_says_which_replacement_it_is_it_counts_once(mishap: Mishap) -> None:
    world = world_of()
    first = await submit(world, "one", delay_seconds=600)
    world.office.store.on("decide", mishap)
    with suppress(Unavailable):
        await submit(world, "two", "key")
    await submit(world, "two", "key")
    assert (texts_of(world), world.record(first.record.job_id).replacements) == (["two"], 1)


@story
async def test_a_try_that_stands_still_while_another_one_and_a_newer_request_go_by_changes_nothing() -> None:
    world = world_of()
    first = await submit(world, "one", delay_seconds=600)
    world.office.store.on(Reschedule, late(20.0))
    frozen = asyncio.ensure_future(submit(world, "two", "key"))
    await asyncio.sleep(5)
    assert not (await submit(world, "two", "key")).replayed
    await submit(world, "three")
    assert (await frozen).record.job_id == first.record.job_id
    assert (texts_of(world), world.record(first.record.job_id).replacements) == (["three"], 2)


@story
async def test_a_try_that_stands_still_until_its_job_was_handed_back_leaves_it_to_the_one_that_went_on() -> None:
    """The other one saw it start: had this one replaced what then waited again, the request would have run twice."""
    world = world_of()
    first = await submit(world, "one", delay_seconds=30)
    world.office.store.on(Reschedule, late(120.0))
    frozen = asyncio.ensure_future(submit(world, "two", "key"))
    host = world.start()
    await world.until(first.record.job_id, Status.RUNNING)
    second = await submit(world, "two", "key", delay_seconds=0)
    await host.drain(0.1)
    assert world.record(first.record.job_id).attempt == 0
    assert (await frozen).record.job_id == second.record.job_id
    assert texts_of(world) == ["one", "two"]


@story
async def test_one_whose_own_job_another_sent_with_another_payload_replaces_that_when_it_is_repeated() -> None:
    world = world_of()
    for call in ("send", "send_many"):
        world.office.queue.on(call, refused)
    with pytest.raises(Unavailable):
        await submit(world, "one", "key")
    healed = await submit(world, "two", on_duplicate=OnDuplicate.RETURN)
    again = await submit(world, "one", "key")
    assert (again.record.job_id, again.replayed) == (healed.record.job_id, False)
    assert texts_of(world) == ["one"]


@story
async def test_one_that_made_a_job_is_that_job_whatever_others_replace_in_it() -> None:
    world = world_of()
    first = await submit(world, "one", "key", delay_seconds=600)
    for _ in range(2):
        assert (await submit(world, "one", "key", delay_seconds=600)).replayed
    await submit(world, "two")
    for _ in range(2):
        again = await submit(world, "one", "key", delay_seconds=600)
        assert (again.record.job_id, again.replayed) == (first.record.job_id, True)
    assert texts_of(world) == ["two"]


@story
async def test_many_tries_of_one_request_beside_others_count_once() -> None:
    world = world_of()
    first = await submit(world, "one", delay_seconds=600)
    world.office.store.on("decide", slow(0.3))
    tries = [submit(world, "two", "key") for _ in range(5)]
    answers = await asyncio.gather(*tries, *(submit(world, f"other {number}") for number in range(3)))
    assert {accepted.record.job_id for accepted in answers} == {first.record.job_id}
    record = world.record(first.record.job_id)
    assert record.replacements in (3, 4)


@pytest.mark.parametrize("call", ["take", "decide", "get"])
@story
async def test_a_try_that_comes_late_to_the_job_that_another_one_made_does_not_undo_who_replaced_that(
    call: str,
) -> None:
    world = world_of()
    world.office.store.on(call, late(5.0))
    frozen = asyncio.ensure_future(submit(world, "one", "key", delay_seconds=600))
    await asyncio.sleep(0.1)
    beside = asyncio.ensure_future(submit(world, "one", "key", delay_seconds=600))
    await asyncio.sleep(3)
    await submit(world, "two")
    answers = await asyncio.gather(frozen, beside)
    assert len({accepted.record.job_id for accepted in answers}) == 1
    assert texts_of(world) == ["two"]
