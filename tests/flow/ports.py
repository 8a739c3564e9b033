"""The ports in memory, as stories need them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cqworker.clock import Clock
from cqworker.model.writes import Change, Refused, Written
from cqworker.ports import Delivery
from cqworker.testing import MemoryQueue, MemoryStore

POLL = 0.05
"""Seconds of a real time, in which no stop shall wait for a poll."""


class BriskQueue(MemoryQueue):
    """For real time: ends a long poll early, as SQS may do."""

    async def receive(self, limit: int, wait: int, visibility: int) -> Sequence[Delivery]:
        try:
            async with asyncio.timeout(POLL):
                return await super().receive(limit, wait, visibility)
        except TimeoutError:
            return []


class ToldStore(MemoryStore):
    """A store that tells of every write."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._waiters: list[asyncio.Future[None]] = []

    async def write(self, change: Change) -> Written | Refused:
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
