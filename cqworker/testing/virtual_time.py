"""Virtual time: an event loop that jumps to its next timer instead of waiting for it."""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Callable
from contextvars import Context
from typing import TypeVarTuple, Unpack

Ts = TypeVarTuple("Ts")
TICKS_PER_SECOND = 1_000_000
"""Virtual time goes in whole microseconds."""
SHORT = 0.01
"""Seconds of a timer that fires also while time is held: what is held waits for services in memory, too."""
EPOCH_MS = 1_767_225_600_000
"""Epoch milliseconds of 2026-01-01T00:00:00Z, where every virtual clock starts."""


class _JumpingSelector(selectors.DefaultSelector):
    """Looks for I/O without waiting, and lets virtual time pass instead; while that is held, waits for I/O."""

    def __init__(self, jump: Callable[[float], None], is_held: Callable[[], bool]) -> None:
        super().__init__()
        self._jump = jump
        self._is_held = is_held

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None or (timeout > SHORT and self._is_held()):
            return super().select(1.0)
        self._jump(timeout)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time()` moves only when there is nothing else to do, and then at once.

    Time goes in whole microseconds, and a timer in the future is at least one of them ahead: a loop that waits for the
    rest of a rounding error would otherwise wait for ever.
    """

    def __init__(self) -> None:
        self._ticks = 0
        self._holders = 0
        super().__init__(_JumpingSelector(self._advance, lambda: self._holders > 0))

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._ticks / TICKS_PER_SECOND

    def call_at(
        self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As asyncio's; a time in the future is a microsecond away at least."""
        if when > self.time():
            when = max(math.ceil(when * TICKS_PER_SECOND), self._ticks + 1) / TICKS_PER_SECOND
        return super().call_at(when, callback, *args, context=context)

    def hold(self) -> None:
        """Time stands still until there was a release() for each hold(): threads and processes take real time.

        Timers of up to SHORT still fire.
        """
        self._holders += 1

    def release(self) -> None:
        """Takes one hold() back."""
        self._holders -= 1

    def _advance(self, seconds: float) -> None:
        self._ticks += max(1, round(seconds * TICKS_PER_SECOND))


class VirtualClock:
    """The two clocks on a loop's virtual time; `skew` ms moves this one's wall clock against the others'."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None, skew: int = 0) -> None:
        self._loop = loop
        self.skew = skew

    def now(self) -> int:
        """Milliseconds since the epoch, which begin with 2026."""
        return EPOCH_MS + self.skew + round(self.monotonic() * 1000)

    def monotonic(self) -> float:
        """The loop's seconds."""
        return (self._loop or asyncio.get_running_loop()).time()
