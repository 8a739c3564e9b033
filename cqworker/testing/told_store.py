"""A store in memory for whoever waits for what is written there."""

from __future__ import annotations

import asyncio

from cqworker.clock import Clock
from cqworker.model.writes import Change, Refused, Written
from cqworker.testing.memory_ports import MemoryStore


class ToldStore(MemoryStore):
    """A store that tells of every write."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._waiters: list[asyncio.Future[None]] = []

    async def write(self, change: Change) -> Written | Refused:
        """As MemoryStore's; whoever waits for a write goes on."""
        answer = await super().write(change)
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        return answer

    async def written(self) -> None:
        """Returns at the next write."""
        self._waiters.append(asyncio.get_running_loop().create_future())
        await self._waiters[-1]
