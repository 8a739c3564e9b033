"""The two clocks: wall time for what is written down, a monotonic one for what is measured."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where the flow reads the time; tests give it a virtual one."""

    def now(self) -> int:
        """The wall clock in milliseconds since the epoch, for what is written down and compared across hosts."""
        ...

    def monotonic(self) -> float:
        """Seconds of a clock that never jumps, for local deadlines; the event loop's timers run on the same one."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> int:
        """The wall clock in milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    monotonic: staticmethod[[], float] = staticmethod(time.monotonic)
    """As it is: asked several times a job, where a method around it would cost more than the clock."""
