"""A few slots that tenants take in turn (round robin), however much each of them asks for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cqworker.web.problems import Problem, ProblemKind

TURN_TIMEOUT = 30.0
"""Seconds that a request waits for a turn: proxies give up after 30 and 60."""
MAX_PER_LINE = 64
"""Requests of one tenant that may wait."""
MAX_WAITING = 256
"""Requests of all tenants that may wait: each has its body in memory."""


class FairQueue:
    """At most `slots` requests work at once; when one is done, the next line's first request has its turn."""

    def __init__(
        self,
        slots: int,
        timeout: float = TURN_TIMEOUT,
        max_per_line: int = MAX_PER_LINE,
        max_waiting: int = MAX_WAITING,
        refusal: str = "Too many large bodies are being read. Send smaller ones, or try again later.",
    ) -> None:
        self._free = slots
        self._timeout = timeout
        self._max_per_line = max_per_line
        self._max_waiting = max_waiting
        self._refusal = refusal
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, line: str) -> AsyncIterator[None]:
        """Keeps a turn of this line for the block. Raises Problem 503 where too many wait, or too long."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(line)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, line: str) -> None:
        places = self._lines.get(line, ())
        if len(places) >= self._max_per_line or sum(map(len, self._lines.values())) >= self._max_waiting:
            raise Problem(ProblemKind.CROWDED, self._refusal)
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(line, deque()).append(place)
        try:
            async with asyncio.timeout(self._timeout):
                await place
        except (TimeoutError, asyncio.CancelledError) as error:
            if place.cancelled():
                self._leave(line, place)
            else:
                self._pass_on()  # it came in the very moment of giving up
            if isinstance(error, TimeoutError):
                raise Problem(ProblemKind.CROWDED, self._refusal) from None
            raise

    def _leave(self, line: str, place: asyncio.Future[None]) -> None:
        places = self._lines.get(line, deque())
        if place in places:
            places.remove(place)
            if not places:
                del self._lines[line]

    def _pass_on(self) -> None:
        """Gives the slot to the next line, which goes behind the others."""
        while self._lines:
            line = next(iter(self._lines))
            places = self._lines.pop(line)
            place = places.popleft()
            if places:
                self._lines[line] = places
            if not place.done():
                place.set_result(None)
                return
        self._free += 1
