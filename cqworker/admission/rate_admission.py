"""Whether the rates that bind a job let it start now, and when it is its turn else."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from msgspec import Struct

from cqworker.admission.rate_lines import RateLines
from cqworker.clock import Clock
from cqworker.model.limits import Limit, OnFull
from cqworker.model.rates import Busy, RateAsk, ask_of
from cqworker.ports import MAX_DELAY
from cqworker.ports.rates import Rates

GOOD_FOR = 2_000
"""Milliseconds for which a moment is good: a message that was delayed comes in whole seconds, and late by a poll."""
LOOK_AGAIN = 3600
"""Seconds after which a job asks again whose moment is not in sight: a rate that was raised is noticed by then."""
SPREAD = 900
"""Seconds over which those that ask again are spread by chance."""
NARROW_FIRST = ("key", "tenant", "type", "queue")
"""The order in which rates are asked: what one tenant may not start takes no moment of what all of them share."""
Limited = Sequence[tuple[str, Limit]]
"""The limits that bind a job, by key, in their order."""


class Later(Struct, frozen=True):
    """Not now: at `at` (epoch ms) because of the rate of `key`; whether its moment is `reserved`, or asked for then."""

    key: str
    at: int
    reserved: bool


class Dropped(Struct, frozen=True):
    """Not now, and not later: the limit of `key` drops what it does not let start."""

    key: str


class RateAdmission:
    """`chance` gives 0 to 1: it spreads those that ask again."""

    def __init__(self, rates: Rates, clock: Clock, chance: Callable[[], float] = random.random) -> None:
        self._lines = RateLines(rates)
        self._clock = clock
        self._chance = chance

    async def judge(self, limits: Limited, admitted: int | None) -> Later | Dropped | None:
        """None: it may start. `admitted` is the moment (epoch ms) that this attempt has already, if it has one.

        Moments of several keys are taken, of narrow ones first, and the latest counts. While a limit lets nothing run
        at all none is taken. Raises Unavailable.
        """
        if not takes_moment(limits):
            return None
        rated = sorted(((key, limit) for key, limit in limits if limit.rate is not None), key=_breadth)
        now = self._clock.now()
        if admitted is not None and now <= admitted + max(GOOD_FOR, min(_early_ms(limit) for _, limit in rated)):
            return None
        latest, by = now * 1000, ""
        for key, limit in rated:
            answer = await self._lines.reserve(self._ask(key, limit, now))
            if isinstance(answer, Busy):
                return Dropped(key) if limit.on_full is OnFull.DROP else self._ask_again(key, answer, now)
            if answer > latest:
                latest, by = answer, key
        return Later(by, -(-latest // 1000), reserved=True) if by else None

    def _ask(self, key: str, limit: Limit, now: int) -> RateAsk:
        return ask_of(key, limit, now_ms=now, within=0 if limit.on_full is OnFull.DROP else MAX_DELAY)

    def _ask_again(self, key: str, answer: Busy, now: int) -> Later:
        """When its moment may be in sight: beyond what a message can be delayed nothing is reserved."""
        soonest = min(max(answer.next // 1000, now + MAX_DELAY * 1000), now + LOOK_AGAIN * 1000)
        return Later(key, soonest + 1000 + round(self._chance() * SPREAD * 1000), reserved=False)


def takes_moment(limits: Limited) -> bool:
    """Whether a job that these bind starts at a moment of its own."""
    return any(limit.rate is not None for _, limit in limits) and all(limit.concurrency != 0 for _, limit in limits)


def _breadth(limited: tuple[str, Limit]) -> int:
    return NARROW_FIRST.index(limited[0].partition(":")[0])


def _early_ms(limit: Limit) -> int:
    assert limit.rate is not None
    return (limit.starts_at_once - 1) * limit.rate.interval_us // 1000
