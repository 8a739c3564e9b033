"""What works for one queue (poller, claimer, leases, acknowledgement, dead letters), and what all queues share."""

from __future__ import annotations

from dataclasses import dataclass

from cqworker.execution.executor import Executor
from cqworker.flow.acknowledger import Acknowledger
from cqworker.flow.capacity import Capacity
from cqworker.flow.claim import Claimer
from cqworker.flow.context import Context
from cqworker.flow.dead_letter_poller import DeadLetterPoller
from cqworker.flow.jobs_in_hand import JobsInHand
from cqworker.flow.lease_keeper import LeaseKeeper
from cqworker.flow.poller import Poller
from cqworker.flow.settle import Settler
from cqworker.flow.type_limits import TypeLimits
from cqworker.model.ids import TokenGenerator


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
