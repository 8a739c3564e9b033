"""A handlers' loop that is the test's own, so that one virtual time rules both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cqworker.execution.handler_loop import LoopPosition, RunningCall, Work, do_nothing


class SameLoop:
    """Runs handlers as tasks of the loop that calls it."""

    def call(self, work: Work, thrown: Callable[[], None] = do_nothing) -> RunningCall:
        task = asyncio.get_running_loop().create_task(work())
        return RunningCall(task, lambda: _cancel(task, thrown))

    def silent_for(self) -> float:
        return 0.0

    def position(self) -> LoopPosition:
        return LoopPosition()

    async def close(self) -> None:
        return None


def _cancel(task: asyncio.Task[object], thrown: Callable[[], None]) -> None:
    if task.cancel():
        thrown()
