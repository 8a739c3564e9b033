"""The port Rates: each moment is given once, first come, first served, whoever asks and however the rate changes."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from msgspec.structs import replace

from cqworker.model.rates import Busy, RateAsk, RateState, Reserved, reserve
from cqworker.ports.rates import Rates
from tests.contract.clock import NOW
from tests.contract.worlds import World

SECOND = 1_000_000
START = NOW * 1000
ASK = RateAsk(key="tenant:acme", interval=SECOND, burst=1, now=START, latest=START + 900 * SECOND)


@pytest.fixture
async def rates(world: World) -> Rates:
    return await world.rates()


async def test_whoever_asks_first_starts_now_and_the_others_one_after_the_other(rates: Rates) -> None:
    answers = [await rates.reserve(ASK) for _ in range(4)]
    assert answers == [Reserved((START + number * SECOND,)) for number in range(4)]


async def test_a_burst_starts_at_once_and_then_the_distance_is_kept(rates: Rates) -> None:
    answers = [await rates.reserve(replace(ASK, burst=3)) for _ in range(5)]
    assert answers == [Reserved((START + max(0, number - 2) * SECOND,)) for number in range(5)]


async def test_after_a_pause_a_burst_is_there_again_and_no_more(rates: Rates) -> None:
    for _ in range(3):
        await rates.reserve(replace(ASK, burst=3))
    later = replace(ASK, burst=3, now=START + 3600 * SECOND, latest=START + 4500 * SECOND)
    answers = [await rates.reserve(later) for _ in range(4)]
    assert answers == [Reserved((later.now + max(0, number - 2) * SECOND,)) for number in range(4)]


async def test_several_starts_are_had_in_one_write(rates: Rates) -> None:
    await rates.reserve(ASK)
    assert await rates.reserve(replace(ASK, count=3)) == Reserved(tuple(START + n * SECOND for n in (1, 2, 3)))
    assert await rates.reserve(ASK) == Reserved((START + 4 * SECOND,))


async def test_what_comes_too_late_takes_nothing_and_says_what_there_is_room_for(rates: Rates) -> None:
    near = replace(ASK, latest=START + 2 * SECOND)
    await rates.reserve(near)
    assert await rates.reserve(replace(near, count=5)) == Busy(START + SECOND, 2)
    assert await rates.reserve(replace(near, count=2)) == Reserved((START + SECOND, START + 2 * SECOND))
    assert await rates.reserve(near) == Busy(START + 3 * SECOND, 0)
    assert await rates.reserve(ASK) == Reserved((START + 3 * SECOND,))


async def test_keys_know_nothing_of_each_other(rates: Rates) -> None:
    for _ in range(3):
        await rates.reserve(ASK)
    assert await rates.reserve(replace(ASK, key="tenant:other")) == Reserved((START,))


async def test_a_changed_rate_counts_those_that_are_ahead_at_the_new_distance(rates: Rates) -> None:
    for _ in range(10):
        await rates.reserve(ASK)
    faster = replace(ASK, interval=SECOND // 100)
    assert await rates.reserve(faster) == Reserved((START + 10 * SECOND // 100,))
    assert await rates.reserve(ASK) == Reserved((START + 11 * SECOND,))


async def test_many_that_ask_at_once_get_a_moment_each(rates: Rates) -> None:
    answers = await asyncio.gather(*(rates.reserve(ASK) for _ in range(6)))
    times = sorted(answer.times[0] for answer in answers if isinstance(answer, Reserved))
    assert times == [START + number * SECOND for number in range(6)]


@pytest.mark.parametrize("interval", [100, 86_400 * SECOND])
async def test_a_rate_is_one_a_day_to_ten_thousand_a_second(rates: Rates, interval: int) -> None:
    ask = replace(ASK, interval=interval, latest=START + 3 * 86_400 * SECOND)
    answers = [await rates.reserve(ask) for _ in range(3)]
    assert answers == [Reserved((START + number * interval,)) for number in range(3)]


async def test_what_a_key_is_at_is_told_to_whoever_looks(rates: Rates) -> None:
    assert await rates.rate_state("tenant:acme") is None
    await rates.reserve(replace(ASK, count=2))
    assert await rates.rate_state("tenant:acme") == RateState(START + 2 * SECOND, SECOND)


@pytest.mark.parametrize("seed", range(8))
async def test_every_port_says_what_the_rules_say(rates: Rates, seed: int) -> None:
    rng = Random(seed)
    state: RateState | None = None
    now = START
    for _ in range(40):
        now += rng.choice([0, 0, 1, 10_000, SECOND, 40 * SECOND])
        interval = rng.choice([10_000, 10_000, SECOND, 7 * SECOND])
        ask = RateAsk(
            key="type:mail",
            interval=interval,
            burst=rng.choice([1, 5]),
            now=now - rng.choice([0, 0, SECOND]),
            latest=now + rng.choice([0, 5, 900]) * SECOND,
            count=rng.choice([1, 1, 3]),
        )
        expected = reserve(state, ask)
        answer = await rates.reserve(ask)
        if isinstance(expected, tuple):
            state, reserved = expected
            assert answer == reserved
        else:
            assert answer == expected
