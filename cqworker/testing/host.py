"""One process of a world in memory: its lines to the services, its worker, and what it told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from cqworker.events import Event
from cqworker.jobs.hand_over import HandOvers
from cqworker.jobs.operator_actions import OperatorActions
from cqworker.jobs.submit import Submitter
from cqworker.jobs.waiters import Waiters
from cqworker.scheduling.sweep_leases import SweepLeases
from cqworker.scheduling.sweeper import SWEEP_EVERY, Pace, Sweeper
from cqworker.settings import Settings
from cqworker.testing.faulty_ports import FaultyArtifacts, FaultyQueue, FaultyStore
from cqworker.testing.mishaps import Mishaps
from cqworker.worker.assembly import Dependencies, context_of, lists_of, queues_of
from cqworker.worker.worker import Worker

E = TypeVar("E")


@dataclass(frozen=True, kw_only=True)
class Host:
    """One process: its lines to the services, its worker if it has one, and the events that it told of.

    `loops` are the tasks that go on beside the worker until the host has drained; `sweep_every` is in seconds.
    """

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
    sweep_every: float = SWEEP_EVERY

    @property
    def queue(self) -> FaultyQueue:
        """The line to the first queue."""
        return self.queues[self.settings.queues[0].name]

    def lines_to(self, service: Literal["queue", "store", "artifacts"]) -> Sequence[Mishaps]:
        """The lines to a service of this kind."""
        lines: dict[str, Sequence[Mishaps]] = {"store": [self.store], "artifacts": [self.artifacts]}
        return lines.get(service) or list(self.queues.values())

    @property
    def worker(self) -> Worker:
        """The worker of a host that was set to work."""
        return self.workers[0]

    @property
    def submitter(self) -> Submitter:
        """Takes jobs in."""
        ground, settings = self.ground, self.settings
        queues = queues_of(ground, settings)
        parts = (context_of(ground, settings), ground.registry, queues, ground.artifacts)
        return Submitter(*parts, inline_limit=settings.artifacts.inline_limit)

    @property
    def sweeper(self) -> Sweeper:
        """A new one with leases of its own: whoever wants a lasting one keeps it."""
        context = context_of(self.ground, self.settings, self.name)
        hand_overs = HandOvers(context, queues_of(self.ground, self.settings))
        leases = SweepLeases(self.ground.schedule, context.clock, self.name)
        lists = lists_of(self.ground, self.settings)
        return Sweeper(self.ground.schedule, context, hand_overs, leases, lists, Pace(every=self.sweep_every))

    @property
    def operator(self) -> OperatorActions:
        """What people may do to jobs, done by this process."""
        queues = queues_of(self.ground, self.settings)
        cancel_here = self.worker.cancel_here if self.workers else lambda *_: None
        return OperatorActions(context_of(self.ground, self.settings), queues, self.waiters, cancel_here)

    async def drain(self, seconds: float = 25.0, hurry: asyncio.Event | None = None) -> None:
        """Ends the worker as SIGTERM does, within so many seconds, and everything beside it."""
        await self.worker.drain(seconds, hurry or asyncio.Event())
        await self.worker.close()
        for loop in self.loops:
            loop.cancel()
        await asyncio.gather(*self.loops, return_exceptions=True)

    def seen(self, kind: type[E]) -> list[E]:
        """The events of this class, oldest first."""
        return [event for event in self.events if isinstance(event, kind)]
