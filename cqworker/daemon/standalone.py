"""Submission and the operator's desk without a daemon: what the command line's own commands use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cqworker.aws.clients import AwsClients
from cqworker.clock import SystemClock
from cqworker.daemon.aws_ports import DAY, open_premises
from cqworker.events import Emit
from cqworker.jobs.operator_actions import Desk
from cqworker.jobs.submit import Submitter
from cqworker.jobs.waiters import Watch
from cqworker.plugins.registry import Registry, discover
from cqworker.ports import Artifacts
from cqworker.settings import Settings
from cqworker.worker.assembly import Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """Where jobs are handed in and asked after."""

    submitter: Submitter
    desk: Desk
    artifacts: Artifacts
    registry: Registry
    clients: AwsClients
    settings: Settings


@asynccontextmanager
async def counter(settings: Settings, emit: Emit) -> AsyncIterator[Counter]:
    """Opens a counter on AWS and closes its connections at the end."""
    registry = discover(settings.handlers)
    clock = SystemClock()
    premises = open_premises(settings, registry, clock, emit)
    async with premises.clients:
        ground = premises.ground
        yield Counter(
            submitter=open_submitter(ground, settings),
            desk=open_desk(ground, settings, Watch(clock, lambda _: False), lambda _: None),
            artifacts=ground.artifacts,
            registry=registry,
            clients=premises.clients,
            settings=settings,
        )


def open_submitter(ground: Ground, settings: Settings) -> Submitter:
    """The submission of jobs to the configured queues."""
    return Submitter(
        ground.registry,
        {queue.name: ground.queues[queue.name] for queue in settings.queues},
        ground.store,
        ground.artifacts,
        ground.clock,
        ground.emit,
        inline_limit=settings.artifacts.inline_limit,
        retention=settings.store.retention_days * DAY,
    )


def open_desk(ground: Ground, settings: Settings, watch: Watch, hurry: Callable[[str], None]) -> Desk:
    """The operator's desk; `hurry` is told of a cancel of a job that may run in this process."""
    return Desk(
        ground.store,
        {queue.name: ground.queues[queue.name] for queue in settings.queues},
        watch,
        ground.clock,
        ground.emit,
        retention=settings.store.retention_days * DAY,
        hurry=hurry,
    )
