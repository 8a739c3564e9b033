"""The ports on AWS, as a daemon or a command uses them."""

from __future__ import annotations

from dataclasses import dataclass

from cqworker.aws.clients import AwsClients
from cqworker.aws.dynamodb.batched_store import BatchedStore
from cqworker.aws.dynamodb.due_index import DynamoSchedule
from cqworker.aws.dynamodb.fleet_store import DynamoFleet
from cqworker.aws.dynamodb.job_store import DynamoStore
from cqworker.aws.dynamodb.limit_store import DynamoLimits
from cqworker.aws.dynamodb.listing_index import DynamoListing
from cqworker.aws.dynamodb.operation_items import DynamoOperations
from cqworker.aws.dynamodb.rate_store import DynamoRates
from cqworker.aws.dynamodb.unique_items import DynamoUniqueKeys
from cqworker.aws.s3.artifact_store import S3Artifacts
from cqworker.aws.sqs.batched_sends import BatchedSends
from cqworker.aws.sqs.message_queue import SqsQueue
from cqworker.clock import Clock
from cqworker.events import Emit
from cqworker.fleet.fleet_types import FleetTypes
from cqworker.flow.jobs_in_hand import JobsInHand
from cqworker.flow.queue_control import QueueControl
from cqworker.flow.schedule_state import ScheduleState
from cqworker.health.monitored_limits import MonitoredLimits, MonitoredRates
from cqworker.health.monitored_ports import (
    MonitoredArtifacts,
    MonitoredFleet,
    MonitoredQueue,
    MonitoredSchedule,
    MonitoredStore,
    MonitoredUniqueKeys,
)
from cqworker.health.service_health import ARTIFACTS, STORE, ServiceHealth, queue_service
from cqworker.plugins.registry import Registry
from cqworker.ports import JobQueue, JobStore
from cqworker.ports.fleet import Fleet
from cqworker.ports.limits import Limits
from cqworker.ports.listing import JobListing
from cqworker.ports.operations import Operations
from cqworker.settings import Settings
from cqworker.settings.limit_settings import limits_of
from cqworker.worker.assembly import Dependencies


@dataclass(frozen=True, slots=True)
class AwsPorts:
    """The dependencies of a worker on AWS, more ports of the same table, and the clients that are closed with them."""

    dependencies: Dependencies
    listing: JobListing
    clients: AwsClients
    fleet: Fleet
    operations: Operations
    limits: Limits


def open_aws_ports(
    settings: Settings, registry: Registry, clock: Clock, emit: Emit, *, dead_letters: bool = True
) -> AwsPorts:
    """Builds ports whose every result health remembers; no connection is made before the first call.

    Without `dead_letters` there is no port of a dead-letter queue: a process that runs no jobs does not read it.
    """
    levels = [name for queue in settings.queues for name in queue.queues]
    dead = (queue.dead_letter_queue for queue in settings.queues if dead_letters)
    names, table = [name for name in (*levels, *dead) if name], settings.store.table
    health = ServiceHealth(clock, emit, (*(queue_service(name) for name in names), STORE, ARTIFACTS))
    pollers, owner = 8 * len(levels) + len(names), settings.artifacts.bucket_owner
    clients = AwsClients(emit, pollers=pollers, lean=settings.aws.lean, bucket_owner=owner)
    monitored = {name: MonitoredQueue(SqsQueue(clients, name, clock), health) for name in names}
    queues: dict[str, JobQueue] = {name: BatchedSends(queue) for name, queue in monitored.items()}
    schedule = MonitoredSchedule(DynamoSchedule(clients, table, clock), health)
    artifacts = S3Artifacts(clients, settings.artifacts.bucket, settings.artifacts.prefix)
    fleet = MonitoredFleet(DynamoFleet(clients, table, clock), health)
    dependencies = Dependencies(
        queues=queues,
        open_queue=lambda name: BatchedSends(SqsQueue(clients, name, clock)),
        limits=(limits := MonitoredLimits(DynamoLimits(clients, table, clock), health)),
        schedule=schedule,
        schedule_state=ScheduleState(schedule, clock),
        unique_keys=MonitoredUniqueKeys(DynamoUniqueKeys(clients, settings.store.table), health),
        store=MonitoredStore(_open_store(clients, settings, clock), health),
        artifacts=MonitoredArtifacts(artifacts, health),
        in_hand=JobsInHand(clock),
        registry=registry,
        health=health,
        clock=clock,
        emit=emit,
        queue_control=QueueControl(clock, is_known=False, written=limits_of(settings.limits)),
        rates=MonitoredRates(DynamoRates(clients, table), health),
        is_served_elsewhere=FleetTypes(fleet, clock).is_served,
        tell_crowding=fleet.crowd,
        listing=(listing := DynamoListing(clients, table)),
        operations=(operations := DynamoOperations(clients, table)),
    )
    return AwsPorts(dependencies, listing, clients, fleet, operations, limits)


def _open_store(clients: AwsClients, settings: Settings, clock: Clock) -> JobStore:
    table = settings.store.table
    store = DynamoStore(clients, table, clock)
    return BatchedStore(store, clients, table) if settings.aws.batch_writes else store
