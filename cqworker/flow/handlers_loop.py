"""The second event loop, in a thread of its own: a handler that blocks it hurts handlers, never leases or HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

Work = Callable[[], Coroutine[Any, Any, Any]]


class Call:
    """One coroutine on the handlers' loop, seen from the main loop."""

    __slots__ = ("_cancel", "ended")

    def __init__(self, ended: asyncio.Future[Any], cancel: Callable[[], None]) -> None:
        self.ended = ended
        self._cancel = cancel

    def cancel(self) -> None:
        """Asks the coroutine to stop; `ended` tells when it has."""
        self._cancel()


class HandlersLoop(Protocol):
    """Where `async def` handlers run."""

    def call(self, work: Work) -> Call:
        """Starts the coroutine; its future belongs to the calling loop."""
        ...

    def silent_for(self) -> float:
        """Seconds since the loop last turned."""
        ...

    async def close(self) -> None: ...


class _Crossing:
    """Hands callables from one loop to another thread's, all of one turn at once.

    A wake-up lets the other thread run at once, which takes the interpreter's lock away: one for each callable would
    cost two switches of threads a job instead of two for as many jobs as a turn brings.
    """

    def __init__(self, here: asyncio.AbstractEventLoop, there: asyncio.AbstractEventLoop) -> None:
        self._here = here
        self._there = there
        self._parcels: list[Callable[[], None]] = []

    def post(self, parcel: Callable[[], None]) -> None:
        """Called on the loop `here` alone."""
        if not self._parcels:
            self._here.call_soon(self._send)
        self._parcels.append(parcel)

    def _send(self) -> None:
        parcels, self._parcels = self._parcels, []
        with contextlib.suppress(RuntimeError):  # that loop is closed, and nobody waits there any more
            self._there.call_soon_threadsafe(self._unload, parcels)

    def _unload(self, parcels: list[Callable[[], None]]) -> None:
        """A parcel that fails is the loop's to tell, and keeps no other from being opened."""
        for place, parcel in enumerate(parcels):
            try:
                parcel()
            except BaseException:
                self._there.call_soon(self._unload, parcels[place + 1 :])
                raise


class ThreadedLoop:
    """An event loop in a daemon thread; a pulse of ours tells whether it still turns."""

    PULSE = 1.0

    def __init__(self, new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop) -> None:
        self._main = asyncio.get_running_loop()
        self._runner = asyncio.Runner(loop_factory=new_loop)
        self._loop = self._runner.get_loop()
        self._stopped = asyncio.Event()
        self._there = _Crossing(self._main, self._loop)
        self._back = _Crossing(self._loop, self._main)
        self._turned = self._main.time()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(target=self._serve, name="handlers", daemon=True)
        self._thread.start()
        self._pulse = self._main.call_later(self.PULSE, self._ping)

    def call(self, work: Work) -> Call:
        ended: asyncio.Future[Any] = self._main.create_future()
        started: list[asyncio.Task[Any]] = []
        self._there.post(lambda: started.append(self._start(work, ended)))
        return Call(ended, lambda: self._there.post(lambda: _cancel(started)))

    def silent_for(self) -> float:
        return max(0.0, self._main.time() - self._turned - self.PULSE)

    async def close(self) -> None:
        """Cancels what still runs and stops the loop; a blocked one is left to its daemon thread."""
        self._pulse.cancel()
        self._there.post(self._stopped.set)
        for _ in range(200):
            if not self._thread.is_alive():
                return
            await asyncio.sleep(0.01)

    def _serve(self) -> None:
        with self._runner:
            self._runner.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        await self._stopped.wait()

    def _start(self, work: Work, ended: asyncio.Future[Any]) -> asyncio.Task[Any]:
        task = self._loop.create_task(_do(work))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._finish(done, ended))
        return task

    def _finish(self, task: asyncio.Task[Any], ended: asyncio.Future[Any]) -> None:
        self._tasks.discard(task)
        self._back.post(lambda: pass_on(task, ended))

    def _ping(self) -> None:
        self._there.post(lambda: self._back.post(self._pong))

    def _pong(self) -> None:
        self._turned = self._main.time()
        self._pulse = self._main.call_later(self.PULSE, self._ping)


async def _do(work: Work) -> Any:
    """What fails before there is a coroutine fails inside the task, where somebody is told."""
    return await work()


def pass_on(task: asyncio.Future[Any], ended: asyncio.Future[Any]) -> None:
    """The end of one future becomes that of another, which nobody may be waiting for any more."""
    if ended.done():
        return
    if task.cancelled():
        ended.cancel()
    elif (error := task.exception()) is not None:
        ended.set_exception(error)
    else:
        ended.set_result(task.result())


def _cancel(started: list[asyncio.Task[Any]]) -> None:
    for task in started:
        task.cancel()
