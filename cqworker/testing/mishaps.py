"""What can go wrong between a host and a service, call by call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from cqworker.errors import Unavailable
from cqworker.model.writes import Change

T = TypeVar("T")
Mishap = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
"""Is given what makes the call, and makes it once, twice, later or not at all; answers or raises as it likes."""
LATENCY = 0.002
"""Seconds that each way of a call takes."""


def unavailable(*, ambiguous: bool) -> Unavailable:
    """What a service's client raises that got no answer; `ambiguous` says that the call may have been done."""
    return Unavailable("service", "It did not answer.", "Wait.", ambiguous=ambiguous)


async def refused(_apply: Callable[[], Awaitable[T]]) -> T:
    """It is certainly not done: a throttle, no connection."""
    raise unavailable(ambiguous=False)


class Mishaps:
    """What goes wrong on a line, by the name of the call or of the change that is written.

    `away` happens to every call for which nothing else is coming, or else what `chance` says for its name; `latency` is
    the seconds of each way, and `calls` the names of all calls so far.
    """

    def __init__(self) -> None:
        self.away: Mishap | None = None
        self.calls: list[str] = []
        self.latency: Callable[[], float] = lambda: LATENCY
        self.chance: Callable[[str], Mishap | None] = lambda _: None
        self._coming: dict[str, list[Mishap]] = {}

    def on(self, what: str | type[Change], mishap: Mishap, times: int = 1) -> None:
        """Lets this happen to the next so many calls of the name, after what is coming already."""
        name = what if isinstance(what, str) else what.__name__
        self._coming.setdefault(name, []).extend([mishap] * times)

    def granted(self) -> None:
        """Nothing that was to come goes wrong any more."""
        self._coming.clear()

    async def meet(self, name: str, apply: Callable[[], Awaitable[T]]) -> T:
        """Makes the call, or what is to happen in its place."""
        self.calls.append(name)
        await asyncio.sleep(self.latency())
        coming = self._coming.get(name)
        mishap = coming.pop(0) if coming else self.away or self.chance(name)
        answer: T = await (mishap(apply) if mishap else apply())
        await asyncio.sleep(self.latency())
        return answer
