"""Child processes for handlers that must be killable; one that dies takes only its own job along."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_process

T = TypeVar("T")
STILLBORN = "Error during worker process initialization"
"""How anyio tells a process that never became ready from one that ended in a call."""


class ProcessDied(Exception):
    """The child ended in the middle of its call: a crash in native code, an exit, or out of memory."""


class ProcessNotStarted(Exception):
    """There was no process for the call, which was not made."""


class HandlerProcesses:
    """At most `most` children at once; an idle one takes the next call."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._limiter: anyio.CapacityLimiter | None = None

    async def call(self, function: Callable[[], T]) -> T:
        """Runs a picklable function in a child; cancelling the caller kills the child.

        Raises ProcessDied, and ProcessNotStarted where the call was not made.
        """
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(self._most)
        try:
            return await anyio.to_process.run_sync(function, cancellable=True, limiter=self._limiter)
        except (OSError, RuntimeError) as error:  # no memory, process, descriptor, or thread to wait for its end
            raise ProcessNotStarted(str(error)) from error
        except anyio.BrokenWorkerProcess as error:
            if str(error) == STILLBORN:
                raise ProcessNotStarted("it ended before it was ready") from error
            raise ProcessDied("The handler's process died: a native crash, an exit, or out of memory.") from error
