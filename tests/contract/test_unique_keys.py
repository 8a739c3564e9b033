"""The port UniqueKeys: a key is taken by one write, from nobody or from the one who was seen to have it."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from cqworker.enums import UniqueScope
from cqworker.model.unique_hold import UniqueHold
from cqworker.ports import JobStore, KeyItem
from cqworker.ports.unique_keys import UniqueKeys
from tests.contract.cases import PURGE
from tests.contract.clock import NOW, SetClock
from tests.contract.worlds import World

HOLD = UniqueHold(key="a1", job_id="job-1", rev=1, scope=UniqueScope.UNTIL_FINISHED, purge_at=PURGE)
OF_WINDOW = replace(HOLD, key="b2", scope=UniqueScope.WINDOW, expires_at=NOW + 60_000)


@pytest.fixture
async def both(world: World, clock: SetClock) -> tuple[UniqueKeys, JobStore]:
    return await world.unique_keys(clock)


@pytest.fixture
def keys(both: tuple[UniqueKeys, JobStore]) -> UniqueKeys:
    return both[0]


@pytest.fixture
def store(both: tuple[UniqueKeys, JobStore]) -> JobStore:
    return both[1]


async def test_a_key_that_nobody_has_is_taken(keys: UniqueKeys) -> None:
    assert await keys.take(HOLD) is None


@pytest.mark.parametrize("held", [HOLD, OF_WINDOW, replace(HOLD, round=3)])
async def test_who_comes_second_is_told_whole_which_job_has_it(keys: UniqueKeys, held: UniqueHold) -> None:
    await keys.take(held)
    assert await keys.take(replace(held, job_id="job-2", round=1)) == held


async def test_a_take_whose_answer_was_lost_is_taken_all_the_same(keys: UniqueKeys) -> None:
    await keys.take(HOLD)
    assert await keys.take(HOLD) is None


async def test_who_has_seen_it_takes_it_over(keys: UniqueKeys) -> None:
    await keys.take(HOLD)
    taken = replace(HOLD, job_id="job-2", rev=2)
    assert await keys.take(taken) is None
    assert await keys.take(replace(HOLD, job_id="job-3")) == taken


async def test_who_has_seen_it_before_another_took_it_over_is_refused(keys: UniqueKeys) -> None:
    await keys.take(HOLD)
    taken = replace(HOLD, job_id="job-2", rev=2)
    await keys.take(taken)
    assert await keys.take(replace(HOLD, job_id="job-3", rev=2)) == taken
    assert await keys.take(HOLD) == taken


async def test_a_later_round_of_the_same_job_is_another_take(keys: UniqueKeys) -> None:
    await keys.take(HOLD)
    later = replace(HOLD, rev=2, round=2)
    assert await keys.take(later) is None
    assert await keys.take(later) is None
    assert await keys.take(replace(HOLD, rev=2, round=3)) == later


async def test_a_key_that_was_seen_and_has_been_deleted_since_is_taken(keys: UniqueKeys) -> None:
    assert await keys.take(replace(HOLD, rev=7)) is None


async def test_of_many_at_once_one_takes_it_and_the_others_are_told_the_same(keys: UniqueKeys) -> None:
    holds = [replace(HOLD, job_id=f"job-{number}") for number in range(12)]
    answers = await asyncio.gather(*map(keys.take, holds))
    winner = holds[answers.index(None)]
    assert [answer for answer in answers if answer is not None] == [winner] * 11


async def test_keys_are_apart(keys: UniqueKeys) -> None:
    await keys.take(HOLD)
    assert await keys.take(replace(HOLD, key="c3", job_id="job-2")) is None


async def test_an_idempotency_key_names_another_job_where_it_names_the_one_that_was_never_made(
    keys: UniqueKeys, store: JobStore
) -> None:
    mine = KeyItem("k", "job-9", "request", NOW + 1000)
    assert await store.reserve_key(mine, NOW) is None
    await keys.name_other_job(KeyItem("k", "job-1", "request", NOW + 1000), "job-9")
    assert await store.reserve_key(mine, NOW) == KeyItem("k", "job-1", "request", NOW + 1000)


@pytest.mark.parametrize("there", [True, False])
async def test_an_idempotency_key_that_names_a_third_job_or_is_gone_stays_as_it_is(
    keys: UniqueKeys, store: JobStore, there: bool
) -> None:
    held = KeyItem("k", "job-3", "request", NOW + 1000)
    if there:
        await store.reserve_key(held, NOW)
    await keys.name_other_job(KeyItem("k", "job-1", "request", NOW + 1000), "job-9")
    other = KeyItem("k", "job-4", "request", NOW + 1000)
    assert await store.reserve_key(other, NOW) == (held if there else None)
