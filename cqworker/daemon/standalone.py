"""Submission and the operator's actions without a daemon: what the command line's own commands use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from cqworker.aws.clients import AwsClients
from cqworker.aws.sqs.retention import retention_of
from cqworker.clock import Clock, SystemClock
from cqworker.daemon.aws_ports import AwsPorts, open_aws_ports
from cqworker.events import Emit
from cqworker.fleet.control_reader import ControlReader
from cqworker.fleet.fleet_actions import FleetActions
from cqworker.fleet.limit_actions import LimitActions
from cqworker.jobs.job_lists import JobLists
from cqworker.jobs.operation_actions import OperationActions, OperationParts
from cqworker.jobs.operation_work import operations_alone
from cqworker.jobs.operator_actions import OperatorActions
from cqworker.jobs.running_jobs import RunningJobs
from cqworker.jobs.submit import Submitter
from cqworker.jobs.waiters import Waiters
from cqworker.plugins.registry import Registry, discover
from cqworker.ports import Artifacts
from cqworker.settings import Settings
from cqworker.settings.limit_settings import limits_of
from cqworker.worker.assembly import Dependencies, context_of, queues_of
from cqworker.worker.operations import open_target_lists


@dataclass(frozen=True, slots=True, kw_only=True)
class JobServices:
    """Everything that submits jobs and acts on them, on AWS; `clients` are open as long as its context."""

    submitter: Submitter
    operator: OperatorActions
    lists: JobLists
    operations: OperationActions
    artifacts: Artifacts
    fleet: FleetActions
    limits: LimitActions
    control: ControlReader
    registry: Registry
    clients: AwsClients
    clock: Clock
    settings: Settings


@asynccontextmanager
async def open_job_services(settings: Settings, emit: Emit) -> AsyncIterator[JobServices]:
    """Opens the services on AWS and closes their connections at the end.

    Raises PluginConflict where two plugins offer one job type.
    """
    registry = discover(settings.handlers)
    clock = SystemClock()
    aws = open_aws_ports(settings, registry, clock, emit)
    async with aws.clients:
        dependencies = aws.dependencies
        operator = open_operator_actions(dependencies, settings, Waiters(clock, lambda _: False), lambda *_: None)
        yield JobServices(
            submitter=open_submitter(dependencies, settings),
            operator=operator,
            lists=open_lists(aws, settings),
            operations=open_operation_actions(aws, settings, operator),
            artifacts=dependencies.artifacts,
            fleet=open_fleet_actions(aws, settings),
            limits=open_limit_actions(aws, settings),
            control=ControlReader(aws.fleet, dependencies.queue_control, clock, emit),
            registry=registry,
            clients=aws.clients,
            clock=clock,
            settings=settings,
        )


def open_lists(aws: AwsPorts, settings: Settings) -> JobLists:
    """Lists of the jobs in the configured table."""
    dependencies, store = aws.dependencies, settings.store
    return JobLists(
        aws.listing,
        dependencies.schedule,
        dependencies.clock,
        listed=store.listed,
        retention_days=store.retention_days,
        running=RunningJobs(aws.fleet, dependencies.schedule, dependencies.clock),
    )


def open_operation_actions(aws: AwsPorts, settings: Settings, operator: OperatorActions) -> OperationActions:
    """What an operator may ask for on many jobs at once."""
    dependencies = aws.dependencies
    return OperationActions(
        aws.operations,
        dependencies.schedule,
        OperationParts(
            lists=open_target_lists(
                aws.listing, dependencies.schedule, context_of(dependencies, settings), settings.store
            ),
            submitter=open_submitter(replace(dependencies, registry=operations_alone()), settings),
            operator=operator,
        ),
        dependencies.clock,
        dependencies.emit,
        settings.store.retention,
    )


def open_fleet_actions(aws: AwsPorts, settings: Settings) -> FleetActions:
    """What an operator may ask of the fleet."""
    clients, queues = aws.clients, [queue.name for queue in settings.queues]
    dependencies = aws.dependencies
    return FleetActions(
        aws.fleet,
        dependencies.clock,
        dependencies.emit,
        queues,
        lambda queue: retention_of(clients, queue),
        dependencies.queue_control.note_change,
    )


def open_limit_actions(aws: AwsPorts, settings: Settings) -> LimitActions:
    """What an operator may ask of limits."""
    dependencies = aws.dependencies
    return LimitActions(
        fleet=aws.fleet,
        limits=aws.limits,
        rates=dependencies.rates,
        read_many=dependencies.schedule.read_many,
        clock=dependencies.clock,
        emit=dependencies.emit,
        written=limits_of(settings.limits),
        on_change=dependencies.queue_control.note_change,
    )


def open_submitter(dependencies: Dependencies, settings: Settings) -> Submitter:
    """The submission of jobs to the configured queues."""
    return Submitter(
        context_of(dependencies, settings),
        dependencies.registry,
        queues_of(dependencies, settings),
        dependencies.artifacts,
        inline_limit=settings.artifacts.inline_limit,
    )


def open_operator_actions(
    dependencies: Dependencies, settings: Settings, waiters: Waiters, cancel_here: Callable[[str, int], None]
) -> OperatorActions:
    """The operator's actions; `cancel_here` has the id and round of a cancelled job that may run in this process."""
    return OperatorActions(context_of(dependencies, settings), queues_of(dependencies, settings), waiters, cancel_here)
