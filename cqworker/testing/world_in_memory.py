"""Services in memory, and hosts with workers on them that can be frozen and killed: what a World is made of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, TypeVar

from cqworker.clock import Clock
from cqworker.events import Event
from cqworker.events.loop_events import HandlerLoopProbed, MainLoopProbed
from cqworker.execution.handler_loop import HandlerLoop
from cqworker.flow.jobs_in_hand import JobsInHand
from cqworker.flow.queue_control import QueueControl
from cqworker.flow.schedule_state import ScheduleState
from cqworker.flow.supervised_loop import keep_running
from cqworker.health.monitored_limits import MonitoredLimits, MonitoredRates
from cqworker.health.monitored_ports import (
    MonitoredArtifacts,
    MonitoredQueue,
    MonitoredSchedule,
    MonitoredStore,
    MonitoredUniqueKeys,
)
from cqworker.health.probes import PROBE_SECONDS, Probe
from cqworker.health.service_health import STORE, ServiceHealth
from cqworker.jobs.operator_actions import OperatorActions
from cqworker.jobs.submission import Accepted, Submission
from cqworker.jobs.waiters import Waiters
from cqworker.model.record import JobRecord
from cqworker.model.status import FINAL, Status
from cqworker.plugins.registry import Registry
from cqworker.scheduling.sweeper import Sweeper
from cqworker.settings import Settings
from cqworker.settings.limit_settings import limits_of
from cqworker.testing.faulty_ports import (
    FaultyArtifacts,
    FaultyLimits,
    FaultyQueue,
    FaultyRates,
    FaultySchedule,
    FaultyStore,
    FaultyUniqueKeys,
)
from cqworker.testing.host import Host
from cqworker.testing.host_loop import HOST
from cqworker.testing.memory_limits import MemoryLimits
from cqworker.testing.memory_listing import MemoryListing
from cqworker.testing.memory_operations import MemoryOperations
from cqworker.testing.memory_ports import MemoryArtifacts, MemoryQueue
from cqworker.testing.memory_rates import MemoryRates
from cqworker.testing.memory_schedule import MemorySchedule
from cqworker.testing.memory_unique_keys import MemoryUniqueKeys
from cqworker.testing.same_loop import SameLoop
from cqworker.testing.told_store import ToldStore
from cqworker.testing.virtual_run import loop_of_hosts
from cqworker.testing.virtual_time import VirtualClock
from cqworker.worker.assembly import Dependencies, Pools, open_worker
from cqworker.worker.worker import Worker

E = TypeVar("E")
DAY = 86_400.0
"""Seconds for which a story waits for something, unless it says for how long."""


class WorldInMemory:
    """The services, the hosts by name and the events of all of them; `office` is a host that runs no jobs.

    Queues are those of the settings, their dead letters among them, each made by `new_queue`. A host looks whether the
    store answers when nothing did for `probe_every` s.
    """

    probe_every = PROBE_SECONDS

    def __init__(
        self, settings: Settings, registry: Registry, clock: Clock, new_queue: Callable[..., MemoryQueue] = MemoryQueue
    ) -> None:
        self.clock = clock
        self.settings = settings
        self.registry = registry
        self.queues: dict[str, MemoryQueue] = {}
        for queue in settings.queues:
            limits: dict[str, Any] = {}
            if queue.dead_letter_queue:
                dead = self.queues.setdefault(queue.dead_letter_queue, new_queue(queue.dead_letter_queue, clock))
                limits = {"dead_letters": dead, "max_receive_count": queue.max_receive_count or 1000}
            self.queues |= {name: new_queue(name, clock, **limits) for name in queue.queues}
        self.store = ToldStore(clock)
        self.limits = MemoryLimits()
        self.schedule = MemorySchedule(self.store)
        self.rates = MemoryRates()
        self.listing = MemoryListing(self.store)
        self.operations = MemoryOperations()
        self.unique_keys = MemoryUniqueKeys(self.store)
        self.artifacts = MemoryArtifacts()
        self.events: list[Event] = []
        self.hosts: dict[str, Host] = {}
        self.office = self._open("office", registry, clock)

    def start(
        self,
        name: str = "w1",
        *,
        registry: Registry | None = None,
        skew: int = 0,
        before: Callable[[Host], object] = lambda _: None,
    ) -> Host:
        """A host with a worker at work, its wall clock `skew` ms ahead; `before` may spoil its lines first."""
        host = self._open(name, registry or self.registry, VirtualClock(skew=skew) if skew else self.clock)
        self.hosts[name] = host
        before(host)
        context = copy_context()
        context.run(HOST.set, name)
        context.run(self._set_to_work, host)
        return host

    def freeze(self, name: str) -> None:
        """Nothing of this host happens until it is thawed, as after SIGSTOP."""
        loop_of_hosts().freeze(name)

    def thaw(self, name: str) -> None:
        """The host goes on where it stood, as after SIGCONT."""
        loop_of_hosts().thaw(name)

    def kill(self, name: str) -> None:
        """Nothing of this host happens any more, as after SIGKILL."""
        loop_of_hosts().freeze(name)
        del self.hosts[name]

    @property
    def operator(self) -> OperatorActions:
        """What people may do to jobs, done where no worker runs."""
        return self.office.operator

    async def submit(self, job_type: str, payload: str = "{}", **more: Any) -> str:
        """Submits a job of this payload, in JSON, and returns its id; `more` are fields of Submission."""
        return (await self.accept(job_type, payload, **more)).record.job_id

    async def accept(self, job_type: str, payload: str = "{}", **more: Any) -> Accepted:
        """As submit(), with all of the answer."""
        return await self.office.submitter.submit(Submission(type=job_type, payload=payload, **more))

    def other_queue(self, name: str) -> MemoryQueue:
        """A queue that no host here polls; it is there from when something is sent to it."""
        return self.queues.setdefault(name, MemoryQueue(name, self.clock))

    def record(self, job_id: str) -> JobRecord:
        """The job's record as it stands. Raises KeyError where there is none."""
        return self.store.records[job_id]

    async def until(self, job_id: str, *statuses: Status, patience: float = DAY) -> JobRecord:
        """The record once it has one of these statuses; every final one when none is named.

        Raises TimeoutError after `patience` s.
        """
        async with asyncio.timeout(patience):
            while (record := self.store.records.get(job_id)) is None or record.status not in (statuses or FINAL):
                await self.store.written()
        return record

    async def stop(self, seconds: float = 25.0) -> None:
        """Drains every host."""
        await asyncio.gather(*(host.drain(seconds) for host in self.hosts.values()))

    def seen(self, kind: type[E]) -> list[E]:
        """The events of this class, oldest first, whoever told of them."""
        return [event for event in self.events if isinstance(event, kind)]

    def _open(self, name: str, registry: Registry, clock: Clock) -> Host:
        events, workers = list[Event](), list[Worker]()

        def emit(event: Event) -> None:
            if not isinstance(event, HandlerLoopProbed | MainLoopProbed):
                events.append(event)
                self.events.append(event)

        health = ServiceHealth(clock, emit, ())
        store, artifacts = FaultyStore(self.store), FaultyArtifacts(self.artifacts)
        schedule = MonitoredSchedule(FaultySchedule(self.schedule, store), health)
        queues = {queue: FaultyQueue(port) for queue, port in self.queues.items()}
        ground = Dependencies(
            queues={queue: MonitoredQueue(port, health) for queue, port in queues.items()},
            open_queue=lambda queue: FaultyQueue(self.other_queue(queue)),
            rates=MonitoredRates(FaultyRates(self.rates, store), health),
            limits=MonitoredLimits(FaultyLimits(self.limits, store), health),
            schedule=schedule,
            schedule_state=ScheduleState(schedule, clock),
            unique_keys=MonitoredUniqueKeys(FaultyUniqueKeys(self.unique_keys, store), health),
            store=MonitoredStore(store, health),
            artifacts=MonitoredArtifacts(artifacts, health),
            in_hand=JobsInHand(clock),
            registry=registry,
            health=health,
            clock=clock,
            emit=emit,
            queue_control=QueueControl(clock, written=limits_of(self.settings.limits)),
            listing=self.listing,
            operations=self.operations,
        )
        lines: dict[str, Any] = {"store": store, "queues": queues, "artifacts": artifacts, "workers": workers}
        return Host(
            name=name,
            waiters=Waiters(clock, lambda job_id: any(worker.holds(job_id) for worker in workers)),
            ground=ground,
            settings=self.settings,
            events=events,
            **lines,
        )

    def _open_loop(self) -> HandlerLoop:
        """Where `async def` handlers run."""
        return SameLoop()

    def _open_pools(self) -> Pools | None:
        """Where all other handlers run; None for a worker's own."""
        return None

    def _sweeper_of(self, host: Host) -> Sweeper:
        """What sends this host's share of what is due."""
        return host.sweeper

    def _set_to_work(self, host: Host) -> None:
        ground = host.ground
        host.workers.append(
            open_worker(
                ground,
                host.settings,
                self._open_loop(),
                name=host.name,
                on_settled=host.waiters.note_written,
                pools=self._open_pools(),
            )
        )
        check = Probe(STORE, ground.store.check, ground.health, self.probe_every)
        host.loops.append(asyncio.get_running_loop().create_task(keep_running("check", check.run, ground.emit)))
        sweep = self._sweeper_of(host).run
        host.loops.append(asyncio.get_running_loop().create_task(keep_running("sweep", sweep, ground.emit)))
        host.worker.start()
