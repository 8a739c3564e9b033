"""One process of a story."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from cqworker.events import Event
from cqworker.jobs.hand_over import HandOvers
from cqworker.jobs.operator_actions import OperatorActions
from cqworker.jobs.submit import Submitter
from cqworker.jobs.waiters import Waiters
from cqworker.scheduling.sweep_leases import SweepLeases
from cqworker.scheduling.sweeper import Sweeper
from cqworker.settings import Settings
from cqworker.worker.assembly import Dependencies, context_of, queues_of
from cqworker.worker.worker import Worker
from tests.flow.faults import FaultyArtifacts, FaultyQueue, FaultyStore

E = TypeVar("E")


@dataclass(frozen=True, kw_only=True)
class Host:
    """One process: its lines to the world, what it remembers, what it told."""

    name: str
    store: FaultyStore
    queues: Mapping[str, FaultyQueue]
    artifacts: FaultyArtifacts
    waiters: Waiters
    ground: Dependencies
    settings: Settings
    events: list[Event]
    workers: list[Worker]
    loops: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def queue(self) -> FaultyQueue:
        return self.queues["jobs"]

    @property
    def worker(self) -> Worker:
        return self.workers[0]

    @property
    def submitter(self) -> Submitter:
        ground, settings = self.ground, self.settings
        queues = queues_of(ground, settings)
        parts = (context_of(ground, settings), ground.registry, queues, ground.artifacts)
        return Submitter(*parts, inline_limit=settings.artifacts.inline_limit)

    @property
    def sweeper(self) -> Sweeper:
        """One with leases of its own: a story that wants a lasting one keeps it."""
        context = context_of(self.ground, self.settings, self.name)
        hand_overs = HandOvers(context, queues_of(self.ground, self.settings))
        return Sweeper(
            self.ground.schedule, context, hand_overs, SweepLeases(self.ground.schedule, context.clock, self.name)
        )

    @property
    def operator(self) -> OperatorActions:
        queues = queues_of(self.ground, self.settings)
        cancel_here = self.worker.cancel_here if self.workers else lambda _: None
        return OperatorActions(context_of(self.ground, self.settings), queues, self.waiters, cancel_here)

    async def drain(self, seconds: float = 25.0, hurry: asyncio.Event | None = None) -> None:
        await self.worker.drain(seconds, hurry or asyncio.Event())
        await self.worker.close()
        for loop in self.loops:
            loop.cancel()

    def seen(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]
