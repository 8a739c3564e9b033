"""The second event loop, in a thread of its own: a handler that blocks it hurts handlers, never leases or HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Protocol

from cqworker.execution.stack_location import location_of

Work = Callable[[], Coroutine[Any, Any, Any]]
CLOSE_SECONDS = 0.5
"""Seconds the loop is given to end: a handler that still blocks it was told to stop and has had its grace."""


def do_nothing() -> None:
    """The callback of a call that needs none."""


class RunningCall:
    """One run of a handler, seen from the main loop; `begun` where its work begins later than the call was made."""

    __slots__ = ("_cancel", "begun", "ended")

    def __init__(
        self, ended: asyncio.Future[Any], cancel: Callable[[], None], begun: asyncio.Future[None] | None = None
    ) -> None:
        self.ended: asyncio.Future[Any] = ended
        self.begun: asyncio.Future[None] | None = begun
        self._cancel = cancel

    def cancel(self) -> None:
        """Asks the coroutine to stop; `ended` tells when it has."""
        self._cancel()


@dataclass(frozen=True, slots=True)
class LoopPosition:
    """What the loop is at: `ended` of the call whose own task runs there, and the `file:line` it has come to.

    None and "" where that is not known: a callback runs, or a task that a handler made, or nothing at all.
    """

    ended: asyncio.Future[Any] | None = None
    place: str = ""


class HandlerLoop(Protocol):
    """Where `async def` handlers run."""

    def call(self, work: Work, on_thrown: Callable[[], None] = do_nothing) -> RunningCall:
        """Starts the coroutine; its future belongs to the calling loop.

        `on_thrown` is called where the coroutine runs, once a cancel() of the call can no longer miss it.
        """
        ...

    def silent_for(self) -> float:
        """Seconds since the loop last turned."""
        ...

    def position(self) -> LoopPosition:
        """What runs there at this moment; for when it has been silent."""
        ...

    async def close(self) -> None:
        """Cancels what still runs there and ends the loop."""
        ...


class _ThreadBridge:
    """Hands callables from one loop to another thread's, all of one turn at once, in the context it was made in.

    A wake-up lets the other thread run at once, which takes the interpreter's lock away: one for each callable would
    cost two switches of threads a job instead of two for as many jobs as a turn brings.
    """

    def __init__(self, here: asyncio.AbstractEventLoop, there: asyncio.AbstractEventLoop) -> None:
        self._contexts = copy_context(), copy_context()  # of both sides, for two threads cannot be in one
        self._here = here
        self._there = there
        self._callbacks: list[Callable[[], None]] = []

    def post(self, callback: Callable[[], None]) -> None:
        """Called on the loop `here` alone."""
        if not self._callbacks:
            self._here.call_soon(self._send, context=self._contexts[0])  # not in that of the job that came first
        self._callbacks.append(callback)

    def _send(self) -> None:
        callbacks, self._callbacks = self._callbacks, []
        with contextlib.suppress(RuntimeError):  # that loop is closed: nothing waits there any more
            self._there.call_soon_threadsafe(self._run_callbacks, callbacks, context=self._contexts[1])

    def _run_callbacks(self, callbacks: list[Callable[[], None]]) -> None:
        """A callback that fails is reported by the loop, and keeps no other from being called."""
        for place, callback in enumerate(callbacks):
            try:
                callback()
            except BaseException:
                self._there.call_soon(self._run_callbacks, callbacks[place + 1 :])
                raise


class ThreadedLoop:
    """An event loop in a daemon thread; a pulse of ours tells whether it still turns.

    It turns until it is closed: SystemExit or KeyboardInterrupt out of a handler's task, and a handler that stops the
    running loop, end a turn and neither the loop nor its tasks. It turns for a task of its own: libraries that keep
    something for as long as a loop's main task lives (anyio its threads and processes) would else take a job's for it.
    """

    PULSE = 1.0
    """Seconds between two looks at whether the loop still turns."""

    def __init__(self, new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop) -> None:
        self._main = asyncio.get_running_loop()
        self._loop = new_loop()
        self._closing = asyncio.Event()
        self._to_handlers = _ThreadBridge(self._main, self._loop)
        self._to_main = _ThreadBridge(self._loop, self._main)
        self._turned = self._main.time()
        self._tasks: dict[asyncio.Task[Any], asyncio.Future[Any]] = {}
        self._thread = threading.Thread(target=self._serve, name="handlers", daemon=True)
        self._thread.start()
        self._pulse = self._main.call_later(self.PULSE, self._ping)

    def call(self, work: Work, on_thrown: Callable[[], None] = do_nothing) -> RunningCall:
        """As HandlerLoop has it."""
        call = _LoopCall(self._main.create_future(), work, self, on_thrown)
        self._to_handlers.post(call.start)
        return call

    def silent_for(self) -> float:
        """Seconds since the pulse was due that has not come yet."""
        return max(0.0, self._main.time() - self._turned - self.PULSE)

    def position(self) -> LoopPosition:
        """As HandlerLoop has it; called from the main thread."""
        task = asyncio.current_task(self._loop)
        return LoopPosition(None if task is None else self._tasks.get(task), location_of(self._thread.ident, __file__))

    async def close(self) -> None:
        """Cancels what still runs and stops the loop; a blocked one is left to its daemon thread."""
        self._pulse.cancel()
        self._to_handlers.post(self._stop)
        for _ in range(round(CLOSE_SECONDS / 0.01)):
            if not self._thread.is_alive():
                return
            await asyncio.sleep(0.01)

    def _serve(self) -> None:
        main = self._loop.create_task(self._run_until_closed())
        while not main.done():
            try:
                self._loop.run_until_complete(main)
            except (KeyboardInterrupt, SystemExit) as error:
                context = {"message": "a handler tried to end the loop of all handlers", "exception": error}
                self._loop.default_exception_handler(context)  # a handler may have set one that exits, too
            except RuntimeError:  # a handler stopped the loop
                if main.done():
                    raise
        self._loop.close()

    async def _run_until_closed(self) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(asyncio.CancelledError):  # a handler that cancels all tasks it finds
                await self._closing.wait()
        await self._shut_down()

    def _stop(self) -> None:
        self._closing.set()

    async def _shut_down(self) -> None:
        """Cancels and awaits what is left on the loop, and ends what asyncio keeps for it."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._loop.shutdown_asyncgens()
        await self._loop.shutdown_default_executor()

    def begin(self, call: _LoopCall, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Called on the handlers' loop: its work begins there."""
        task = self._loop.create_task(work)
        self._tasks[task] = call.ended
        task.add_done_callback(call.finish)
        return task

    def end(self, task: asyncio.Task[Any], copy_end: Callable[[], None]) -> None:
        """Called on the handlers' loop: its work has ended, which `copy_end` passes on there."""
        self._tasks.pop(task, None)
        self._to_main.post(copy_end)

    def cancel(self, stop: Callable[[], None]) -> None:
        """Calls `stop` on the handlers' loop."""
        self._to_handlers.post(stop)

    def _ping(self) -> None:
        self._to_handlers.post(lambda: self._to_main.post(self._pong))

    def _pong(self) -> None:
        self._turned = self._main.time()
        self._pulse = self._main.call_later(self.PULSE, self._ping)


class _LoopCall(RunningCall):
    """A call under way: started on the handlers' loop, its end copied to a future of the main one."""

    __slots__ = ("_loop", "_on_thrown", "_task", "_work")

    def __init__(
        self, ended: asyncio.Future[Any], work: Work, loop: ThreadedLoop, on_thrown: Callable[[], None]
    ) -> None:
        self.ended = ended
        self.begun: asyncio.Future[None] | None = None
        self._work = work
        self._on_thrown = on_thrown
        self._loop = loop
        self._task: asyncio.Task[Any] | None = None

    def cancel(self) -> None:
        """As RunningCall has it."""
        self._loop.cancel(self._stop)

    def start(self) -> None:
        """What fails before there is a coroutine fails inside the task, whose end is copied to `ended`."""
        begin = self._work
        del self._work  # it leads to the run, and the run leads here: only a collector would free them
        try:
            work = begin()
        except BaseException as error:  # noqa: BLE001 - SystemExit, too, is the call's end alone
            work = _fail(error)
        self._task = self._loop.begin(self, work)

    def finish(self, task: asyncio.Task[Any]) -> None:
        """Called on the handlers' loop: the task has ended."""
        self._loop.end(task, self._copy_end)

    def _copy_end(self) -> None:
        assert self._task is not None
        copy_result(self._task, self.ended)

    def _stop(self) -> None:
        """A task that is not done yet meets CancelledError at its next step, whatever it waits for."""
        if self._task is not None and self._task.cancel():
            self._on_thrown()


async def _fail(error: BaseException) -> Any:
    raise error


def copy_result(task: asyncio.Future[Any], ended: asyncio.Future[Any]) -> None:
    """The end of one future becomes that of another, which may be done or given up already."""
    if ended.done():
        return
    if task.cancelled():
        ended.cancel()
    elif (error := task.exception()) is not None:
        ended.set_exception(error)
    else:
        ended.set_result(task.result())
