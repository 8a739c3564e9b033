"""Starts again what died, as systemd or an orchestrator would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.chaos.fleet import Fleet, Member


class Supervisor:
    """Keeps as many workers alive as there were when it took over; `restarts` counts the deaths."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.restarts = 0

    async def keep(self, member: Member) -> None:
        """Follows one worker and its successors for ever."""
        while True:
            await self._fleet.reap(member)
            self.restarts += 1
            member = await self._fleet.start()


@asynccontextmanager
async def supervised(fleet: Fleet) -> AsyncIterator[Supervisor]:
    """Keeps the fleet's workers alive while the block lasts."""
    supervisor = Supervisor(fleet)
    tasks = [asyncio.create_task(supervisor.keep(member)) for member in fleet.members]
    try:
        yield supervisor
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
