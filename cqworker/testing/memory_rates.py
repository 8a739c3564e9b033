"""The rates in memory: the pure rules as they stand."""

from __future__ import annotations

from cqworker.model.rates import Busy, RateAsk, RateState, Reserved, reserve


class MemoryRates:
    """`states` are the keys' items."""

    def __init__(self) -> None:
        self.states: dict[str, RateState] = {}

    async def reserve(self, ask: RateAsk) -> Reserved | Busy:
        """As Rates.reserve."""
        answer = reserve(self.states.get(ask.key), ask)
        if isinstance(answer, Busy):
            return answer
        self.states[ask.key], reserved = answer
        return reserved

    async def rate_state(self, key: str) -> RateState | None:
        """As Rates.rate_state."""
        return self.states.get(key)
