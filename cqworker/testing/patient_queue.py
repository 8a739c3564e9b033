"""A queue in memory whose long polls last until there is something: a story of a month need not poll all the month."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cqworker.clock import Clock
from cqworker.ports import Delivery
from cqworker.testing.memory_ports import MemoryQueue

PATIENCE = 100 * 86_400
"""Seconds that a long poll lasts where nothing comes; SQS answers after 20, and is asked again."""


class PatientQueue(MemoryQueue):
    """As MemoryQueue; an empty poll ends when its time is over, or when end_polls() is called."""

    def __init__(
        self, name: str, clock: Clock, *, dead_letters: MemoryQueue | None = None, max_receive_count: int = 1000
    ) -> None:
        super().__init__(name, clock, dead_letters=dead_letters, max_receive_count=max_receive_count)
        self._ended = asyncio.Event()

    def end_polls(self) -> None:
        """Answers every poll that waits, with nothing: its worker may be asked to stop."""
        self._ended.set()
        self._ended = asyncio.Event()

    async def receive(self, limit: int, wait: int, visibility: int) -> Sequence[Delivery]:
        """As MemoryQueue's, but for the end of a wait."""
        if not wait:
            return await super().receive(limit, wait, visibility)
        received = asyncio.ensure_future(super().receive(limit, PATIENCE, visibility))
        ended = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait({received, ended}, return_when=asyncio.FIRST_COMPLETED)
            return received.result() if received.done() else ()
        finally:
            received.cancel()
            ended.cancel()
