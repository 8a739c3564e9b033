"""Every part of one daemon, put together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from cqworker.aws.clients import AwsClients
from cqworker.clock import Clock
from cqworker.daemon.aws_ports import AwsPorts, open_aws_ports
from cqworker.daemon.fleet_parts import FleetParts, Member, open_fleet
from cqworker.daemon.observers import Observers, open_observers
from cqworker.daemon.standalone import (
    open_fleet_actions,
    open_limit_actions,
    open_lists,
    open_operation_actions,
    open_operator_actions,
    open_submitter,
)
from cqworker.daemon.status_report import StatusReport
from cqworker.enums import Role
from cqworker.events import Emit
from cqworker.execution.handler_loop import ThreadedLoop
from cqworker.flow.supervised_loop import background_failure, keep_running
from cqworker.flow.waiting import wait_for_end
from cqworker.health.main_loop_lag import MainLoopLag
from cqworker.health.probes import DepthProbe, Probe
from cqworker.health.service_health import ARTIFACTS, STORE
from cqworker.jobs.hand_over import HandOvers
from cqworker.jobs.operator_actions import OperatorActions
from cqworker.jobs.waiters import Waiters
from cqworker.observe.log import Log
from cqworker.plugins.registry import Registry
from cqworker.scheduling.sweep_leases import SweepLeases
from cqworker.scheduling.sweeper import Sweeper
from cqworker.settings import Settings
from cqworker.web.server import AppContext, Server, create_app
from cqworker.worker.assembly import Dependencies, context_of, lists_of, open_worker, queues_of
from cqworker.worker.worker import Worker

ARTIFACTS_PROBE_SECONDS = 300.0
"""Seconds between two probes of the bucket, which no job may need for hours."""
MIN_CLOSE_SECONDS = 0.2
"""Seconds that closing has at least, also after a second signal: for the last answers, and for the handlers' loop."""
AWS_CLOSE_SECONDS = 0.05
"""Seconds for saying goodbye to AWS, when every call has ended or is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """A daemon that is put together; `worker` is None where it has the api role only.

    `loops` are cancelled when it closes, `last_loops` come to an end by themselves.
    """

    settings: Settings
    registry: Registry
    dependencies: Dependencies
    clients: AwsClients
    server: Server
    waiters: Waiters
    sweeper: Sweeper
    fleet: FleetParts
    worker: Worker | None
    emit: Emit
    loops: list[asyncio.Task[None]] = field(default_factory=list)
    last_loops: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        """Starts the probes of the services, the sweep of due jobs, the daemon's part in the fleet, and the worker."""
        health, emit = self.dependencies.health, self.emit
        self.last_loops.append(asyncio.create_task(keep_running("sweep of due jobs", self.sweeper.run, emit)))
        for name, loop in (*self._probes(), *self.fleet.loops()):
            self.loops.append(asyncio.create_task(keep_running(name, loop, emit)))
        if self.worker is None:
            pulse = MainLoopLag(self.dependencies.clock, emit).run
            self.loops.append(asyncio.create_task(keep_running("main loop's pulse", pulse, emit)))
        else:
            health.liveness_check = self.worker.liveness
            self.worker.start()

    def quiet(self) -> None:
        """Not ready any more; requests that wait for a job's end are answered."""
        self.dependencies.health.draining = True
        self.server.quiet()
        self.waiters.close()
        self.sweeper.stop()
        self.fleet.heartbeats.poke()

    async def close(self, seconds: float, stop_now: asyncio.Event) -> None:
        """Ends what has no end of its own.

        What takes longer than `seconds`, or MIN_CLOSE_SECONDS after `stop_now` is set, is abandoned.
        """
        for loop in self.loops:
            loop.cancel()
        await wait_for_end(self._close_all(), seconds, stop_now, MIN_CLOSE_SECONDS)
        await wait_for_end(self.clients.close(), AWS_CLOSE_SECONDS, stop_now, AWS_CLOSE_SECONDS)

    async def _close_all(self) -> None:
        parts = [self.server.close(), self.fleet.heartbeats.leave()]
        if self.worker is not None:
            parts.append(self.worker.close())
        self.sweeper.stop()
        for failure in await asyncio.gather(*parts, *self.loops, *self.last_loops, return_exceptions=True):
            if isinstance(failure, Exception):
                self.emit(background_failure("closing", failure))

    def _probes(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        dependencies = self.dependencies
        probes: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("store check", Probe(STORE, dependencies.store.check, dependencies.health).run),
            (
                "artifacts check",
                Probe(ARTIFACTS, dependencies.artifacts.check, dependencies.health, ARTIFACTS_PROBE_SECONDS).run,
            ),
        ]
        for queue in self.settings.queues:
            names = [name for name in (*queue.queues, queue.dead_letter_queue) if name in dependencies.queues]
            depths = DepthProbe(tuple(dependencies.queues[name] for name in names if name), self.emit)
            probes.append((f"depths of {queue.name}", depths.run))
        return probes


