"""Child processes for handlers that must be killable; one that dies takes only its own job along."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_process

T = TypeVar("T")


class ProcessDied(Exception):
    """The child ended in the middle of its call: a crash in native code, an exit, or out of memory."""


class HandlerProcesses:
    """At most `most` children at once; an idle one takes the next call."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._limiter: anyio.CapacityLimiter | None = None

    async def call(self, function: Callable[[], T]) -> T:
        """Runs a picklable function in a child; cancelling the caller kills the child. Raises ProcessDied."""
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(self._most)
        try:
            return await anyio.to_process.run_sync(function, cancellable=True, limiter=self._limiter)
        except anyio.BrokenWorkerProcess as error:
            raise ProcessDied("The handler's process died: a native crash, an exit, or out of memory.") from error
