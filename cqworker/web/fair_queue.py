"""Who works next where only a few can at a time: those who wait take turns, however much each of them brings."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cqworker.web.problems import Kind, Problem

PATIENCE = 30.0
"""Seconds that anybody waits for a turn."""
IN_LINE = 64
"""Who may wait in one line."""
IN_ALL = 256
"""Who may wait in all of them: each has a request's body in memory."""


class Turns:
    """At most `most` are at work; when one is done it is the next line's turn, and there it is the first one's."""

    def __init__(
        self,
        most: int,
        patience: float = PATIENCE,
        in_line: int = IN_LINE,
        in_all: int = IN_ALL,
        crowded: str = "Too many large bodies are being read. Send smaller ones, or try again later.",
    ) -> None:
        self._free = most
        self._patience = patience
        self._in_line = in_line
        self._in_all = in_all
        self._crowded = crowded
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, line: str) -> AsyncIterator[None]:
        """Waits for a turn in this line and keeps it for the block; raises Problem 503 where too many wait too long."""
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
        if len(places) >= self._in_line or sum(map(len, self._lines.values())) >= self._in_all:
            raise Problem(Kind.CROWDED, self._crowded)
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(line, deque()).append(place)
        try:
            async with asyncio.timeout(self._patience):
                await place
        except (TimeoutError, asyncio.CancelledError) as error:
            if place.cancelled():
                self._leave(line, place)
            else:
                self._pass_on()  # it came in the very moment of giving up
            if isinstance(error, TimeoutError):
                raise Problem(Kind.CROWDED, self._crowded) from None
            raise

    def _leave(self, line: str, place: asyncio.Future[None]) -> None:
        places = self._lines.get(line, deque())
        if place in places:
            places.remove(place)
            if not places:
                del self._lines[line]

    def _pass_on(self) -> None:
        """The line whose turn it is goes behind the others."""
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
