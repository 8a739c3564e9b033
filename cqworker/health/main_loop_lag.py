"""Whether the main loop turns: how late it comes to what is due, and when it stood still."""

from __future__ import annotations

import asyncio
from collections import deque

from cqworker.clock import Clock
from cqworker.events import Emit
from cqworker.events.loop_events import MainLoopBlocked, MainLoopProbed

PULSE_SECONDS = 1.0
"""Seconds between two wake-ups: the finest absence that is worth measuring costs one timer a second."""
ABSENCE_SECONDS = 0.05
"""Seconds of lateness from which on it is remembered as an absence."""
REPORTED_SECONDS = 1.0
"""Seconds of lateness from which on it is logged."""
MAX_ABSENCES = 600
"""Absences kept: ten minutes of a loop that is late each second."""


class MainLoopLag:
    """Tells whoever measures others by the main loop's clock how much of that time the loop was away itself.

    A computation on it, native code that keeps the interpreter's lock, a stopped process, a machine with other work:
    whatever it was, leases, polls and HTTP waited, and neither SQS nor the handlers' loop is to blame.
    """

    def __init__(self, clock: Clock, emit: Emit, every: float | None = None) -> None:
        self._clock = clock
        self._emit = emit
        self._every = every
        self._due = float("inf")
        self._absences: deque[tuple[float, float]] = deque(maxlen=MAX_ABSENCES)

    async def run(self) -> None:
        """Sleeps `every` seconds, or PULSE_SECONDS, again and again, and notes how late it wakes."""
        try:
            while True:
                pause = self._every or PULSE_SECONDS
                self._due = self._clock.monotonic() + pause
                await asyncio.sleep(pause)
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
        self._emit(MainLoopProbed(lag=late))
        if late >= ABSENCE_SECONDS:
            self._absences.append((due, now))
        if late >= REPORTED_SECONDS:
            self._emit(MainLoopBlocked(seconds=late))
