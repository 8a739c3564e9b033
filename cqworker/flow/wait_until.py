"""Waiting until something holds, told by whoever changes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Notice:
    """Wakes those who wait for a condition whenever it may have come to hold."""

    def __init__(self) -> None:
        self._posted = asyncio.Event()

    def post(self) -> None:
        """Something changed."""
        self._posted.set()

    async def until(self, holds: Callable[[], bool], patience: float | None) -> bool:
        """Whether the condition came to hold within `patience` seconds; None waits for ever."""
        if holds():
            return True
        try:
            async with asyncio.timeout(patience):
                while not holds():
                    self._posted.clear()
                    await self._posted.wait()
        except TimeoutError:
            return False
        return True
