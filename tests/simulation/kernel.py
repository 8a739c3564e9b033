"""Virtual time for many processes: each owns event loops that can be frozen, suspended, or never turned again."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import suppress
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
TICKS = 1_000_000
"""Ticks a second: whole numbers, so that no rounding error can make a loop wait for ever."""
STEPS = 20_000_000

Due = tuple[int, int, "Guest", asyncio.TimerHandle]


class Livelock(Exception):
    """The simulation turned so often that something must be spinning."""


class Guest(asyncio.AbstractEventLoop):
    """The event loop of one thread of a simulated process; the kernel turns it, and may stop doing so."""

    def __init__(self, kernel: Kernel, name: str) -> None:
        self.name = name
        self.dead = False
        self.thaws_at: int | None = None
        self.sleeps = 0
        self.lag = 0
        self.host: Any = None
        self.parked: deque[asyncio.Handle] = deque()
        self.parked_timers: list[Due] = []
        self._kernel = kernel
        self._remains: list[asyncio.Task[Any]] = []

    def time(self) -> float:
        return (self._kernel.ticks - self.lag) / TICKS

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        if not self.dead:
            self._kernel.ready.append((self, handle))
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self, delay: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        if not self.dead:
            self._kernel.schedule(max(math.ceil(when * TICKS) + self.lag, self._kernel.ticks + 1), self, handle)
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Generator[Any, None, T] | Coroutine[Any, Any, T], *, name: str | None = None, **options: Any
    ) -> asyncio.Task[T]:
        return asyncio.Task(coro, loop=self, name=name, **options)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return not self.dead

    def is_closed(self) -> bool:
        return self.dead

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self.dead:
            self._kernel.mishaps.append(f"{self.name}: {context.get('message')} {context.get('exception')!r}")

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer is thrown away when its time comes."""

    @property
    def tasks(self) -> list[asyncio.Task[Any]]:
        """Those that have not ended."""
        return [task for task in asyncio.all_tasks(self) if not task.done()]

    def kill(self) -> None:
        """No code of it runs from here on, not even a `finally`: its tasks are kept until bury()."""
        self._remains = self.tasks
        self.dead = True
        self.parked.clear()
        self.parked_timers.clear()

    def bury(self) -> None:
        """After the story: takes the dead tasks apart, so that the garbage collector has nothing to say about them."""
        for task in self._remains:
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # it was killed on purpose
            with suppress(BaseException):
                task.get_coro().close()
        self._remains.clear()


class Kernel:
    """Turns the guests' loops in virtual time, one callback after the other."""

    def __init__(self) -> None:
        self.ticks = 0
        self.steps = 0
        self.ready: deque[tuple[Guest, asyncio.Handle]] = deque()
        self.mishaps: list[str] = []
        self.stopped = False
        self._timers: list[Due] = []
        self._order = itertools.count()
        self._guests: list[Guest] = []

    @property
    def now(self) -> float:
        return self.ticks / TICKS

    def guest(self, name: str) -> Guest:
        guest = Guest(self, name)  # type: ignore[abstract]  # it has what a simulation needs of a loop
        self._guests.append(guest)
        return guest

    def schedule(self, due: int, guest: Guest, handle: asyncio.TimerHandle) -> None:
        heapq.heappush(self._timers, (due, next(self._order), guest, handle))

    def run(self, guest: Guest, story: Coroutine[Any, Any, T]) -> T | None:
        """Turns everybody until the story, told on `guest`, has ended; None when it was `stopped` before."""
        task = guest.create_task(story)
        try:
            while not task.done() and not self.stopped:
                self._turn(task)
        finally:
            asyncio._set_running_loop(None)
        return task.result() if task.done() else None

    def freeze(self, guests: Sequence[Guest], seconds: float, *, clock_stops: bool = False) -> None:
        """Turns them no more for so long; `clock_stops`: their monotonic clock sleeps too, as in a suspended VM."""
        span = round(seconds * TICKS)
        until = self.ticks + span
        for guest in guests:
            blocked_until = guest.thaws_at or self.ticks
            guest.thaws_at = blocked_until + span if clock_stops else max(blocked_until, until)
            guest.sleeps += span if clock_stops else 0
            self._guests[0].call_at(guest.thaws_at / TICKS, self._thaw, guest)

    def _thaw(self, guest: Guest) -> None:
        """What waited meanwhile happens at once, in its order."""
        if guest.dead or guest.thaws_at is None or guest.thaws_at > self.ticks:
            return
        slept, guest.sleeps, guest.thaws_at = guest.sleeps, 0, None
        self.ready.extend((guest, handle) for handle in guest.parked)
        guest.parked.clear()
        late, guest.parked_timers = guest.parked_timers, []
        if slept:
            guest.lag += slept
            self._timers = [_moved(entry, guest, slept) for entry in self._timers]
            heapq.heapify(self._timers)
        for entry in late:
            heapq.heappush(self._timers, _moved(entry, guest, slept))

    def stop(self) -> None:
        """The story ends here, told or not."""
        self.stopped = True

    def bury(self) -> None:
        """Kills and takes apart whatever is left of every guest."""
        for guest in self._guests:
            if not guest.dead:
                guest.kill()
            guest.bury()
        self.ready.clear()
        self._timers.clear()

    def _turn(self, task: asyncio.Task[Any]) -> None:
        ready, enter = self.ready, asyncio._set_running_loop
        while ready and not task.done() and not self.stopped:
            guest, handle = ready.popleft()
            if guest.thaws_at is not None:
                guest.parked.append(handle)
            elif not guest.dead and not handle._cancelled:
                self.steps += 1
                enter(guest)
                handle._run()
                enter(None)
        if self.steps > STEPS:
            raise Livelock(f"{STEPS} turns in {self.now:.0f} virtual seconds")
        if not ready and not task.done():
            self._pass_time()

    def _pass_time(self) -> None:
        """Jumps to the next timer."""
        if not self._timers:
            raise Livelock("nothing will ever happen again")
        due, order, guest, handle = heapq.heappop(self._timers)
        if guest.dead or handle._cancelled:
            return
        self.ticks = max(self.ticks, due)
        if guest.thaws_at is not None:
            guest.parked_timers.append((due, order, guest, handle))
        else:
            self.ready.append((guest, handle))


def _moved(entry: Due, guest: Guest, ticks: int) -> Due:
    """The timer that much later, if it is the guest's."""
    due, order, owner, handle = entry
    return (due + ticks, order, owner, handle) if owner is guest else entry
