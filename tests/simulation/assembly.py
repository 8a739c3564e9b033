"""The parts of a daemon beside its worker, put together as the daemon does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cqworker.aws.sqs.batched_sends import BatchedSends
from cqworker.clock import Clock
from cqworker.flow.lease import Lease
from cqworker.health.monitored_ports import MonitoredUniqueKeys
from cqworker.health.service_health import ServiceHealth
from cqworker.jobs.hand_over import HandOvers
from cqworker.jobs.operator_actions import OperatorActions
from cqworker.jobs.submit import Submitter
from cqworker.jobs.waiters import Waiters
from cqworker.ports import JobQueue
from cqworker.ports.schedule import Schedule
from cqworker.ports.unique_keys import UniqueKeys
from cqworker.scheduling.sweep_leases import SweepLeases
from cqworker.scheduling.sweeper import Pace, Sweeper
from cqworker.settings import Settings
from cqworker.worker.assembly import Dependencies, context_of, lists_of, queues_of
from cqworker.worker.worker import Worker
from tests.simulation.network import Link
from tests.simulation.ports import NoQueue, SimQueue, SimUniqueKeys
from tests.simulation.site import Site
from tests.simulation.store_service import StoreService

NO_SCHEDULE: Schedule = None  # type: ignore[assignment]  # who is from before the index never asks for it


def open_queue(site: Site, link: Link, clock: Clock, leases: Callable[[], Iterable[Lease]], name: str) -> JobQueue:
    """A queue that this process does not poll."""
    service = next((service for service in site.services if service.name == name), None)
    if service is None:
        return NoQueue(name)  # type: ignore[return-value]  # nobody receives from it
    return BatchedSends(SimQueue(service, link, clock, leases))


def open_sweeper(
    schedule: Schedule, ground: Dependencies, settings: Settings, name: str, horizon: int, live: Callable[[], int]
) -> Sweeper:
    """The sweep of due jobs; `horizon` in ms, `live` says how many daemons the registry knows to be alive."""

    async def count_live() -> int:
        return live()

    context = context_of(ground, settings, name)
    hand_overs = HandOvers(context, queues_of(ground, settings))
    leases = SweepLeases(schedule, ground.clock, name, count_live=count_live)
    return Sweeper(schedule, context, hand_overs, leases, lists_of(ground, settings), Pace(horizon))


def open_unique_keys(service: StoreService, link: Link, health: ServiceHealth) -> UniqueKeys:
    """The keys of unique jobs, in the table that the records are in."""
    return MonitoredUniqueKeys(SimUniqueKeys(service, link), health)


def open_jobs(
    ground: Dependencies, settings: Settings, waiters: Waiters, worker: Worker
) -> tuple[Submitter, OperatorActions]:
    """Where jobs are handed in and asked after."""
    queues = queues_of(ground, settings)
    context = context_of(ground, settings)
    inline_limit = settings.artifacts.inline_limit
    submitter = Submitter(context, ground.registry, queues, ground.artifacts, inline_limit=inline_limit)
    return submitter, OperatorActions(context, queues, waiters, worker.cancel_here)
