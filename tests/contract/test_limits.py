"""The port Limits: slots that are named by job and token, waiting lists, and marks in the index of due jobs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from cqworker.errors import NotProvisioned
from cqworker.ports.limits import Hold, Limits, Slots, Waiter, most_in, shards_of
from tests.contract.clock import NOW, SetClock
from tests.contract.conftest import WORLDS_WITH_TRANSACTIONS, open_world
from tests.contract.worlds import World

KEY = "tenant:acme"
PURGE = NOW // 1000 + 86_400
LOOKS = 100


@pytest.fixture(params=WORLDS_WITH_TRANSACTIONS)
async def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with open_world(request, monkeypatch) as opened:
        yield opened


@pytest.fixture
async def limits(world: World, clock: SetClock) -> Limits:
    return await world.limits(clock)


def hold(job_id: str, token: str = "", *, shard: int = 0, key: str = KEY) -> Hold:
    return Hold(key, shard, job_id, token or f"token of {job_id}")


def waiter(job_id: str, created_at: int = NOW, token: str = "") -> Waiter:
    return Waiter(created_at, job_id, token or f"token of {job_id}", NOW, PURGE)


async def held(limits: Limits, key: str = KEY) -> dict[str, str]:
    return {job: token for slots in await limits.slots(key) for job, token in slots.held.items()}


async def test_as_many_get_a_slot_as_the_limit_allows(limits: Limits) -> None:
    assert await limits.slots(KEY) == []
    for job in ("a", "b"):
        assert (await limits.acquire(hold(job), 2, in_turn=False)).applied
    refused = await limits.acquire(hold("c"), 2, in_turn=False)
    assert not refused.applied
    assert refused.slots == Slots(0, {"a": "token of a", "b": "token of b"})
    assert list(await limits.slots(KEY)) == [refused.slots]


async def test_of_sixteen_who_ask_at_once_three_get_a_slot(limits: Limits) -> None:
    holds = [hold(f"job-{number}") for number in range(16)]
    answers = await asyncio.gather(*(limits.acquire(each, 3, in_turn=False) for each in holds))
    assert sum(answer.applied for answer in answers) == 3
    taken = {each.job_id: each.token for each, answer in zip(holds, answers, strict=True) if answer.applied}
    assert await held(limits) == taken


async def test_a_limit_of_zero_lets_nobody_in(limits: Limits) -> None:
    assert not (await limits.acquire(hold("a"), 0, in_turn=True)).applied


async def test_a_job_has_one_slot_and_whoever_asks_again_sees_whose_it_is(limits: Limits) -> None:
    await limits.acquire(hold("a", "one"), 5, in_turn=True)
    for token in ("one", "two"):
        answer = await limits.acquire(hold("a", token), 5, in_turn=True)
        assert not answer.applied
        assert answer.slots.held == {"a": "one"}


async def test_a_slot_is_taken_from_exactly_the_attempt_that_was_seen(limits: Limits) -> None:
    await limits.acquire(hold("a", "one"), 1, in_turn=True)
    assert not (await limits.replace(hold("a", "three"), "two")).applied
    answer = await limits.replace(hold("a", "two"), "one")
    assert answer.applied
    assert answer.slots.held == {"a": "two"}
    assert not (await limits.replace(hold("a", "late"), "one")).applied
    assert await held(limits) == {"a": "two"}


async def test_a_dead_holder_s_slot_is_taken_over_once(limits: Limits) -> None:
    for job in ("dead", "other"):
        await limits.acquire(hold(job), 2, in_turn=True)
    answers = [await limits.take_over(hold(job), hold("dead")) for job in ("a", "b")]
    assert [answer.applied for answer in answers] == [True, False]
    assert await held(limits) == {"a": "token of a", "other": "token of other"}
    assert not (await limits.take_over(hold("a", "again"), hold("other"))).applied, "one who has a slot takes no second"


async def test_a_slot_is_given_back_by_its_own_token_alone(limits: Limits) -> None:
    assert not (await limits.free(hold("a"))).applied
    await limits.acquire(hold("a", "two"), 1, in_turn=True)
    refused = await limits.free(hold("a", "one"))
    assert not refused.applied
    assert refused.slots.held == {"a": "two"}
    answer = await limits.free(hold("a", "two"))
    assert answer.applied
    assert answer.slots.held == {}
    assert (await limits.acquire(hold("b"), 1, in_turn=False)).applied


async def test_who_comes_fresh_stands_behind_those_who_wait(limits: Limits) -> None:
    await limits.acquire(hold("a"), 2, in_turn=False)
    assert (await limits.mark(KEY, "mark", NOW)).held == {"a": hold("a").token}
    fresh = await limits.acquire(hold("b"), 2, in_turn=False)
    assert not fresh.applied
    assert fresh.slots.waiting == "mark"
    assert (await limits.acquire(hold("b"), 2, in_turn=True)).applied


async def test_of_several_free_slots_the_last_one_is_left_to_those_who_wait(limits: Limits) -> None:
    await limits.mark(KEY, "mark", NOW)
    answers = [(await limits.acquire(hold(job), 3, in_turn=False)).applied for job in ("a", "b", "c")]
    assert answers == [True, True, False]
    assert (await limits.acquire(hold("d"), 3, in_turn=True)).applied
    await limits.free(hold("a"))
    assert not (await limits.acquire(hold("e"), 3, in_turn=False)).applied
    assert not (await limits.acquire(hold("e"), 1, in_turn=False)).applied


async def test_a_mark_can_be_set_before_any_slot_was_taken(limits: Limits) -> None:
    assert await limits.mark(KEY, "mark", NOW) == Slots(0, {}, "mark")
    assert list(await limits.slots(KEY)) == [Slots(0, {}, "mark")]
    assert (await limits.acquire(hold("a"), 1, in_turn=True)).applied
    freed = await limits.free(hold("a"))
    assert freed.slots == Slots(0, {}, "mark"), "who gives a slot back sees the mark"


async def test_a_mark_is_cleared_only_where_it_is_the_one_that_was_seen(limits: Limits) -> None:
    assert not await limits.clear_mark(KEY, "one")
    await limits.mark(KEY, "one", NOW)
    await limits.mark(KEY, "two", NOW + 5)
    assert not await limits.clear_mark(KEY, "one")
    assert not await limits.put_off(KEY, "one", NOW + 7)
    assert await limits.put_off(KEY, "two", NOW + 9)
    assert await limits.clear_mark(KEY, "two")
    assert (await limits.slots(KEY))[0].waiting is None


async def comes_to_have(limits: Limits, wanted: list[str], until: int = NOW + 1_000) -> None:
    """The index lags behind what it is made of."""
    found: list[str] = []
    for _ in range(LOOKS):
        found = list(await limits.marked(until, 100))
        if found == wanted:
            break
        await asyncio.sleep(0.05)
    assert found == wanted


async def test_a_marked_key_is_looked_at_from_its_first_mark_s_time_on(limits: Limits) -> None:
    await limits.mark(KEY, "one", NOW + 10)
    await limits.mark(KEY, "two", NOW + 50)
    await comes_to_have(limits, [KEY], until=NOW + 10)
    assert list(await limits.marked(NOW + 9, 100)) == []
    await limits.put_off(KEY, "two", NOW + 70)
    await comes_to_have(limits, [], until=NOW + 69)
    await comes_to_have(limits, [KEY], until=NOW + 70)
    await limits.clear_mark(KEY, "two")
    await comes_to_have(limits, [])


async def test_marked_keys_come_in_the_order_of_their_times(limits: Limits) -> None:
    same = [f"type:{number}" for number in (3, 1, 2)]
    for place, key in enumerate(same):
        await limits.mark(key, f"mark {place}", NOW + place)
    await comes_to_have(limits, same)
    assert list(await limits.marked(NOW + 1_000, 2)) == same[:2]


async def test_without_the_index_it_is_said_how_to_get_it(world: World, clock: SetClock) -> None:
    limits = await world.limits(clock, indexed=False)
    await limits.mark(KEY, "one", NOW)
    with pytest.raises(NotProvisioned):
        await limits.marked(NOW, 1)


async def test_the_waiting_list_begins_with_the_oldest_job(limits: Limits) -> None:
    made = [waiter("c", NOW + 2), waiter("a", NOW), waiter("b", NOW + 1)]
    for each in made:
        await limits.put_waiter(KEY, each)
    await limits.put_waiter("tenant:other", waiter("d", 5))
    assert [each.job_id for each in await limits.first_waiters(KEY, 2)] == ["a", "b"]
    assert list(await limits.first_waiters(KEY, 100)) == sorted(made)
    assert [each.job_id for each in await limits.first_waiters(KEY, 1, made[1])] == ["b"]
    assert [each.job_id for each in await limits.first_waiters(KEY, 9, waiter("aa", NOW))] == ["b", "c"]
    assert list(await limits.first_waiters(KEY, 9, made[0])) == []
    assert [await limits.count_waiters(KEY, most) for most in (2, 3, 100)] == [2, 3, 3]
    assert await limits.count_waiters("tenant:nobody", 10) == 0


async def test_a_job_is_on_the_list_once_and_its_entry_is_deleted_by_the_token_that_was_read(limits: Limits) -> None:
    first, again = waiter("a", token="one"), replace(waiter("a", token="two"), parked_at=NOW + 9)
    assert await limits.put_waiter(KEY, first) is None
    assert await limits.put_waiter(KEY, again) is None
    assert await limits.put_waiter(KEY, first) == again, "a delayed copy takes the place of no later entry"
    assert await limits.put_waiter(KEY, again) == again
    assert not await limits.delete_waiter(KEY, first), "it has parked again meanwhile"
    assert list(await limits.first_waiters(KEY, 9)) == [again]
    assert await limits.delete_waiter(KEY, again)
    assert not await limits.delete_waiter(KEY, again)
    assert list(await limits.first_waiters(KEY, 9)) == []


async def test_an_entry_takes_the_place_of_the_one_whose_token_it_names(limits: Limits) -> None:
    first, later = waiter("a", token="one"), replace(waiter("a", token="one/2"), is_admitted=True)
    assert not await limits.replace_waiter(KEY, later, "one"), "nobody waits"
    assert list(await limits.first_waiters(KEY, 9)) == []
    await limits.put_waiter(KEY, first)
    assert not await limits.replace_waiter(KEY, later, "another")
    assert await limits.replace_waiter(KEY, later, "one")
    assert not await limits.replace_waiter(KEY, later, "one"), "a delayed copy"
    assert not await limits.delete_waiter(KEY, first)
    assert list(await limits.first_waiters(KEY, 9)) == [later]


async def test_an_entry_says_whether_its_job_had_its_moment(limits: Limits) -> None:
    admitted, other = replace(waiter("a"), is_admitted=True), waiter("b")
    for each in (admitted, other):
        await limits.put_waiter(KEY, each)
    assert list(await limits.first_waiters(KEY, 9)) == [admitted, other]
    assert await limits.put_waiter(KEY, admitted) == admitted


async def test_shards_are_kept_apart_and_read_together(limits: Limits) -> None:
    for shard in (1, 0, 10):
        assert (await limits.acquire(hold(f"job-{shard}", shard=shard), 1, in_turn=False)).applied
    assert [(slots.shard, list(slots.held)) for slots in await limits.slots(KEY)] == [
        (0, ["job-0"]),
        (1, ["job-1"]),
        (10, ["job-10"]),
    ]


async def test_the_first_shard_is_told_how_many_there_were_at_most(limits: Limits) -> None:
    for shards in (2, 5, 3):
        await limits.spread(KEY, shards)
    assert list(await limits.slots(KEY)) == [Slots(0, {}, None, 5)]
    answer = await limits.acquire(hold("a"), 1, in_turn=False)
    assert answer.slots.spread == 5


@pytest.mark.parametrize(("most", "shards"), [(0, 1), (1, 1), (16, 1), (17, 2), (48, 3), (1024, 64), (100_000, 64)])
def test_the_shards_of_a_limit_have_its_slots_together(most: int, shards: int) -> None:
    assert shards_of(most) == shards
    shares = [most_in(shard, most) for shard in range(shards)]
    assert sum(shares) == most
    assert max(shares) - min(shares) <= 1
    assert most_in(shards, most) == 0
