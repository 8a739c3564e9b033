"""What an application has for operators, on ports in memory."""

from __future__ import annotations

from typing import Any

from cqworker.clock import SystemClock
from cqworker.events import Emit
from cqworker.fleet.fleet_actions import FleetActions
from cqworker.fleet.limit_actions import LimitActions
from cqworker.flow.context import Context
from cqworker.jobs.job_lists import JobLists
from cqworker.jobs.operation_actions import OperationActions, OperationParts
from cqworker.jobs.operation_work import operations_alone
from cqworker.jobs.operator_actions import OperatorActions
from cqworker.jobs.queue_directory import QueueDirectory
from cqworker.jobs.running_jobs import RunningJobs
from cqworker.jobs.submit import Submitter
from cqworker.jobs.waiters import Waiters
from cqworker.model.retention import Retention
from cqworker.model.status import Status
from cqworker.settings import Settings
from cqworker.settings.limit_settings import limits_of
from cqworker.testing import MemoryArtifacts, MemoryStore
from cqworker.testing.memory_fleet import MemoryFleet
from cqworker.testing.memory_limits import MemoryLimits
from cqworker.testing.memory_listing import MemoryListing
from cqworker.testing.memory_operations import MemoryOperations
from cqworker.testing.memory_rates import MemoryRates
from cqworker.testing.memory_schedule import MemorySchedule

CLOCK = SystemClock()
RETENTION = Retention(days=30)
NO_PARTS: dict[str, Any] = dict.fromkeys(("lists", "operations", "fleet", "limits"))
"""Those of an application that serves health alone."""


def operators_parts(
    store: MemoryStore, context: Context, queues: QueueDirectory, artifacts: MemoryArtifacts, settings: Settings
) -> dict[str, Any]:
    """The parts by the names that an application has for them."""
    fleet = MemoryFleet()
    lists = _lists(store, fleet)
    return {
        "lists": lists,
        "operations": _operation_actions(lists, store, context, queues, artifacts),
        "fleet": _fleet_actions(fleet, context.emit),
        "limits": _limit_actions(context.emit, fleet, store, settings),
    }


def _fleet_actions(fleet: MemoryFleet, emit: Emit) -> FleetActions:
    async def retention_of(_: str) -> int:
        return 14 * 86_400

    return FleetActions(fleet, CLOCK, emit, ("main",), retention_of)


def _limit_actions(emit: Emit, fleet: MemoryFleet, store: MemoryStore, settings: Settings) -> LimitActions:
    return LimitActions(
        fleet=fleet,
        limits=MemoryLimits(),
        rates=MemoryRates(),
        read_many=MemorySchedule(store).read_many,
        clock=CLOCK,
        emit=emit,
        written=limits_of(settings.limits),
    )


def _lists(store: MemoryStore, fleet: MemoryFleet) -> JobLists:
    listing, schedule = MemoryListing(store), MemorySchedule(store)
    running, days = RunningJobs(fleet, schedule, CLOCK), RETENTION.days
    return JobLists(listing, schedule, CLOCK, listed=(Status.FAILED,), retention_days=days, running=running)


def _operation_actions(
    lists: JobLists, store: MemoryStore, context: Context, queues: QueueDirectory, artifacts: MemoryArtifacts
) -> OperationActions:
    parts = OperationParts(
        lists=lists,
        operator=OperatorActions(context, queues, Waiters(CLOCK, lambda _: True)),
        submitter=Submitter(context, operations_alone(), queues, artifacts, inline_limit=4096),
    )
    return OperationActions(MemoryOperations(), MemorySchedule(store), parts, CLOCK, context.emit, RETENTION)
