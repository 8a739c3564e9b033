"""How many jobs of one type may run at once in this worker."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from cqworker.flow.letting_go import Hide
from cqworker.plugins.registry import Registry

PATIENCE = 1.0
"""Seconds a message waits for its type's turn before it is given back, unclaimed and uncounted."""


class TypeLimits:
    """The `concurrency` of each type, where it has one."""

    def __init__(self, registry: Registry, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._rooms = {
            handler.type: asyncio.Semaphore(handler.concurrency)
            for handler in registry.handlers.values()
            if handler.concurrency is not None
        }

    @asynccontextmanager
    async def room(self, job_type: str) -> AsyncIterator[bool]:
        """Whether one more job of this type may run while the block lasts."""
        gate = self._rooms.get(job_type)
        if gate is None:
            yield True
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await gate.acquire()
        except TimeoutError:
            yield False
            return
        try:
            yield True
        finally:
            gate.release()

    def later(self) -> Hide:
        """When a message that found no room comes again: one to five seconds, spread by chance."""
        return Hide(1.0 + 4.0 * self._chance())
