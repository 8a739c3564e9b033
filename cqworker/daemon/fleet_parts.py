"""This daemon as a member of its fleet: what it says of itself, what it heeds, and what it measures for all."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cqworker.daemon.observers import Observers
from cqworker.errors import Unavailable
from cqworker.fleet.control_reader import ControlReader
from cqworker.fleet.fleet_meter import FleetMeter, Plan
from cqworker.fleet.fleet_types import hash_of_types
from cqworker.fleet.heartbeats import Heartbeats
from cqworker.ports.fleet import Command, Fleet, Heartbeat, LevelCount, RunningJob, WorkerState
from cqworker.scheduling.sweep_leases import SweepLeases
from cqworker.settings import Settings
from cqworker.web.health_routes import build_info
from cqworker.worker.assembly import Dependencies
from cqworker.worker.release import release_of
from cqworker.worker.worker import Worker

MAX_OLDEST = 32
"""Running jobs that a heartbeat names."""
MEASURED_SHARD = "0"
"""The shard of the index of due jobs whose sweeper measures the fleet: one daemon has it at a time."""
PUBLISH_AGAIN = 10.0
"""Seconds after which types that could not be published are published again."""
STATM = Path("/proc/self/statm")
"""Where Linux says how much memory a process has, in pages (proc(5))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetParts:
    """What belongs to the fleet in one daemon; `drain_asked` is set once somebody asked it to leave."""

    heartbeats: Heartbeats
    reader: ControlReader
    meter: FleetMeter
    drain_asked: asyncio.Event
    publish_types: Callable[[], Awaitable[None]]

    def loops(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """What runs until it is cancelled, each with its name."""
        return [
            ("heartbeat", self.heartbeats.run),
            ("control of the fleet", self.reader.run),
            ("measuring the fleet", self.meter.run),
            ("types of the fleet", self.publish_types),
        ]


class Member:
    """What one daemon says of itself, and how it obeys."""

    def __init__(
        self,
        dependencies: Dependencies,
        settings: Settings,
        roles: frozenset[str],
        name: str,
        worker: Worker | None,
        observers: Observers,
    ) -> None:
        self.dependencies = dependencies
        self._clock = dependencies.clock
        self._health = dependencies.health
        self._control = dependencies.queue_control
        self._worker = worker
        self._observers = observers
        self._queues = settings.queues
        self.drain_asked: asyncio.Event = asyncio.Event()
        self.types: frozenset[str] = frozenset(dependencies.registry.handlers) if worker else frozenset()
        self._always: dict[str, Any] = {
            "worker": name,
            "version": build_info()["version"],
            "release": release_of(settings.worker.release),
            "host": socket.gethostname(),
            "roles": tuple(sorted(roles, reverse=True)),
            "started_at": self._clock.now(),
            "queues": tuple(queue.name for queue in settings.queues) if worker else (),
            "types": hash_of_types(self.types),
        }

    def describe(self) -> Heartbeat:
        """This daemon as it is now."""
        vitals = self._observers.metrics.take_vitals()
        worker = self._worker
        return Heartbeat(
            boot="",
            seen=0,
            state=self._state(),
            slots=worker.capacity.total if worker else 0,
            busy=worker.capacity.taken if worker else 0,
            leases=sum(len(one.leases) for one in worker.queue_workers) if worker else 0,
            oldest=self._oldest(),
            counts=self._observers.stats.counts_by_type(),
            lag=round(vitals.lag * 1000),
            memory=_resident_memory(),
            write_units=round(vitals.write_units),
            read_units=round(vitals.read_units),
            ran=round(vitals.ran * 1000),
            waited=round(vitals.waited * 1000),
            levels=self._levels(),
            **self._always,
        )

    def obey(self, command: Command) -> None:
        """Does what was asked for; a drain is what SIGTERM starts."""
        match command:
            case Command.QUIET:
                self._control.set_quiet(is_quiet=True)
            case Command.RESUME:
                self._control.set_quiet(is_quiet=False)
            case Command.DRAIN:
                self.drain_asked.set()

    def is_busy(self) -> bool:
        """Whether jobs run here."""
        return self._worker is not None and self._worker.capacity.taken > 0

    def _state(self) -> WorkerState:
        if self._health.draining or self.drain_asked.is_set():
            return WorkerState.DRAINING
        return WorkerState.QUIET if self._control.is_quiet else WorkerState.RUNNING

    def _levels(self) -> tuple[LevelCount, ...]:
        queues = [queue for queue in self._queues if queue.priorities and self._worker is not None]
        level_of = self._observers.metrics.level_of
        return tuple(
            LevelCount(level.queue, *level_of(queue.name, level.priority)) for queue in queues for level in queue.levels
        )

    def _oldest(self) -> tuple[RunningJob, ...]:
        now, turned = self._clock.now(), self._clock.monotonic()
        leases = [lease for one in (self._worker.queue_workers if self._worker else ()) for lease in one.leases]
        leases.sort(key=lambda lease: lease.delivery.received_at)
        return tuple(
            RunningJob(lease.job.job_id, lease.job.type, now - round((turned - lease.delivery.received_at) * 1000))
            for lease in leases[:MAX_OLDEST]
        )


def open_fleet(
    fleet: Fleet, member: Member, settings: Settings, observers: Observers, leases: SweepLeases
) -> FleetParts:
    """The parts of the fleet in this daemon; nothing runs yet."""
    clock, emit = member.dependencies.clock, member.dependencies.emit

    def backlog() -> int:
        return sum(
            observers.metrics.depth_of(name).get("visible", 0) for queue in settings.queues for name in queue.queues
        )

    def is_chosen() -> bool:
        return MEASURED_SHARD in leases.shards

    async def publish_types() -> None:
        while member.types:
            try:
                await fleet.publish_types(hash_of_types(member.types), member.types)
            except Unavailable:  # told by the health of its service
                await asyncio.sleep(PUBLISH_AGAIN)
            else:
                return

    plan = Plan(settings.worker.concurrency, settings.fleet.drain_target)
    return FleetParts(
        heartbeats=Heartbeats(fleet, clock, emit, member.describe, member.obey, every=settings.fleet.heartbeat),
        reader=ControlReader(fleet, member.dependencies.queue_control, clock, emit, member.is_busy),
        meter=FleetMeter(fleet, clock, emit, is_chosen, backlog, plan),
        drain_asked=member.drain_asked,
        publish_types=publish_types,
    )


def _resident_memory() -> int:
    """Bytes; 0 where the system does not say."""
    try:
        return int(STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
