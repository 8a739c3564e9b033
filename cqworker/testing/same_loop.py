"""A handlers' loop that is the test's own, so that one virtual time rules both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cqworker.execution.handler_loop import LoopPosition, RunningCall, Work, do_nothing


class SameLoop:
    """Runs handlers as tasks of the loop that calls it."""

    def call(self, work: Work, thrown: Callable[[], None] = do_nothing) -> RunningCall:
        """Starts a task for the work; `thrown` is called when a cancel is thrown into it."""
        task = asyncio.get_running_loop().create_task(work())
        return RunningCall(task, lambda: _cancel(task, thrown))

    def silent_for(self) -> float:
        """Seconds since the loop last turned: none, for the test itself runs on it."""
        return 0.0

    def position(self) -> LoopPosition:
        """Nothing is known of where the loop stands."""
        return LoopPosition()

    async def close(self) -> None:
        """Does nothing: the loop is the test's."""


def _cancel(task: asyncio.Task[object], thrown: Callable[[], None]) -> None:
    if task.cancel():
        thrown()
