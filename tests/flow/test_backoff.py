"""How pauses are spread: a herd that fails together must not come back together."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from itertools import islice, pairwise
from statistics import fmean, pvariance

import pytest

from cqworker.execution.outcome import Raised
from cqworker.flow.conclusion import Retrying, Rules, conclude
from cqworker.model.backoff import retry_delay, retry_pauses
from cqworker.plugins.handler import Backoff
from tests.model.samples import running

DRAWN = 20_000
CRITICAL = 1.95 / math.sqrt(DRAWN)
"""The Kolmogorov-Smirnov distance that even draws exceed once in a thousand times; the seeds are fixed."""
FIRST, FACTOR, CAP = 2.0, 3.0, 300.0
CEILINGS = [(1, 2.0), (2, 6.0), (3, 18.0), (4, 54.0), (5, 162.0), (6, 300.0), (7, 300.0), (5000, 300.0)]


def delays(attempt: int, seed: int = 1) -> list[float]:
    chance = random.Random(seed)
    return [retry_delay(attempt, FIRST, FACTOR, CAP, chance.random) for _ in range(DRAWN)]


def distance_from_even(drawn: list[float], low: float, high: float) -> float:
    """The largest gap between the draws' distribution and the even one from `low` to `high` (Kolmogorov-Smirnov)."""
    expected = [(value - low) / (high - low) for value in sorted(drawn)]
    return max(max((rank + 1) / len(drawn) - even, even - rank / len(drawn)) for rank, even in enumerate(expected))


@pytest.mark.parametrize(("attempt", "ceiling"), CEILINGS)
def test_the_pause_before_an_attempt_is_drawn_evenly_between_nothing_and_its_limit(
    attempt: int, ceiling: float
) -> None:
    drawn = delays(attempt)
    assert 0 <= min(drawn) < 0.001 * ceiling
    assert 0.999 * ceiling < max(drawn) <= ceiling
    assert fmean(drawn) == pytest.approx(ceiling / 2, rel=0.02)
    assert pvariance(drawn) == pytest.approx(ceiling**2 / 12, rel=0.03)
    assert distance_from_even(drawn, 0, ceiling) < CRITICAL


def test_the_pauses_grow_by_the_factor_until_the_cap() -> None:
    means = [fmean(delays(attempt)) for attempt, _ in CEILINGS]
    growth = [later / earlier for earlier, later in pairwise(means)]
    assert growth[:4] == pytest.approx([FACTOR] * 4, rel=0.03)
    assert growth[4:] == pytest.approx([CAP / 162, 1, 1], rel=0.03)


@pytest.mark.parametrize(
    "spread",
    [
        lambda ceiling, chance: ceiling * (0.5 + chance / 2),
        lambda ceiling, chance: ceiling * (0.05 + 0.95 * chance),
        lambda ceiling, chance: ceiling * chance**1.05,
        lambda ceiling, chance: ceiling * min(1.0, chance * 1.02),
    ],
    ids=["the upper half", "no pause at all is missing", "the short ones are more", "the limit is more often"],
)
def test_another_spread_within_the_same_bounds_is_told_from_it(spread: Callable[[float, float], float]) -> None:
    chance = random.Random(1)
    assert distance_from_even([spread(10.0, chance.random()) for _ in range(DRAWN)], 0, 10.0) > CRITICAL


def test_two_jobs_of_one_herd_do_not_pause_alike() -> None:
    """Neither by the attempt nor by the moment: each draw is its own."""
    chance = random.Random(3)
    pairs = [(retry_delay(4, 1, 2, 900, chance.random), retry_delay(4, 1, 2, 900, chance.random)) for _ in range(DRAWN)]
    first, second = zip(*pairs, strict=True)
    mean = 4.0
    covariance = fmean((one - mean) * (other - mean) for one, other in pairs)
    assert abs(covariance) < 0.02 * math.sqrt(pvariance(first) * pvariance(second))


def test_the_limit_of_a_handlers_backoff_belongs_to_the_attempt_that_failed() -> None:
    """The first pause is drawn up to `first`, whatever the attempts of an earlier round were."""
    backoff, chance = Backoff(first=10, factor=2, cap=900), random.Random(5)
    rules = Rules(backoff, 0, chance.random)
    for attempt, ceiling in ((1, 10.0), (2, 20.0), (3, 40.0)):
        record = running(attempt=attempt, max_attempts=10)
        drawn = [conclude(record, Raised("Error", "It broke."), rules) for _ in range(DRAWN // 4)]
        pauses_drawn = [ending.delay for ending in drawn if isinstance(ending, Retrying)]
        assert len(pauses_drawn) == len(drawn)
        assert distance_from_even(pauses_drawn, 0, ceiling) < 2 * CRITICAL


def test_tries_of_a_service_that_is_away_double_up_to_the_cap_and_are_drawn_from_the_upper_half() -> None:
    chance = random.Random(7)
    rows = [list(islice(retry_pauses(0.2, 15.0, chance.random), 9)) for _ in range(DRAWN // 4)]
    for drawn, ceiling in zip(zip(*rows, strict=True), [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 15.0, 15.0], strict=True):
        assert min(drawn) >= ceiling / 2
        assert max(drawn) <= ceiling
        assert fmean(drawn) == pytest.approx(0.75 * ceiling, rel=0.02)
        assert distance_from_even(list(drawn), ceiling / 2, ceiling) < 2 * CRITICAL


def test_by_default_the_draws_are_those_of_the_process_which_seeds_itself() -> None:
    state = random.getstate()
    try:
        random.seed(11)
        first = [retry_delay(3, 1, 2, 900) for _ in range(5)]
        random.seed(12)
        assert first != [retry_delay(3, 1, 2, 900) for _ in range(5)]
    finally:
        random.setstate(state)
