"""One queue and everything that works for it: poller, leases, settling, acknowledgement, dead letters."""

from __future__ import annotations

from dataclasses import dataclass

from cqworker.clock import Clock
from cqworker.events import Emit
from cqworker.execution.executor import Execution
from cqworker.flow.acknowledger import Receipts
from cqworker.flow.capacity import Slots
from cqworker.flow.claim import Claims
from cqworker.flow.dead_letter_poller import Cemetery, DeadLetters
from cqworker.flow.jobs_in_hand import InHand
from cqworker.flow.journey import Journey
from cqworker.flow.lease_keeper import LeaseKeeper
from cqworker.flow.poller import Poller
from cqworker.flow.settle import Settling
from cqworker.flow.type_limits import TypeLimits
from cqworker.health.service_health import ServiceHealth
from cqworker.model.ids import TokenGenerator
from cqworker.model.retention import Retention
from cqworker.ports import JobQueue, JobStore
from cqworker.settings import QueueSettings

NO_REDRIVE = 1 << 30
"""A dead-letter queue's own limit of receives: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """What all lanes of a worker share."""

    store: JobStore
    slots: Slots
    limits: TypeLimits
    in_hand: InHand
    execution: Execution
    settling: Settling
    health: ServiceHealth
    tokens: TokenGenerator
    clock: Clock
    emit: Emit
    worker: str
    retention: Retention


@dataclass(frozen=True, slots=True)
class Lane:
    """The parts of one queue."""

    poller: Poller
    claims: Claims
    leases: LeaseKeeper
    receipts: Receipts
    dead_letters: DeadLetters | None
    dead_receipts: Receipts | None


def open_lane(
    crew: Crew, settings: QueueSettings, queue: JobQueue, cemetery: JobQueue | None, max_receive_count: int
) -> Lane:
    """Puts the parts of one queue together; nothing runs yet."""
    receipts = Receipts(queue, crew.clock, crew.emit, max_receive_count)
    period = settings.visibility_timeout
    leases = LeaseKeeper(queue, crew.store, crew.health, period, crew.clock, crew.emit, receipts.resend)
    claims = Claims(crew.store, crew.health, crew.clock, crew.emit, crew.tokens, crew.worker, period, crew.retention)
    journey = Journey(crew.limits, crew.in_hand, claims, leases, crew.execution, crew.settling, receipts, crew.emit)
    poller = Poller(queue, settings, crew.slots, journey, receipts, crew.health, crew.clock, crew.emit)
    if cemetery is None:
        return Lane(poller, claims, leases, receipts, None, None)
    dead_receipts = Receipts(cemetery, crew.clock, crew.emit, NO_REDRIVE)
    dead_letters = DeadLetters(
        Cemetery(cemetery, queue.name, crew.execution.attempts_of),
        crew.store,
        dead_receipts,
        crew.health,
        crew.clock,
        crew.emit,
        worker=crew.worker,
        retention=crew.retention,
    )
    return Lane(poller, claims, leases, receipts, dead_letters, dead_receipts)
