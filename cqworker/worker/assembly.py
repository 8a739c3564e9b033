"""Puts a worker together from its ports: the one place that knows which part needs which."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cqworker.admission.rate_admission import RateAdmission
from cqworker.admission.slots import SlotKeeper
from cqworker.admission.waiting_lists import Sending, WaitingLists
from cqworker.children.child_pool import ChildPool
from cqworker.clock import Clock
from cqworker.events import Emit
from cqworker.events.schedule_events import JobUnsendable
from cqworker.execution.executor import Executor
from cqworker.execution.handler_loop import HandlerLoop
from cqworker.execution.invoke import Runtime, TenantOf
from cqworker.execution.lifespans import Lifespans
from cqworker.execution.stuck_handlers import HandlerWatchdog
from cqworker.execution.thread_pool import HandlerThreads
from cqworker.flow.acknowledger import Acknowledger
from cqworker.flow.admission import Admission
from cqworker.flow.capacity import Capacity, Room
from cqworker.flow.claim import Claimer
from cqworker.flow.context import Context, IsServed, TellCrowding, served_nowhere, tell_nobody
from cqworker.flow.dead_letter_poller import DeadLetterPoller, DeadLetterQueue
from cqworker.flow.job_ref import job_ref_of
from cqworker.flow.jobs_in_hand import JobsInHand
from cqworker.flow.journey import Journey
from cqworker.flow.lease_keeper import LeaseKeeper
from cqworker.flow.level_room import QueueRooms
from cqworker.flow.limit_keys import LimitKeys
from cqworker.flow.poller import Poller
from cqworker.flow.queue_control import QueueControl
from cqworker.flow.schedule_state import ScheduleState
from cqworker.flow.settle import OnSettled, ResultLimits, Settler
from cqworker.flow.turns import Turns
from cqworker.flow.type_limits import TypeLimits
from cqworker.health.main_loop_lag import MainLoopLag
from cqworker.health.service_health import ServiceHealth
from cqworker.jobs.queue_directory import QueueDirectory
from cqworker.model.ids import TokenGenerator
from cqworker.model.limits import Limit
from cqworker.model.listing_rule import ListingRule
from cqworker.model.record import JobRecord
from cqworker.plugins.registry import Registry
from cqworker.ports import Artifacts, JobQueue, JobStore
from cqworker.ports.limits import Limits
from cqworker.ports.listing import JobListing
from cqworker.ports.operations import Operations
from cqworker.ports.rates import Rates
from cqworker.ports.schedule import Schedule
from cqworker.ports.unique_keys import UniqueKeys
from cqworker.settings import LevelSettings, QueueSettings, Settings, WorkerSettings
from cqworker.settings.validation import max_receive_count_of
from cqworker.worker.operations import open_target_lists, serve_operations
from cqworker.worker.release import release_of
from cqworker.worker.worker import QueueWorker, Shared, Worker

NO_REDRIVE = 1 << 30
"""A dead-letter queue's own limit of receives: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """Everything from outside that a worker needs: ports, clock, registry, emit, and the services' health.

    `open_queue` makes the port of a queue that is not among `queues`; `schedule_state` is what `schedule` last said,
    `queue_control` what the fleet's control said, `is_served_elsewhere` whether another live worker serves a type,
    `tell_crowding` tells the fleet for which limits no more jobs may wait, `in_hand` knows what is run here.
    Without `listing` and `operations` no operations are served.
    """

    queues: Mapping[str, JobQueue]
    open_queue: Callable[[str], JobQueue]
    store: JobStore
    rates: Rates
    limits: Limits
    schedule: Schedule
    schedule_state: ScheduleState
    unique_keys: UniqueKeys
    artifacts: Artifacts
    in_hand: JobsInHand
    registry: Registry
    health: ServiceHealth
    clock: Clock
    emit: Emit
    queue_control: QueueControl = field(default_factory=QueueControl)
    is_served_elsewhere: IsServed = served_nowhere
    tell_crowding: TellCrowding = tell_nobody
    listing: JobListing | None = None
    operations: Operations | None = None


@dataclass(frozen=True, slots=True)
class Pools:
    """Where handlers run beside the loop; `look_every` is in how many seconds they are looked after, None: as usual."""

    threads: HandlerThreads
    processes: ChildPool
    look_every: float | None = None


def open_worker(
    dependencies: Dependencies,
    settings: Settings,
    loop: HandlerLoop,
    *,
    name: str,
    on_settled: OnSettled,
    pools: Pools | None = None,
) -> Worker:
    """A worker for every configured queue, ready to start; `on_settled` is called for every record it settles."""
    pools = pools or Pools(HandlerThreads(), ChildPool(settings.worker.concurrency))
    registry = _served_by(dependencies, settings, name)
    runtime = Runtime(
        registry=registry,
        artifacts=dependencies.artifacts,
        tenant_of=_tenants_in(dependencies.store),
        sources=settings.artifacts.sources,
        largest=settings.http.max_upload,
        loop=loop,
        threads=pools.threads,
        processes=pools.processes,
        lifespans=Lifespans(),
        look_every=pools.look_every,
    )
    executor = Executor(runtime, dependencies.clock, dependencies.emit)
    shared = _open_shared(dependencies, registry, settings, executor, name, on_settled)
    main = MainLoopLag(dependencies.clock, dependencies.emit, pools.look_every)
    watchdog = HandlerWatchdog(
        runtime, executor, _most_stragglers(settings.worker), main, dependencies.clock, dependencies.emit
    )
    return Worker(
        [worker for queue in settings.queues for worker in _open_queue_workers(shared, dependencies, queue)],
        shared,
        runtime,
        watchdog,
    )


def _served_by(dependencies: Dependencies, settings: Settings, name: str) -> Registry:
    """The handlers that people installed, and the product's own."""
    if dependencies.operations is None or dependencies.listing is None:
        return dependencies.registry
    context, queues = context_of(dependencies, settings, name), queues_of(dependencies, settings)
    lists = open_target_lists(dependencies.listing, dependencies.schedule, context, settings.store)
    return serve_operations(
        dependencies.registry, dependencies.operations, lists, dependencies.schedule, context, queues
    )


