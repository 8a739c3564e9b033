"""Threads and processes of handlers for which virtual time stands still: what they do takes real time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from cqworker.children.child_pool import CallEnd, ChildPool, PendingCall
from cqworker.execution.thread_pool import HandlerThreads
from cqworker.testing.virtual_time import VirtualTimeLoop


class HeldThreads(HandlerThreads):
    """Threads that hold the loop's time until each call has ended."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def call(self, function: Callable[[], Any]) -> asyncio.Future[Any]:
        """As HandlerThreads', while time stands still."""
        ended = super().call(function)
        self._loop.hold()
        ended.add_done_callback(lambda _: self._loop.release())
        return ended


class HeldChildren(ChildPool):
    """Child processes that hold the loop's time until each call has ended."""

    def __init__(self, loop: VirtualTimeLoop, max_children: int) -> None:
        super().__init__(max_children)
        self._loop = loop

    def call(
        self,
        request: bytes,
        on_end: Callable[[CallEnd], None],
        *,
        timeout: float | None = None,
        on_begin: Callable[[], None] = lambda: None,
    ) -> PendingCall:
        """As ChildPool's, while time stands still."""
        self._loop.hold()

        def end(ending: CallEnd) -> None:
            on_end(ending)
            with suppress(RuntimeError):  # the loop is closed, and nobody's time goes on
                self._loop.call_soon_threadsafe(self._loop.release)

        return super().call(request, end, timeout=timeout, on_begin=on_begin)
