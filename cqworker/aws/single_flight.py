"""Work with the same outcome for all who want it: while it is under way, others wait for it with the first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Run(Generic[T]):
    """One time that the work is done, and how many wait for it."""

    task: asyncio.Task[T]
    waiting: int = 0


class Shared(Generic[T]):
    """Does `work` when somebody asks for its outcome, once for all who ask meanwhile; nothing is remembered."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._work = work
        self._run: Run[T] | None = None

    async def outcome(self, seconds: float) -> T:
        """What the work returns or raises; raises TimeoutError when that takes longer than `seconds`.

        Who waits no more takes nothing from the others; the last one to leave ends the work.
        """
        run = self._run
        if run is None or run.task.done():
            run = self._run = Run(asyncio.get_running_loop().create_task(self._work()))
        run.waiting += 1
        try:
            await asyncio.wait({run.task}, timeout=seconds)
            if not run.task.done():
                raise TimeoutError
            return run.task.result()
        finally:
            run.waiting -= 1
            if not run.waiting:
                await self._end(run)

    async def _end(self, run: Run[T]) -> None:
        if self._run is run:
            self._run = None
        if run.task.cancel():
            await asyncio.wait({run.task})
        if not run.task.cancelled():
            run.task.exception()  # the loop complains of errors that nobody has seen
