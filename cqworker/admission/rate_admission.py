"""Whether the rates that bind a job let it start now, and when it is its turn else."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from msgspec import Struct

from cqworker.admission.rate_lines import RateLines
from cqworker.clock import Clock
from cqworker.model.limits import Limit, OnFull
from cqworker.model.rates import NARROW_FIRST, Admitted, Breadth, Busy, RateAsk, ask_of
from cqworker.ports import MAX_DELAY
from cqworker.ports.rates import Rates

GOOD_FOR = 2_000
"""Milliseconds for which a moment is good: a message that was delayed comes in whole seconds, and late by a poll."""
LOOK_AGAIN = 3600
"""Seconds after which a job asks again whose moment is not in sight: a rate that was raised is noticed by then."""
SPREAD = 900
"""Seconds over which those that ask again are spread by chance."""
Limited = Sequence[tuple[str, Limit]]
"""The limits that bind a job, by key, in their order."""


class Later(Struct, frozen=True):
    """Not now: at `at` (epoch ms) because of the rate of `key`; whether its moment is `reserved`, or asked for then.

    `up_to` which of its rates it is reserved; None: under all of them.
    """

    key: str
    at: int
    reserved: bool
    up_to: Breadth | None = None


class Dropped(Struct, frozen=True):
    """Not now, and not later: the limit of `key` drops what it does not let start."""

    key: str


class RateAdmission:
    """`chance` gives 0 to 1: it spreads those that ask again."""

    def __init__(self, rates: Rates, clock: Clock, chance: Callable[[], float] = random.random) -> None:
        self._lines = RateLines(rates)
        self._clock = clock
        self._chance = chance

    async def judge(self, limits: Limited, admitted: Admitted | None) -> Later | Dropped | None:
        """None: it may start. `admitted` is the moment that this attempt has already, if it has one.

        Moments of several keys are taken one after the other, of narrow ones first, and that of a wider one only when
        those before have come: what a narrow rate puts off uses up nothing of what is shared. While a limit lets
        nothing run at all none is taken. Raises Unavailable.
        """
        if not takes_moment(limits):
            return None
        rated = sorted(((key, limit) for key, limit in limits if limit.rate is not None), key=_breadth)
        now = self._clock.now()
        for key, limit in rated if admitted is None else _still_to_ask(rated, admitted, now):
            answer = await self._lines.reserve(self._ask(key, limit, now))
            if isinstance(answer, Busy):
                return Dropped(key) if limit.on_full is OnFull.DROP else self._ask_again(key, answer, now)
            if answer > now * 1000:
                up_to = None if key == rated[-1][0] else NARROW_FIRST[_breadth((key, limit))]
                return Later(key, -(-answer // 1000), reserved=True, up_to=up_to)
        return None

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


def _still_to_ask(rated: Limited, admitted: Admitted, now: int) -> Limited:
    """Those that the moment says nothing of, or all of them: once it is too old it says nothing of any."""
    last = NARROW_FIRST.index(admitted.up_to or NARROW_FIRST[-1])
    had = [limit for key, limit in rated if _breadth((key, limit)) <= last]
    is_good = now <= admitted.time + max(GOOD_FOR, min(map(_early_ms, had), default=0))
    return rated[len(had) :] if is_good else rated


def _early_ms(limit: Limit) -> int:
    assert limit.rate is not None
    return (limit.starts_at_once - 1) * limit.rate.interval_us // 1000