def open_daemon(
    settings: Settings, registry: Registry, roles: frozenset[str], name: str, log: Log, clock: Clock
) -> Daemon:
    """Puts a daemon together; nothing listens and nothing is asked for yet."""
    observers = open_observers(registry, log, clock, tenants={token.own_tenant for token in settings.http.tokens})
    aws = open_aws_ports(settings, registry, clock, observers.emit, dead_letters=Role.WORKER in roles)
    dependencies = aws.dependencies
    workers: list[Worker] = []
    waiters = Waiters(clock, lambda job_id: any(worker.holds(job_id) for worker in workers))
    worker = _open_worker(dependencies, settings, name, waiters) if Role.WORKER in roles else None
    workers += [worker] if worker else []

    async def count_live() -> int:
        return await fleet.meter.count_live()

    leases = SweepLeases(dependencies.schedule, clock, name, count_live=count_live)
    member = Member(dependencies, settings, roles, name, worker, observers)
    fleet = open_fleet(aws.fleet, member, settings, observers, leases)
    cancel_here = worker.cancel_here if worker else lambda *_: None
    health = StatusReport(dependencies.health, worker, settings, name, lambda: fleet.meter.latest)
    operator = open_operator_actions(dependencies, settings, waiters, cancel_here)
    context = _open_context(aws, settings, observers, operator, health)
    return Daemon(
        settings=settings,
        registry=registry,
        dependencies=dependencies,
        clients=aws.clients,
        server=Server(create_app(context, api=Role.API in roles), settings.http),
        waiters=waiters,
        sweeper=_open_sweeper(dependencies, settings, name, leases),
        fleet=fleet,
        worker=worker,
        emit=observers.emit,
    )


def _open_worker(dependencies: Dependencies, settings: Settings, name: str, waiters: Waiters) -> Worker:
    loop = ThreadedLoop(type(asyncio.get_running_loop()))
    return open_worker(dependencies, settings, loop, name=name, on_settled=waiters.note_written)


def _open_context(
    aws: AwsPorts, settings: Settings, observers: Observers, operator: OperatorActions, health: StatusReport
) -> AppContext:
    dependencies = aws.dependencies
    return AppContext(
        submitter=open_submitter(dependencies, settings),
        operator=operator,
        lists=open_lists(aws, settings),
        operations=open_operation_actions(aws, settings, operator),
        fleet=open_fleet_actions(aws, settings),
        limits=open_limit_actions(aws, settings),
        registry=dependencies.registry,
        artifacts=dependencies.artifacts,
        health=health,
        metrics=observers.metrics.render,
        depth_of=observers.metrics.depth_of,
        settings=settings,
        emit=observers.emit,
        stats=observers.stats.snapshot,
        clock=dependencies.clock,
    )


def _open_sweeper(dependencies: Dependencies, settings: Settings, name: str, leases: SweepLeases) -> Sweeper:
    context = context_of(dependencies, settings, name)
    hand_overs = HandOvers(context, queues_of(dependencies, settings))
    return Sweeper(dependencies.schedule, context, hand_overs, leases, lists_of(dependencies, settings))
