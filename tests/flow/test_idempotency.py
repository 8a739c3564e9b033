"""An Idempotency-Key makes a repeated request the same job, once."""

from __future__ import annotations

import asyncio

import pytest

from cqworker.errors import CqworkerError, KeyReused, SendUnanswered, Unavailable
from cqworker.events import JobStarted, SubmissionReplayed
from cqworker.model.operator_writes import Enter
from cqworker.model.status import Status
from tests.flow.faults import Mishap, refused, slow, unanswered, unheard
from tests.flow.handlers import quick
from tests.flow.world import DAY, World, story

KEY = {"idempotency_key": "order-7"}
either = pytest.mark.parametrize("mishap", [refused, unheard, unanswered])


def spoil_sends(world: World, mishap: Mishap) -> None:
    for call in ("send", "send_many"):
        world.office.queue.on(call, mishap)


@story
async def test_a_hundred_requests_at_once_with_one_key_are_one_job_and_one_message() -> None:
    world = World({"quick": quick})
    answers = await asyncio.gather(*(world.accept("quick", '{"n":1}', **KEY) for _ in range(100)))
    assert len({accepted.record.job_id for accepted in answers}) == 1
    assert sum(not accepted.replayed for accepted in answers) == 1
    assert len(world.queue.bodies) == 1
    assert len(world.office.seen(SubmissionReplayed)) == 99


@story
async def test_a_slow_send_of_the_first_request_makes_the_others_wait_for_it() -> None:
    world = World({"quick": quick})
    spoil_sends(world, slow(0.7))
    answers = await asyncio.gather(*(world.accept("quick", **KEY) for _ in range(20)))
    assert len({accepted.record.job_id for accepted in answers}) == 1
    assert len(world.queue.bodies) == 1


@story
async def test_a_replay_shows_the_job_as_it_is_now() -> None:
    world = World({"quick": quick})
    world.start()
    first = await world.accept("quick", '{"n":1}', **KEY)
    await world.until(first.record.job_id)
    again = await world.accept("quick", '{ "n": 1 }', **KEY)
    assert (again.replayed, again.record.status) == (True, Status.SUCCEEDED)
    assert len(world.seen(JobStarted)) == 1
    await world.stop()


@pytest.mark.parametrize(
    "other",
    [
        {"payload": '{"n":2}'},
        {"tags": ("t",)},
        {"metadata": {"a": "b"}},
        {"max_attempts": 3},
        {"delay_seconds": 5},
        {"queue": "jobs"},
    ],
)
@story
async def test_a_key_with_another_request_is_refused(other: dict[str, object]) -> None:
    world = World({"quick": quick})
    await world.accept("quick", **{"payload": '{"n":1}', **KEY})
    with pytest.raises(KeyReused):
        await world.accept("quick", **{"payload": '{"n":1}', **KEY, **other})  # type: ignore[arg-type]
    assert len(world.queue.bodies) == 1


@story
async def test_a_key_belongs_to_its_tenant() -> None:
    world = World({"quick": quick})
    first = await world.accept("quick", tenant="one", **KEY)
    second = await world.accept("quick", '{"other":1}', tenant="two", **KEY)
    assert first.record.job_id != second.record.job_id
    assert second.replayed is False


@story
async def test_a_tenants_name_and_key_cannot_be_shifted_into_anothers() -> None:
    world = World({"quick": quick})
    first = await world.accept("quick", tenant="ab", idempotency_key="c")
    second = await world.accept("quick", tenant="a", idempotency_key="bc")
    assert first.record.job_id != second.record.job_id


@either
@story
async def test_a_key_whose_job_was_never_sent_is_healed_by_the_next_request(mishap: Mishap) -> None:
    world = World({"quick": quick})
    spoil_sends(world, mishap)
    with pytest.raises((Unavailable, SendUnanswered)):
        await world.accept("quick", **KEY)
    [key] = world.store.keys.values()
    began = world.clock.monotonic()
    healed = await world.accept("quick", **KEY)
    assert (healed.record.job_id, healed.replayed) == (key.job_id, False)
    assert 1 <= world.clock.monotonic() - began < 1.5
    world.start()
    record = await world.until(key.job_id)
    await world.until_empty()
    assert (record.status, len(world.seen(JobStarted))) == (Status.SUCCEEDED, 1)
    await world.stop()


@either
@story
async def test_a_key_whose_own_answer_was_lost_is_used_all_the_same(mishap: Mishap) -> None:
    world = World({"quick": quick})
    world.office.store.on("reserve_key", mishap)
    with pytest.raises(Unavailable):
        await world.accept("quick", **KEY)
    assert world.queue.bodies == []
    accepted = await world.accept("quick", **KEY)
    assert len(world.queue.bodies) == 1
    again = await world.accept("quick", **KEY)
    assert (again.record.job_id, again.replayed) == (accepted.record.job_id, True)


@either
@story
async def test_a_key_whose_record_was_not_put_sends_a_copy_of_the_same_job(mishap: Mishap) -> None:
    world = World({"quick": quick})
    world.office.store.on(Enter, mishap)
    first = await world.accept("quick", **KEY)
    again = await world.accept("quick", **KEY)
    assert first.record.job_id == again.record.job_id
    world.start()
    await world.until(first.record.job_id)
    await world.until_empty()
    assert len(world.seen(JobStarted)) == 1
    await world.stop()


@story
async def test_a_key_lives_for_a_day() -> None:
    world = World({"quick": quick})
    first = await world.accept("quick", **KEY)
    await asyncio.sleep(DAY - 2)
    assert (await world.accept("quick", **KEY)).replayed
    await asyncio.sleep(3)
    second = await world.accept("quick", '{"n":2}', **KEY)
    assert (second.replayed, second.record.job_id == first.record.job_id) == (False, False)


@story
async def test_a_request_that_is_wrong_uses_up_no_key() -> None:
    world = World({"quick": quick})
    with pytest.raises(CqworkerError):
        await world.accept("nothing", **KEY)
    assert (await world.accept("quick", **KEY)).replayed is False
