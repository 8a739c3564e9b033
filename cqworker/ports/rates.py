"""The port of rates: the moments at which jobs of one key may start, each given to one of them."""

from __future__ import annotations

from typing import Protocol

from cqworker.model.rates import Busy, RateAsk, RateState, Reserved


class Rates(Protocol):
    """An item for each key with a rate. Every method raises Unavailable.

    Moments whose answer was lost are nobody's: fewer jobs start than might, never more.
    """

    async def reserve(self, ask: RateAsk) -> Reserved | Busy:
        """The next moments, first come, first served, or none where not all of them come in time."""
        ...

    async def rate_state(self, key: str) -> RateState | None:
        """What a key's item says; None where nobody asked lately."""
        ...
