"""The queue in memory for stories in real time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cqworker.ports import Delivery
from cqworker.testing import MemoryQueue

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
