"""One queue and everything that works for it: poller, claimer, leases, acknowledgement, dead letters."""

from __future__ import annotations

from dataclasses import dataclass

from cqworker.execution.executor import Executor
from cqworker.flow.acknowledger import Acknowledger
from cqworker.flow.capacity import Capacity
from cqworker.flow.claim import Claimer
from cqworker.flow.context import Context
from cqworker.flow.dead_letter_poller import DeadLetterPoller, DeadLetterQueue
from cqworker.flow.jobs_in_hand import JobsInHand
from cqworker.flow.journey import Journey
from cqworker.flow.lease_keeper import LeaseKeeper
from cqworker.flow.poller import Poller
from cqworker.flow.settle import Settler
from cqworker.flow.type_limits import TypeLimits
from cqworker.model.ids import TokenGenerator
from cqworker.ports import JobQueue
from cqworker.settings import QueueSettings

NO_REDRIVE = 1 << 30
"""A dead-letter queue's own limit of receives: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all queues of a worker share."""

    context: Context
    capacity: Capacity
    limits: TypeLimits
    in_hand: JobsInHand
    executor: Executor
    settler: Settler
    tokens: TokenGenerator


@dataclass(frozen=True, slots=True)
class QueueWorker:
    """The parts of one queue; the last two are None where it has no dead-letter queue."""

    poller: Poller
    claimer: Claimer
    leases: LeaseKeeper
    acknowledger: Acknowledger
    dead_letters: DeadLetterPoller | None
    dead_letter_acknowledger: Acknowledger | None


def open_queue_worker(
    shared: Shared, settings: QueueSettings, queue: JobQueue, dead_letters: JobQueue | None, max_receive_count: int
) -> QueueWorker:
    """Puts the parts of one queue together; nothing runs yet. `max_receive_count` is its redrive policy's."""
    context = shared.context
    acknowledger = Acknowledger(queue, context.clock, context.emit, max_receive_count)
    period = settings.visibility_timeout
    leases = LeaseKeeper(queue, context, period, acknowledger.copies.send)
    claimer = Claimer(context, shared.tokens, period)
    journey = Journey(
        limits=shared.limits,
        in_hand=shared.in_hand,
        claimer=claimer,
        leases=leases,
        executor=shared.executor,
        settler=shared.settler,
        acknowledger=acknowledger,
        emit=context.emit,
    )
    poller = Poller(queue, settings, context, shared.capacity, journey, acknowledger)
    if dead_letters is None:
        return QueueWorker(poller, claimer, leases, acknowledger, None, None)
    dead_letter_acknowledger = Acknowledger(dead_letters, context.clock, context.emit, NO_REDRIVE)
    of_this_queue = DeadLetterQueue(dead_letters, queue.name, shared.executor.attempts_of)
    dead_letter_poller = DeadLetterPoller(of_this_queue, context, dead_letter_acknowledger)
    return QueueWorker(poller, claimer, leases, acknowledger, dead_letter_poller, dead_letter_acknowledger)
