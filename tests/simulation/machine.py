"""What a process runs on: its clocks, the handlers' loop, and sets that are walked through in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from cqworker.execution.handler_loop import LoopPosition, RunningCall, Work, copy_result, do_nothing
from cqworker.testing.virtual_time import EPOCH_MS
from tests.simulation.kernel import TICKS, Guest, Kernel

T = TypeVar("T")


def guest_for_handlers(kernel: Kernel, main: Guest) -> Guest:
    """A thread of their own."""
    return kernel.guest(f"{main.name} handlers")


class SkewedClock:
    """A process's clocks: a wall clock that is `skew` ms off, and its loop's own monotonic one."""

    def __init__(self, guest: Guest, kernel: Kernel, skew: int) -> None:
        self.skew = skew
        self._guest = guest
        self._kernel = kernel

    def now(self) -> int:
        return EPOCH_MS + self.skew + self._kernel.ticks * 1000 // TICKS

    def monotonic(self) -> float:
        return self._guest.time()


class HandlersGuest:
    """A HandlerLoop on a guest of its own, so that a handler can block it and nothing else."""

    def __init__(self, main: Guest, there: Guest) -> None:
        self._main = main
        self._there = there
        self.blocked_at: float | None = None

    def call(self, work: Work, thrown: Callable[[], None] = do_nothing) -> RunningCall:
        ended: asyncio.Future[Any] = self._main.create_future()
        started: list[asyncio.Task[Any]] = []

        def start() -> None:
            task = self._there.create_task(work())
            started.append(task)
            task.add_done_callback(lambda done: post(self._main, partial(copy_result, done, ended)))

        def stop() -> None:
            if started[0].cancel():
                thrown()

        post(self._there, start)
        return RunningCall(ended, lambda: post(self._there, stop))

    def silent_for(self) -> float:
        if self._there.thaws_at is None or self.blocked_at is None:
            return 0.0
        return max(0.0, self._main.time() - self.blocked_at - 1)

    def position(self) -> LoopPosition:
        return LoopPosition()

    async def close(self) -> None:
        return None


class InOrder(dict[T, None]):
    """A set that is walked through in the order of its making, where production needs no order."""

    def add(self, member: T) -> None:
        self[member] = None

    def discard(self, member: T) -> None:
        self.pop(member, None)


def post(guest: Guest, parcel: Callable[[], object]) -> None:
    """Hands a callable to another thread's loop."""
    guest.call_soon(parcel)
