"""What every part of the flow is handed: the store of records, the health of services, the clocks and the listeners."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from cqworker.clock import Clock
from cqworker.events import Emit
from cqworker.flow.queue_control import QueueControl
from cqworker.flow.schedule_state import ScheduleState
from cqworker.health.service_health import ServiceHealth
from cqworker.model.crowding import Crowding
from cqworker.model.listing_rule import ListingRule
from cqworker.model.retention import Retention
from cqworker.ports import JobStore
from cqworker.ports.unique_keys import UniqueKeys

IsServed = Callable[[str, str], Awaitable[bool]]
"""Whether some other live worker serves this job type from this queue."""


async def served_nowhere(job_type: str, queue: str) -> bool:  # noqa: ARG001 - the signature is IsServed's
    """Where there is no registry of the fleet, nobody is known to serve it."""
    return False


TellCrowding = Callable[[Crowding], Awaitable[None]]
"""Tells the fleet for which limits no more jobs may wait. Raises Unavailable."""


async def tell_nobody(crowding: Crowding) -> None:
    """Where there is no registry of the fleet this process alone knows it."""


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
    unique_keys: UniqueKeys
    worker: str = ""
    queue_control: QueueControl = field(default_factory=QueueControl)
    is_served_elsewhere: IsServed = served_nowhere
    tell_crowding: TellCrowding = tell_nobody
    listing: ListingRule = field(default_factory=ListingRule)
