"""Single flight: work with the same outcome for all is done once for all who ask while it is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Flight(Generic[T]):
    """One time that the work is done, and how many wait for it."""

    task: asyncio.Task[T]
    waiting: int = 0


class SingleFlight(Generic[T]):
    """Does `work` when somebody asks for its outcome, once for all who ask meanwhile; nothing is remembered."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._work = work
        self._flight: Flight[T] | None = None

    async def result_within(self, seconds: float) -> T:
        """What the work returns or raises; raises TimeoutError when that takes longer than `seconds`.

        Whoever stops waiting takes nothing from the others; when nobody waits any more the work is cancelled.
        """
        flight = self._flight
        if flight is None or flight.task.done():
            flight = self._flight = Flight(asyncio.get_running_loop().create_task(self._work()))
        flight.waiting += 1
        try:
            await asyncio.wait({flight.task}, timeout=seconds)
            if not flight.task.done():
                raise TimeoutError
            return flight.task.result()
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                await self._end(flight)

    async def _end(self, flight: Flight[T]) -> None:
        if self._flight is flight:
            self._flight = None
        if flight.task.cancel():
            await asyncio.wait({flight.task})
        if not flight.task.cancelled():
            flight.task.exception()  # the loop complains of errors that nobody has seen
