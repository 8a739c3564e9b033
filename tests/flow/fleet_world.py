"""A world whose hosts are members of a fleet: each tells of itself, hears what is asked of it, heeds its control."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace as changed
from typing import Any

from cqworker.clock import Clock
from cqworker.daemon.fleet_parts import FleetParts, Member, open_fleet
from cqworker.daemon.observers import Observers
from cqworker.enums import Role
from cqworker.events import Event
from cqworker.fleet.fleet_actions import FleetActions
from cqworker.fleet.fleet_types import FleetTypes
from cqworker.flow.queue_control import QueueControl
from cqworker.flow.supervised_loop import keep_running
from cqworker.health.monitored_ports import MonitoredFleet
from cqworker.jobs.hand_over import HandOvers
from cqworker.model.crowding import Crowding
from cqworker.observe.metrics_observer import MetricsObserver
from cqworker.observe.stats import Stats
from cqworker.plugins.registry import Registry
from cqworker.ports.fleet import Command, Control, Counts, Fleet, FleetMember, Heartbeat, Orders
from cqworker.scheduling.sweep_leases import SweepLeases
from cqworker.scheduling.sweeper import Sweeper
from cqworker.settings.limit_settings import limits_of
from cqworker.testing.host import Host
from cqworker.testing.memory_fleet import MemoryFleet
from cqworker.worker.assembly import context_of, lists_of, queues_of
from tests.flow.faults import Mishaps
from tests.flow.world import World

RETENTION = 14 * 86_400
"""Seconds that the queues of these stories keep a message."""


class FaultyFleet:
    """The registry at the end of a line of its own."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.line = Mishaps()

    async def heartbeat(self, said: Heartbeat, *, first: bool) -> Orders | None:
        return await self.line.meet("heartbeat", lambda: self._fleet.heartbeat(said, first=first))

    async def members(self) -> Sequence[FleetMember]:
        return await self.line.meet("members", self._fleet.members)

    async def order(self, worker: str, command: Command, now: int) -> Orders | None:
        return await self.line.meet("order", lambda: self._fleet.order(worker, command, now))

    async def watch(self, worker: str, until: int) -> None:
        await self.line.meet("watch", lambda: self._fleet.watch(worker, until))

    async def publish_types(self, key: str, types: Collection[str]) -> None:
        await self.line.meet("publish_types", lambda: self._fleet.publish_types(key, types))

    async def types(self, key: str) -> frozenset[str]:
        return await self.line.meet("types", lambda: self._fleet.types(key))

    async def control(self) -> Control:
        return await self.line.meet("control", self._fleet.control)

    async def change_control(self, control: Control) -> bool:
        return await self.line.meet("change_control", lambda: self._fleet.change_control(control))

    async def enable(self, feature: str) -> bool:
        return await self.line.meet("enable", lambda: self._fleet.enable(feature))

    async def crowd(self, crowding: Crowding) -> None:
        await self.line.meet("crowd", lambda: self._fleet.crowd(crowding))

    async def fold(self, member: FleetMember, day: str) -> bool:
        return await self.line.meet("fold", lambda: self._fleet.fold(member, day))

    async def folded(self, day: str) -> Counts:
        return await self.line.meet("folded", lambda: self._fleet.folded(day))


class FleetWorld(World):
    """`fleet` is the registry, `lines` the hosts' ways to it, `parts` what they are made of as members of it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.fleet = MemoryFleet()
        self.lines: dict[str, FaultyFleet] = {}
        self.parts: dict[str, FleetParts] = {}
        self.leases: dict[str, SweepLeases] = {}
        self._observers: dict[str, Observers] = {}
        super().__init__(*arguments, **options)

    @property
    def actions(self) -> FleetActions:
        """What an operator asks; without a host of their own."""

        async def retention_of(_: str) -> int:
            return RETENTION

        return FleetActions(self.fleet, self.clock, self.events.append, ("jobs",), retention_of)

    async def member(self, name: str) -> FleetMember:
        [found] = [one for one in await self.fleet.members() if one.heartbeat.worker == name]
        return found

    def _open(self, name: str, registry: Registry, clock: Clock) -> Host:
        host = super()._open(name, registry, clock)
        self.lines[name] = line = FaultyFleet(self.fleet)
        fleet = MonitoredFleet(line, host.ground.health)
        events, emit = Stats(registry.handlers, clock), host.ground.emit
        metrics = MetricsObserver(registry.handlers)

        def emit_to_all(event: Event) -> None:
            for observer in (emit, events, metrics):
                observer(event)

        ground = changed(
            host.ground,
            emit=emit_to_all,
            queue_control=QueueControl(clock, is_known=False, written=limits_of(self.settings.limits)),
            is_served_elsewhere=FleetTypes(fleet, clock).is_served,
            tell_crowding=fleet.crowd,
        )
        self._observers[name] = Observers(emit_to_all, metrics, events)
        return changed(host, ground=ground)

    def _sweeper_of(self, host: Host) -> Sweeper:
        async def count_live() -> int:
            return await self.parts[host.name].meter.count_live()

        ground = host.ground
        self.leases[host.name] = leases = SweepLeases(ground.schedule, ground.clock, host.name, count_live=count_live)
        context = context_of(ground, self.settings, host.name)
        hand_overs = HandOvers(context, queues_of(ground, self.settings))
        return Sweeper(ground.schedule, context, hand_overs, leases, lists_of(ground, self.settings))

    def _set_to_work(self, host: Host) -> None:
        super()._set_to_work(host)
        observers, ground = self._observers[host.name], host.ground
        fleet = MonitoredFleet(self.lines[host.name], ground.health)
        member = Member(ground, self.settings, frozenset({Role.WORKER}), host.name, host.worker, observers)
        leases = self.leases[host.name]
        parts = self.parts[host.name] = open_fleet(fleet, member, self.settings, observers, leases)
        for name, loop in parts.loops():
            host.loops.append(asyncio.get_running_loop().create_task(keep_running(name, loop, ground.emit)))
