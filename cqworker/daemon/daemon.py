"""Every part of one daemon, put together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from cqworker.aws.clients import AwsClients
from cqworker.clock import Clock
from cqworker.daemon.aws_ports import open_premises
from cqworker.daemon.observers import open_observers
from cqworker.daemon.standalone import open_desk, open_submitter
from cqworker.daemon.status_report import Vitals
from cqworker.enums import Role
from cqworker.events import Emit
from cqworker.execution.handler_loop import ThreadedLoop
from cqworker.flow.bounded_wait import wait_for_end
from cqworker.flow.supervised_loop import background_failure, keep_running
from cqworker.health.main_loop_lag import MainLoop
from cqworker.health.probes import Check, Depths
from cqworker.health.service_health import ARTIFACTS, STORE
from cqworker.jobs.waiters import Watch
from cqworker.observe.log import Log
from cqworker.plugins.registry import Registry
from cqworker.settings import Settings
from cqworker.web.server import Parts, Server, create_app
from cqworker.worker.assembly import Ground, open_worker
from cqworker.worker.worker import Worker

ARTIFACTS_EVERY = 300.0
"""Seconds between two looks at the bucket, which no job may need for hours."""
HASTE = 0.2
"""Seconds that closing has at least: for the last answers, and for the handlers' loop."""
CONNECTIONS = 0.05
"""Seconds for saying goodbye to AWS, when every call has ended or is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A daemon that is put together; `worker` is None where only the api role is played."""

    settings: Settings
    registry: Registry
    ground: Ground
    clients: AwsClients
    server: Server
    watch: Watch
    worker: Worker | None
    emit: Emit
    loops: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        """Starts asking the services how they are, and the worker."""
        health, emit = self.ground.health, self.emit
        for name, check in self._checks():
            self.loops.append(asyncio.create_task(keep_running(name, check, emit)))
        if self.worker is None:
            pulse = MainLoop(self.ground.clock, emit).run
            self.loops.append(asyncio.create_task(keep_running("main loop's pulse", pulse, emit)))
        else:
            health.alive = self.worker.liveness
            self.worker.start()

    def quiet(self) -> None:
        """Not ready any more; who waits for a job's end is let go."""
        self.ground.health.draining = True
        self.server.quiet()
        self.watch.close()

    async def close(self, seconds: float, hurry: asyncio.Event) -> None:
        """Ends what has no end of its own. What takes longer than `seconds`, or HASTE after `hurry`, is left."""
        for loop in self.loops:
            loop.cancel()
        await wait_for_end(self._close_all(), seconds, hurry, HASTE)
        await wait_for_end(self.clients.close(), CONNECTIONS, hurry, CONNECTIONS)

    async def _close_all(self) -> None:
        parts = [self.server.close()] if self.worker is None else [self.server.close(), self.worker.close()]
        for failure in await asyncio.gather(*parts, *self.loops, return_exceptions=True):
            if isinstance(failure, Exception):
                self.emit(background_failure("closing", failure))

    def _checks(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        ground = self.ground
        checks: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("store check", Check(STORE, ground.store.check, ground.health).run),
            ("artifacts check", Check(ARTIFACTS, ground.artifacts.check, ground.health, ARTIFACTS_EVERY).run),
        ]
        for queue in self.settings.queues:
            names = [name for name in (queue.name, queue.dead_letter_queue) if name in ground.queues]
            depths = Depths(tuple(ground.queues[name] for name in names if name), self.emit)
            checks.append((f"depths of {queue.name}", depths.run))
        return checks


def open_house(
    settings: Settings, registry: Registry, roles: frozenset[str], name: str, log: Log, clock: Clock
) -> House:
    """Puts a daemon together; nothing listens and nothing is asked for yet."""
    tenants = {token.tenant for token in settings.http.tokens}
    observers = open_observers(registry, log, clock, tenants=tenants)
    premises = open_premises(settings, registry, clock, observers.emit, dead_letters=Role.WORKER in roles)
    ground = premises.ground
    residents: list[Worker] = []
    watch = Watch(clock, lambda job_id: any(worker.holds(job_id) for worker in residents))
    if Role.WORKER in roles:
        loop_type = type(asyncio.get_running_loop())
        residents.append(open_worker(ground, settings, ThreadedLoop(loop_type), name=name, seen=watch.seen))
    worker = residents[0] if residents else None
    parts = Parts(
        submitter=open_submitter(ground, settings),
        desk=open_desk(ground, settings, watch, worker.cancel_here if worker else lambda _: None),
        registry=registry,
        artifacts=ground.artifacts,
        health=Vitals(ground.health, worker, settings, name),
        metrics=observers.metrics.render,
        settings=settings,
        emit=observers.emit,
        stats=observers.stats.snapshot,
        clock=clock,
    )
    return House(
        settings=settings,
        registry=registry,
        ground=ground,
        clients=premises.clients,
        server=Server(create_app(parts, api=Role.API in roles), settings.http),
        watch=watch,
        worker=worker,
        emit=observers.emit,
    )
