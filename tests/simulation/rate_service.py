"""The items of keys with a rate: the rules as they stand, one reservation at a time, shown to who keeps accounts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cqworker.model import rates
from cqworker.model.rates import Busy, RateAsk, RateState, Reserved


class RateService:
    """`states` are the keys' items; `reserved` is told of every moment that is given away (epoch µs)."""

    def __init__(self, reserved: Callable[[Sequence[int]], None]) -> None:
        self.states: dict[str, RateState] = {}
        self._reserved = reserved

    def reserve(self, ask: RateAsk) -> Reserved | Busy:
        answer = rates.reserve(self.states.get(ask.key), ask)
        if isinstance(answer, Busy):
            return answer
        self.states[ask.key], reserved = answer
        self._reserved(reserved.times)
        return reserved
