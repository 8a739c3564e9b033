"""Waiting for work that may never end, and less long once somebody is in a hurry."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable


async def wait_for_end(work: Awaitable[object], seconds: float, hurry: asyncio.Event, grace: float) -> None:
    """Waits for the work, `seconds` at most and `grace` at most once `hurry` is set; then it is cancelled.

    What raises in it is told by the loop, and is no reason to leave anything else undone.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + max(0.0, seconds)
    working, hurried = asyncio.ensure_future(work), asyncio.ensure_future(hurry.wait())
    await asyncio.wait([working, hurried], timeout=end - loop.time(), return_when=asyncio.FIRST_COMPLETED)
    left = min(grace, end - loop.time())
    if not working.done() and left > 0:
        await asyncio.wait([working], timeout=left)
    for wait in (working, hurried):
        wait.cancel()
