"""Puts a worker together from its ports: the one place that knows which part needs which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cqworker.children.child_pool import Children
from cqworker.clock import Clock
from cqworker.events import Emit
from cqworker.execution.executor import Execution
from cqworker.execution.handler_loop import HandlersLoop
from cqworker.execution.handler_watchdog import HandlersWatch
from cqworker.execution.lifespans import Lifespans
from cqworker.execution.runtime import TenantOf, Workshop
from cqworker.execution.thread_pool import HandlerThreads
from cqworker.flow.capacity import Slots
from cqworker.flow.jobs_in_hand import InHand
from cqworker.flow.settle import Seen, Settling, Terms
from cqworker.flow.type_limits import TypeLimits
from cqworker.health.main_loop_lag import MainLoop
from cqworker.health.service_health import Health
from cqworker.model.ids import TokenMint
from cqworker.plugins.registry import Registry
from cqworker.ports import Artifacts, JobQueue, JobStore
from cqworker.settings import QueueSettings, Settings, WorkerSettings
from cqworker.settings.validation import max_receive_count_of
from cqworker.worker.queue_worker import Crew, Lane, open_lane
from cqworker.worker.worker import Worker

DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a worker stands on: its ports, its clock, who listens, and what health remembers."""

    queues: Mapping[str, JobQueue]
    store: JobStore
    artifacts: Artifacts
    registry: Registry
    health: Health
    clock: Clock
    emit: Emit


def open_worker(ground: Ground, settings: Settings, loop: HandlersLoop, *, name: str, seen: Seen) -> Worker:
    """A worker for every configured queue, ready to start; `seen` is told of every record it settles."""
    slots = Slots(settings.worker.concurrency, ground.emit)
    workshop = Workshop(
        registry=ground.registry,
        artifacts=ground.artifacts,
        tenant_of=_tenants_in(ground.store),
        sources=settings.artifacts.sources,
        largest=settings.http.max_upload,
        loop=loop,
        threads=HandlerThreads(),
        processes=Children(settings.worker.concurrency),
        lifespans=Lifespans(),
    )
    execution = Execution(workshop, ground.clock, ground.emit)
    crew = _crew(ground, settings, slots, execution, name, seen)
    lanes = [_lane(crew, ground, queue) for queue in settings.queues]
    main = MainLoop(ground.clock, ground.emit)
    watch = HandlersWatch(workshop, execution, _bearable(settings.worker), main, ground.clock, ground.emit)
    return Worker(lanes, slots, crew.limits, execution, workshop, watch, ground.clock, ground.emit)


def _tenants_in(store: JobStore) -> TenantOf:
    async def tenant_of(job_id: str) -> str | None:
        record = await store.get(job_id)
        return record.tenant if record else None

    return tenant_of


def _bearable(settings: WorkerSettings) -> int:
    """So many abandoned handlers; never as many as there are slots, for then nothing would ever run again."""
    return min(settings.max_abandoned_handlers, settings.concurrency - 1)


def _crew(
    ground: Ground,
    settings: Settings,
    slots: Slots,
    execution: Execution,
    name: str,
    seen: Seen,
) -> Crew:
    retention = settings.store.retention_days * DAY
    terms = Terms(
        worker=name,
        retention=retention,
        inline_limit=settings.artifacts.inline_limit,
        largest=settings.http.max_upload,
    )
    settling = Settling(
        ground.store, ground.artifacts, ground.registry, ground.health, ground.clock, ground.emit, terms, seen
    )
    return Crew(
        store=ground.store,
        slots=slots,
        limits=TypeLimits(ground.registry, slots.total // 2),
        in_hand=InHand(ground.clock),
        execution=execution,
        settling=settling,
        health=ground.health,
        tokens=TokenMint(),
        clock=ground.clock,
        emit=ground.emit,
        worker=name,
        retention=retention,
    )


def _lane(crew: Crew, ground: Ground, settings: QueueSettings) -> Lane:
    cemetery = ground.queues[settings.dead_letter_queue] if settings.dead_letter_queue else None
    most = max_receive_count_of(settings, ground.registry.largest_max_attempts)
    return open_lane(crew, settings, ground.queues[settings.name], cemetery, most)
