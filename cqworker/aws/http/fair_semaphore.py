"""Who goes next: asyncio's semaphore would do, but its every turn costs a coroutine."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress


class Turns:
    """Lets `limit` callers in at a time, the others in the order in which they came."""

    __slots__ = ("_free", "_waiting")

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take(self) -> bool:
        """A turn at once, if there is one; nobody waits while one is free."""
        if not self._free:
            return False
        self._free -= 1
        return True

    async def wait(self) -> None:
        """A turn when it comes."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with suppress(ValueError):
                    self._waiting.remove(turn)
            else:  # it came in the moment in which its owner gave up
                self.pass_on()
            raise

    def pass_on(self) -> None:
        """Ends a turn: it is the next one's, or free."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