def _tenants_in(store: JobStore) -> TenantOf:
    async def tenant_of(job_id: str) -> str | None:
        record = await store.get(job_id)
        return record.tenant if record else None

    return tenant_of


def _most_stragglers(settings: WorkerSettings) -> int:
    """Abandoned handlers that are put up with: fewer than there are slots, or nothing would ever run again."""
    return min(settings.max_abandoned_handlers, settings.concurrency - 1)


def context_of(dependencies: Dependencies, settings: Settings, worker: str = "") -> Context:
    """What reads and writes records here; `worker` is its name, "" where no worker runs."""
    return Context(
        store=dependencies.store,
        health=dependencies.health,
        clock=dependencies.clock,
        emit=dependencies.emit,
        retention=settings.store.retention,
        schedule=dependencies.schedule_state,
        unique_keys=dependencies.unique_keys,
        worker=worker,
        listing=ListingRule(
            listed=frozenset(settings.store.listed), worker=worker, release=release_of(settings.worker.release)
        ),
        queue_control=dependencies.queue_control,
        is_served_elsewhere=dependencies.is_served_elsewhere,
        tell_crowding=dependencies.tell_crowding,
    )


def queues_of(dependencies: Dependencies, settings: Settings) -> QueueDirectory:
    """The configured queues by name, and any other one that a record names."""
    configured = {name: dependencies.queues[name] for queue in settings.queues for name in queue.queues}
    levels = {queue.name: queue.priorities for queue in settings.queues if queue.priorities}
    return QueueDirectory(configured, dependencies.open_queue, levels)


def _slot_keeper(dependencies: Dependencies) -> SlotKeeper:
    async def read_many(job_ids: Collection[str]) -> Sequence[JobRecord]:
        return await dependencies.schedule.read_many(job_ids)

    is_held = dependencies.in_hand.is_held
    return SlotKeeper(dependencies.limits, dependencies.store, read_many, dependencies.clock, is_held)


