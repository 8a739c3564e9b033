"""What a handler keeps for all its jobs: entered once on the handlers' loop, left after the drain."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from contextlib import AbstractAsyncContextManager
from contextvars import copy_context
from typing import Any

from cqworker.plugins.exception_text import summary_of
from cqworker.plugins.handler import Lifespan
from cqworker.plugins.loaded_handlers import Handler


class LifespanFailed(Exception):
    """A lifespan could not be entered; the text says what it raised."""


class Lifespans:
    """Each lifespan is entered once, however many types share it.

    It lives in a task of its own, for some context managers must be left where they were entered.
    """

    def __init__(self) -> None:
        self._open: dict[Hashable, asyncio.Future[Any]] = {}
        self._closing: asyncio.Event | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._context = copy_context()

    async def state(self, handler: Handler) -> Any:
        """The value of the handler's lifespan, which is entered at the first call.

        Raises LifespanFailed where it cannot be entered; the next call tries again.
        """
        if handler.lifespan is None:
            return None
        key = _identity(handler.lifespan)
        state = self._open.get(key)
        if state is None or (state.done() and state.exception() is not None):
            state = self._open[key] = self._enter(handler.lifespan)
        return await asyncio.shield(state)

    async def close(self) -> None:
        """Leaves every lifespan and waits for it."""
        if self._closing is not None:
            self._closing.set()
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _enter(self, lifespan: Lifespan) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        if self._closing is None:
            self._closing = asyncio.Event()
        state: asyncio.Future[Any] = loop.create_future()
        work = self._live(lifespan, state, self._closing)
        task = loop.create_task(work, context=self._context.copy())  # not that of the job that happens to need it first
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return state

    async def _live(self, lifespan: Lifespan, state: asyncio.Future[Any], closing: asyncio.Event) -> None:
        try:
            async with _manager(lifespan) as value:
                state.set_result(value)
                await closing.wait()
        except BaseException as error:  # noqa: BLE001 - SystemExit would end the loop that all handlers share
            if not state.done():
                state.set_exception(error if isinstance(error, LifespanFailed) else LifespanFailed(summary_of(error)))


def _manager(lifespan: Lifespan) -> AbstractAsyncContextManager[Any]:
    """What it gives; a function can hide until it is called that this is of the wrong kind."""
    manager: object = lifespan()
    if not isinstance(manager, AbstractAsyncContextManager):
        raise LifespanFailed("it is no async context manager (@asynccontextmanager)")
    return manager


def _identity(lifespan: Lifespan) -> Hashable:
    """What types with the same lifespan have in common."""
    try:
        hash(lifespan)
    except Exception:  # noqa: BLE001 - an author's object need not have a hash
        return id(lifespan)
    return lifespan
