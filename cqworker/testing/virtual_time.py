"""Virtual time: an event loop that jumps to its next timer instead of waiting for it."""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
TICKS_PER_SECOND = 1_000_000
"""Virtual time goes in whole microseconds."""
EPOCH_MS = 1_767_225_600_000
"""Epoch milliseconds of 2026-01-01T00:00:00Z, where every virtual clock starts."""


class _JumpingSelector(selectors.DefaultSelector):
    """Looks for I/O without waiting, and lets virtual time pass instead."""

    def __init__(self, jump: Callable[[float], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
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
        super().__init__(_JumpingSelector(self._advance))

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


def run_virtually(story: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Runs a coroutine function to its end in virtual time; hours cost milliseconds."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(story())
