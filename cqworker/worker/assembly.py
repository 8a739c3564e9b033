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
from cqworker.health.main_loop_lag import MainLoopLag
from cqworker.health.service_health import ServiceHealth
from cqworker.model.ids import TokenGenerator
from cqworker.plugins.registry import Registry
from cqworker.ports import Artifacts, JobQueue, JobStore
from cqworker.settings import QueueSettings, Settings, WorkerSettings
from cqworker.settings.validation import max_receive_count_of
from cqworker.worker.queue_worker import Crew, Lane, open_lane
from cqworker.worker.worker import Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """Everything from outside that a worker needs: ports, clock, registry, emit, and the services' health."""

    queues: Mapping[str, JobQueue]
    store: JobStore
    artifacts: Artifacts
    registry: Registry
    health: ServiceHealth
    clock: Clock
    emit: Emit


def open_worker(dependencies: Dependencies, settings: Settings, loop: HandlersLoop, *, name: str, seen: Seen) -> Worker:
    """A worker for every configured queue, ready to start; `seen` is told of every record it settles."""
    slots = Slots(settings.worker.concurrency, dependencies.emit)
    workshop = Workshop(
        registry=dependencies.registry,
        artifacts=dependencies.artifacts,
        tenant_of=_tenants_in(dependencies.store),
        sources=settings.artifacts.sources,
        largest=settings.http.max_upload,
        loop=loop,
        threads=HandlerThreads(),
        processes=Children(settings.worker.concurrency),
        lifespans=Lifespans(),
    )
    execution = Execution(workshop, dependencies.clock, dependencies.emit)
    crew = _crew(dependencies, settings, slots, execution, name, seen)
    lanes = [_lane(crew, dependencies, queue) for queue in settings.queues]
    main = MainLoopLag(dependencies.clock, dependencies.emit)
    watch = HandlersWatch(workshop, execution, _bearable(settings.worker), main, dependencies.clock, dependencies.emit)
    return Worker(lanes, slots, crew.limits, execution, workshop, watch, dependencies.clock, dependencies.emit)


def _tenants_in(store: JobStore) -> TenantOf:
    async def tenant_of(job_id: str) -> str | None:
        record = await store.get(job_id)
        return record.tenant if record else None

    return tenant_of


def _bearable(settings: WorkerSettings) -> int:
    """So many abandoned handlers; never as many as there are slots, for then nothing would ever run again."""
    return min(settings.max_abandoned_handlers, settings.concurrency - 1)


def _crew(
    dependencies: Dependencies,
    settings: Settings,
    slots: Slots,
    execution: Execution,
    name: str,
    seen: Seen,
) -> Crew:
    terms = Terms(
        worker=name,
        retention=settings.store.retention,
        inline_limit=settings.artifacts.inline_limit,
        largest=settings.http.max_upload,
    )
    settling = Settling(
        dependencies.store,
        dependencies.artifacts,
        dependencies.registry,
        dependencies.health,
        dependencies.clock,
        dependencies.emit,
        terms,
        seen,
    )
    return Crew(
        store=dependencies.store,
        slots=slots,
        limits=TypeLimits(dependencies.registry, slots.total // 2),
        in_hand=InHand(dependencies.clock),
        execution=execution,
        settling=settling,
        health=dependencies.health,
        tokens=TokenGenerator(),
        clock=dependencies.clock,
        emit=dependencies.emit,
        worker=name,
        retention=settings.store.retention,
    )


def _lane(crew: Crew, dependencies: Dependencies, settings: QueueSettings) -> Lane:
    cemetery = dependencies.queues[settings.dead_letter_queue] if settings.dead_letter_queue else None
    most = max_receive_count_of(settings, dependencies.registry.largest_max_attempts)
    return open_lane(crew, settings, dependencies.queues[settings.name], cemetery, most)
