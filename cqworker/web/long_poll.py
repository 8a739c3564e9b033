"""Requests that wait for a job to end: until it does, their client leaves, or the daemon drains."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from aiohttp import web

from cqworker.model.record import JobRecord
from cqworker.web.client_connection import connection_of
from cqworker.web.connection_limit import Wait

CHECK_EVERY = 1.0
"""Seconds between two checks whether the client is still there."""


class LongPolls:
    """The waits that run, so that all can be ended at once."""

    def __init__(self) -> None:
        self._polls: set[asyncio.Task[JobRecord]] = set()
        self._is_closed = False

    def close(self) -> None:
        """Ends all waits, and every later one at once: the daemon is draining."""
        self._is_closed = True
        for wait in self._polls:
            wait.cancel()

    async def hold(self, request: web.Request, wait: Coroutine[Any, Any, JobRecord]) -> JobRecord | None:
        """What the wait returns; None when it was ended early, or when the client of `request` went away."""
        if self._is_closed:
            wait.close()
            return None
        task = asyncio.ensure_future(wait)
        self._polls.add(task)
        try:
            with connection_of(request).waiting(Wait.END, lambda: _cancel(task)):
                while not task.done() and request.transport is not None:
                    await asyncio.wait({task}, timeout=CHECK_EVERY)
        finally:
            self._polls.discard(task)
            task.cancel()
        return await _result_of(task)


def _cancel(task: asyncio.Task[JobRecord]) -> None:
    task.cancel()


async def _result_of(task: asyncio.Task[JobRecord]) -> JobRecord | None:
    """The task's result, or None once it has really stopped after its cancellation."""
    await asyncio.wait({task})
    return None if task.cancelled() else task.result()
