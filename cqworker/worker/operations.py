"""What a worker serves beside the handlers that people install: operations on many jobs."""

from __future__ import annotations

from cqworker.flow.context import Context
from cqworker.jobs.job_lists import JobLists
from cqworker.jobs.operation_work import OperationServices, OperationWork, with_operations
from cqworker.jobs.operator_actions import OperatorActions
from cqworker.jobs.queue_directory import QueueDirectory
from cqworker.jobs.waiters import Waiters
from cqworker.plugins.registry import Registry
from cqworker.ports.listing import JobListing
from cqworker.ports.operations import Operations
from cqworker.ports.schedule import Schedule
from cqworker.settings import StoreSettings


def open_target_lists(listing: JobListing, schedule: Schedule, context: Context, settings: StoreSettings) -> JobLists:
    """The lists that operations go through: those of an index alone, for the workers name a part of what runs."""
    return JobLists(listing, schedule, context.clock, listed=settings.listed, retention_days=settings.retention_days)


def serve_operations(
    registry: Registry,
    operations: Operations,
    lists: JobLists,
    schedule: Schedule,
    context: Context,
    queues: QueueDirectory,
) -> Registry:
    """The registry of a worker that serves operations, too; it is made on the loop where the ports are used."""
    services = OperationServices(
        operations=operations,
        lists=lists,
        schedule=schedule,
        store=context.store,
        operator=OperatorActions(context, queues, Waiters(context.clock, lambda _: False)),
        queues=queues,
        clock=context.clock,
        emit=context.emit,
    )
    return with_operations(registry, OperationWork(services))
