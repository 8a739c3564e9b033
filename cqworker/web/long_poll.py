"""Where requests wait for a job to end: until it does, their client leaves, or the house closes."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from aiohttp import web

from cqworker.model.record import JobRecord
from cqworker.web.client_connection import connection_of
from cqworker.web.connection_limit import Wait

GLANCE = 1.0
"""Seconds between two looks at whether the client is still there."""


class WaitingRoom:
    """Holds the waits that run, so that all can be let go at once."""

    def __init__(self) -> None:
        self._waits: set[asyncio.Task[JobRecord]] = set()
        self._is_closed = False

    def close(self) -> None:
        """Lets everybody go, and nobody wait any more: the daemon is draining."""
        self._is_closed = True
        for wait in self._waits:
            wait.cancel()

    async def hold(self, request: web.Request, wait: Coroutine[Any, Any, JobRecord]) -> JobRecord | None:
        """What the wait returns; None when it was let go, or when the client of `request` went away."""
        if self._is_closed:
            wait.close()
            return None
        task = asyncio.ensure_future(wait)
        self._waits.add(task)
        try:
            with connection_of(request).waiting(Wait.END, lambda: _let_go(task)):
                while not task.done() and request.transport is not None:
                    await asyncio.wait({task}, timeout=GLANCE)
        finally:
            self._waits.discard(task)
            task.cancel()
        return await _ended(task)


def _let_go(task: asyncio.Task[JobRecord]) -> None:
    task.cancel()


async def _ended(task: asyncio.Task[JobRecord]) -> JobRecord | None:
    """The task's result, or None once it has really stopped after its cancellation."""
    await asyncio.wait({task})
    return None if task.cancelled() else task.result()
