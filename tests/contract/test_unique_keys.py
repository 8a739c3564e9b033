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


@pytest.mark.parametrize("answer", ["job-9", "job-1"])
async def test_an_idempotency_key_is_decided_once_for_its_own_job_or_another(
    keys: UniqueKeys, store: JobStore, answer: str
) -> None:
    mine = KeyItem("k", "job-9", "request", NOW + 1000)
    assert await store.reserve_key(mine, NOW) is None
    decided, other = replace(mine, job_id=answer, decided=True), replace(mine, job_id="job-5", decided=True)
    assert await keys.decide(decided, mine) is None
    assert await keys.decide(decided, mine) is None
    assert await keys.decide(other, mine) == decided
    assert await keys.decide(other, replace(mine, job_id=answer)) == decided
    assert await store.reserve_key(replace(mine, job_id="job-7"), NOW) == decided


async def test_of_many_tries_of_one_request_one_decides_and_the_others_are_told_the_same(
    keys: UniqueKeys, store: JobStore
) -> None:
    mine = KeyItem("k", "job-9", "request", NOW + 1000)
    await store.reserve_key(mine, NOW)
    wanted = [replace(mine, job_id=f"job-{number}", decided=True) for number in range(12)]
    answers = await asyncio.gather(*(keys.decide(each, mine) for each in wanted))
    assert answers.count(None) == 1
    winner = wanted[answers.index(None)]
    assert [answer for answer in answers if answer is not None] == [winner] * 11


async def test_a_reservation_that_comes_once_more_leaves_what_was_decided(keys: UniqueKeys, store: JobStore) -> None:
    mine = KeyItem("k", "job-9", "request", NOW + 1000)
    await store.reserve_key(mine, NOW)
    await keys.decide(replace(mine, decided=True), mine)
    assert await store.reserve_key(mine, NOW) is None
    assert await store.reserve_key(replace(mine, job_id="job-4"), NOW) == replace(mine, decided=True)


async def test_an_idempotency_key_that_names_a_third_job_stays_as_it_is_and_one_that_is_gone_binds_nobody(
    keys: UniqueKeys, store: JobStore
) -> None:
    other = KeyItem("k", "job-3", "request", NOW + 1000)
    first, seen = replace(other, job_id="job-1", decided=True), replace(other, job_id="job-9")
    assert await keys.decide(first, seen) is None
    await store.reserve_key(other, NOW)
    assert await keys.decide(first, seen) == other
    assert await store.reserve_key(replace(other, job_id="job-4"), NOW) == other


async def test_a_replacement_that_a_request_is_to_be_is_kept_until_who_has_read_it_whole_puts_something_else(
    keys: UniqueKeys, store: JobStore
) -> None:
    mine = KeyItem("k", "job-9", "request", NOW + 1000)
    begun = replace(mine, job_id="job-1", replacement=2, standing="1 token")
    await store.reserve_key(mine, NOW)
    assert await keys.decide(begun, mine) is None
    assert await keys.decide(begun, mine) is None
    assert await store.reserve_key(replace(mine, job_id="job-7"), NOW) == begun
    anew, done = replace(begun, standing="1 other"), replace(mine, job_id="job-2", decided=True)
    for former in (
        mine,
        replace(begun, replacement=1),
        anew,
        replace(begun, decided=True),
        replace(mine, job_id="job-1"),
    ):
        assert await keys.decide(done, former) == begun
    assert await keys.decide(anew, begun) is None
    assert await keys.decide(done, begun) == anew
    assert await keys.decide(done, anew) is None
    assert await keys.decide(replace(begun, job_id="job-2"), done) is None