def lists_of(dependencies: Dependencies, settings: Settings, slots: SlotKeeper | None = None) -> WaitingLists:
    """The waiting lists of all limited keys; `slots` where somebody takes slots here, too."""
    control, clock = dependencies.queue_control, dependencies.clock
    keeper = slots or _slot_keeper(dependencies)

    def limit_of(key: str) -> Limit | None:
        return None if control.limits is None else control.limits.limit_of(key, clock.now())

    def tell(record: JobRecord, reason: str) -> None:
        dependencies.emit(JobUnsendable(job=job_ref_of(record), reason=reason))

    sending = Sending(queues_of(dependencies, settings).named, tell)
    return WaitingLists(dependencies.limits, dependencies.store, sending, keeper, clock, limit_of)


def _open_shared(
    dependencies: Dependencies,
    registry: Registry,
    settings: Settings,
    executor: Executor,
    name: str,
    on_settled: OnSettled,
) -> Shared:
    context = context_of(dependencies, settings, name)
    capacity = Capacity(settings.worker.concurrency, dependencies.emit)
    limits = ResultLimits(inline=settings.artifacts.inline_limit, largest=settings.http.max_upload)
    settler = Settler(context, dependencies.artifacts, registry, limits, on_settled)
    keeper = _slot_keeper(dependencies)
    keys = LimitKeys(registry, executor)
    return Shared(
        context=context,
        capacity=capacity,
        limits=TypeLimits(registry, capacity.total // 2),
        in_hand=dependencies.in_hand,
        executor=executor,
        admission=Admission(context, RateAdmission(dependencies.rates, context.clock), keys, settler),
        settler=settler,
        turns=Turns(context, keeper, lists_of(dependencies, settings, keeper), keys, settler),
        tokens=TokenGenerator(),
    )


def _open_queue_workers(shared: Shared, dependencies: Dependencies, settings: QueueSettings) -> Iterator[QueueWorker]:
    """The parts of one queue, put together, those of each level for themselves; nothing runs yet."""
    if not settings.priorities:
        yield _open_queue_worker(shared, dependencies, settings, settings.levels[0], shared.capacity)
        return
    rooms = QueueRooms(settings, shared.capacity, shared.context.clock, shared.context.emit)
    for level in settings.levels:
        yield _open_queue_worker(shared, dependencies, settings, level, rooms.room_of(level))


def _open_queue_worker(
    shared: Shared, dependencies: Dependencies, settings: QueueSettings, level: LevelSettings, room: Room
) -> QueueWorker:
    """The parts of one level of a queue; its dead letters are with those of the medium one."""
    queue, context, period = dependencies.queues[level.queue], shared.context, settings.visibility_timeout
    max_receives = max_receive_count_of(settings, dependencies.registry.largest_max_attempts)
    acknowledger = Acknowledger(queue, context.clock, context.emit, max_receives)
    leases = LeaseKeeper(queue, context, period, acknowledger.copies.send)
    claimer = Claimer(context, shared.tokens, period, shared.turns.let_go)
    journey = Journey(
        limits=shared.limits,
        in_hand=shared.in_hand,
        claimer=claimer,
        leases=leases,
        executor=shared.executor,
        control=context.queue_control,
        admission=shared.admission,
        turns=shared.turns,
        settler=shared.settler,
        acknowledger=acknowledger,
        emit=context.emit,
    )
    poller = Poller(queue, settings, context, room, journey, acknowledger)
    if not settings.dead_letter_queue or level.queue != settings.name:
        return QueueWorker(poller, claimer, leases, acknowledger, None, None)
    dead_letters = dependencies.queues[settings.dead_letter_queue]
    dead_letter_acknowledger = Acknowledger(dead_letters, context.clock, context.emit, NO_REDRIVE)
    of_this_queue = DeadLetterQueue(dead_letters, queue.name, shared.executor.attempts_of)
    dead_letter_poller = DeadLetterPoller(of_this_queue, context, dead_letter_acknowledger, shared.turns)
    return QueueWorker(poller, claimer, leases, acknowledger, dead_letter_poller, dead_letter_acknowledger)
