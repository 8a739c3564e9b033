"""Waiting: for a condition, for a moment unless something comes first, for work that may never end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Condition:
    """Wakes those who wait until something holds, whenever it may have come to hold."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def notify(self) -> None:
        """Something changed."""
        self._changed.set()

    async def wait_for(self, holds: Callable[[], bool], timeout: float | None) -> bool:
        """Whether the condition came to hold within `timeout` seconds; None waits for ever."""
        if holds():
            return True
        try:
            async with asyncio.timeout(timeout):
                while not holds():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True


async def sleep_unless(event: asyncio.Event, seconds: float) -> None:
    """Sleeps, and no longer once the event is set."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


async def wait_for_end(work: Awaitable[object], seconds: float, stop_now: asyncio.Event, grace: float) -> None:
    """Waits for the work, `seconds` at most and `grace` seconds at most once `stop_now` is set; then it is cancelled.

    What raises in it is reported by the loop, and is no reason to leave anything else undone.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + max(0.0, seconds)
    working, hurried = asyncio.ensure_future(work), asyncio.ensure_future(stop_now.wait())
    await asyncio.wait([working, hurried], timeout=end - loop.time(), return_when=asyncio.FIRST_COMPLETED)
    left = min(grace, end - loop.time())
    if not working.done() and left > 0:
        await asyncio.wait([working], timeout=left)
    for wait in (working, hurried):
        wait.cancel()
