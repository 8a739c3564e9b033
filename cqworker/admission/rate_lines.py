"""The lines of jobs before keys with a rate: those that come at the same time are served by one write."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from cqworker.model.rates import Busy, RateAsk
from cqworker.ports.rates import Rates

MOST_AT_ONCE = 100
"""Starts that one write takes at most: a worker that dies with them has let so many moments pass."""


class _Place:
    """One job's place in a line, until it has its moment (epoch µs) or knows that there is none in time."""

    __slots__ = ("answer",)

    def __init__(self) -> None:
        self.answer: int | Busy | None = None


class _Line:
    __slots__ = ("lock", "places", "users")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.places: list[_Place] = []
        self.users = 0


class RateLines:
    """Asks the port for moments, a key at a time: while a write is under way those who come meanwhile gather.

    So a key costs a write for each job while there are few, and some writes a second and worker however many come.
    """

    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._lines: dict[str, _Line] = {}

    async def reserve(self, ask: RateAsk) -> int | Busy:
        """The moment of one start (epoch µs), or what the port says where there is none in time. Raises Unavailable."""
        line = self._lines.setdefault(ask.key, _Line())
        place = _Place()
        line.places.append(place)
        line.users += 1
        try:
            async with line.lock:
                while place.answer is None:
                    await self._serve(line, ask)
            return place.answer
        finally:
            line.users -= 1
            if place.answer is None:
                line.places.remove(place)
            if not line.users:
                del self._lines[ask.key]

    async def _serve(self, line: _Line, ask: RateAsk) -> None:
        """One write for those who wait; they stay in the line until it is answered."""
        served = line.places[:MOST_AT_ONCE]
        answer = await self._rates.reserve(replace(ask, count=len(served)))
        if isinstance(answer, Busy) and answer.room:
            served = served[: answer.room]
            answer = await self._rates.reserve(replace(ask, count=len(served)))
        times: Sequence[int | Busy] = [answer] * len(served) if isinstance(answer, Busy) else answer.times
        for place, time in zip(served, times, strict=True):
            place.answer = time
        line.places = [place for place in line.places if place.answer is None]
