"""When runs must stop: one timer for each length of time, however many runs have it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import takewhile

Act = Callable[[], None]


class Timeouts:
    """Calls what was set once its time is over; those of one length end in the order in which they were set.

    A timer for each would be made and cancelled with every job, and cost more than the rest of its run.
    """

    def __init__(self) -> None:
        self._queues: dict[float, _Queue] = {}

    def set(self, seconds: float, act: Act) -> None:
        """Calls `act` once, in so many seconds."""
        queue = self._queues.get(seconds)
        if queue is None:
            queue = self._queues[seconds] = _Queue(seconds)
        queue.add(act)

    def clear(self, seconds: float, act: Act) -> None:
        """Takes back an `act` that was set with these seconds, if it was."""
        if (queue := self._queues.get(seconds)) is not None:
            queue.remove(act)


class _Queue:
    """Everything that was set for one length of time, the first to end first."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._ends: dict[Act, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, act: Act) -> None:
        end = self._ends[act] = self._loop.time() + self._seconds
        if self._timer is None:
            self._timer = self._loop.call_at(end, self._fire)

    def remove(self, act: Act) -> None:
        self._ends.pop(act, None)
        if not self._ends and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fire(self) -> None:
        """Calls those whose time is over, and waits for the next."""
        self._timer = None
        now = self._loop.time()
        for act, _ in list(takewhile(lambda each: each[1] <= now, self._ends.items())):
            del self._ends[act]
            act()
        if self._ends and self._timer is None:
            self._timer = self._loop.call_at(next(iter(self._ends.values())), self._fire)
