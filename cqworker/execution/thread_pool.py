"""Threads for `def` handlers: daemons, so that one that never ends cannot keep the process from ending."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any

_Call = tuple[Callable[[], Any], "asyncio.Future[Any]", asyncio.AbstractEventLoop]


class ThreadNotStarted(Exception):
    """The system had no thread left for the call, which was not made."""


class HandlerThreads:
    """As many threads as there are calls at once; an idle one takes the next call."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._count = 0

    def call(self, function: Callable[[], Any]) -> asyncio.Future[Any]:
        """Runs the function in a thread; the future belongs to the calling loop and cannot stop the thread.

        Raises ThreadNotStarted.
        """
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[Any] = loop.create_future()
        if not self._idle.acquire(blocking=False):
            self._add()
        self._calls.put((function, ended, loop))  # not before a thread is sure, or another would take it up much later
        return ended

    def _add(self) -> None:
        try:
            threading.Thread(target=self._serve, name=f"handler-{self._count + 1}", daemon=True).start()
        except RuntimeError as error:
            raise ThreadNotStarted(str(error)) from error
        self._count += 1

    def close(self) -> None:
        """Lets the idle threads end."""
        for _ in range(self._count):
            self._calls.put(None)

    def _serve(self) -> None:
        while (call := self._calls.get()) is not None:
            function, ended, loop = call
            try:
                result, error = function(), None
            except BaseException as raised:  # noqa: BLE001 - SystemExit of a handler ends its job, not its thread
                result, error = None, raised
            self._idle.release()
            with contextlib.suppress(RuntimeError):  # the worker went away before its handler ended
                loop.call_soon_threadsafe(_finish, ended, result, error)


def _finish(ended: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if ended.done():
        return
    if error is None:
        ended.set_result(result)
    else:
        ended.set_exception(error)
