"""What every part of the flow is handed: the store of records, the health of services, the clocks and the listeners."""

from __future__ import annotations

from dataclasses import dataclass, field

from cqworker.clock import Clock
from cqworker.events import Emit
from cqworker.flow.schedule_state import ScheduleState
from cqworker.health.service_health import ServiceHealth
from cqworker.model.listing_rule import ListingRule
from cqworker.model.retention import Retention
from cqworker.ports import JobStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Shared by whatever reads or writes records; the same for all queues of a process.

    `worker` is the name that stands in a record's history, "" where no worker runs. `schedule` says whether a job can
    wait for longer than SQS delays a message, `listing` which endings the listing index has.
    """

    store: JobStore
    health: ServiceHealth
    clock: Clock
    emit: Emit
    retention: Retention
    schedule: ScheduleState
    worker: str = ""
    listing: ListingRule = field(default_factory=ListingRule)
