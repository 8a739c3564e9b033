"""The items of keys with a rate: the rules as they stand, one reservation at a time."""

from __future__ import annotations

from cqworker.model.rates import Busy, RateAsk, RateState, Reserved, reserve


class RateService:
    """`states` are the keys' items."""

    def __init__(self) -> None:
        self.states: dict[str, RateState] = {}

    def reserve(self, ask: RateAsk) -> Reserved | Busy:
        answer = reserve(self.states.get(ask.key), ask)
        if isinstance(answer, Busy):
            return answer
        self.states[ask.key], reserved = answer
        return reserved
