"""A semaphore that is first come, first served: asyncio's would do, but each acquire of it costs a coroutine."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress


class FairSemaphore:
    """Lets `limit` callers in at a time, the others in the order in which they came."""

    __slots__ = ("_free", "_waiting")

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: deque[asyncio.Future[None]] = deque()

    def try_acquire(self) -> bool:
        """Takes a slot if one is free, and says whether; nobody waits while one is free."""
        if not self._free:
            return False
        self._free -= 1
        return True

    async def acquire(self) -> None:
        """Waits for a slot; what is cancelled meanwhile has none."""
        slot = asyncio.get_running_loop().create_future()
        self._waiting.append(slot)
        try:
            await slot
        except asyncio.CancelledError:
            if slot.cancelled():
                with suppress(ValueError):
                    self._waiting.remove(slot)
            else:  # it was given in the moment in which its owner gave up
                self.release()
            raise

    def release(self) -> None:
        """Gives a slot back: to whoever has waited longest, if anybody does."""
        while self._waiting:
            slot = self._waiting.popleft()
            if not slot.done():
                slot.set_result(None)
                return
        self._free += 1
