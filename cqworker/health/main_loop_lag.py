"""Whether the main loop turns: how late it comes to what is due, and when it stood still."""

from __future__ import annotations

import asyncio
from collections import deque

from cqworker.clock import Clock
from cqworker.events import Emit
from cqworker.events.loop_events import MainLoopStoodStill, MainLoopTurned

EVERY = 1.0
NOTED = 0.05
"""Seconds of lateness that are remembered as an absence."""
TOLD = 1.0
"""Seconds of it that are worth a line."""
REMEMBERED = 600


class MainLoopLag:
    """Who measures others by the main loop's clock asks here how much of the time it was away itself.

    A computation on it, native code that keeps the interpreter's lock, a stopped process, a machine with other work:
    whatever it was, leases, polls and HTTP waited, and neither SQS nor the handlers' loop is to blame.
    """

    def __init__(self, clock: Clock, emit: Emit) -> None:
        self._clock = clock
        self._emit = emit
        self._due = float("inf")
        self._absences: deque[tuple[float, float]] = deque(maxlen=REMEMBERED)

    async def run(self) -> None:
        """Wants to be woken once a second, and notes how late it is."""
        try:
            while True:
                self._due = self._clock.monotonic() + EVERY
                await asyncio.sleep(EVERY)
                self._note(self._due, self._clock.monotonic())
        finally:
            self._due = float("inf")

    def seconds_absent_since(self, moment: float) -> float:
        """Seconds since this monotonic time in which the main loop stood still, the absence that just ends included."""
        now = self._clock.monotonic()
        absences = (*self._absences, (self._due, now))
        return sum(max(0.0, end - max(begin, moment)) for begin, end in absences)

    def _note(self, due: float, now: float) -> None:
        late = max(0.0, now - due)
        self._emit(MainLoopTurned(lag=late))
        if late >= NOTED:
            self._absences.append((due, now))
        if late >= TOLD:
            self._emit(MainLoopStoodStill(seconds=late))
