"""The same three ports from three makers: memory, and AWS's API as moto or the real engines answer it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Protocol
from uuid import uuid4

import pytest

from cqworker.aws.clients import AwsClients
from cqworker.aws.dynamodb.batched_store import BatchedStore
from cqworker.aws.dynamodb.due_index import DynamoSchedule
from cqworker.aws.dynamodb.fleet_store import DynamoFleet
from cqworker.aws.dynamodb.job_store import DynamoStore
from cqworker.aws.dynamodb.limit_store import DynamoLimits
from cqworker.aws.dynamodb.listing_index import DynamoListing
from cqworker.aws.dynamodb.operation_items import DynamoOperations
from cqworker.aws.dynamodb.rate_store import DynamoRates
from cqworker.aws.dynamodb.table_indexes import DUE, TableIndex, attribute_definitions, wanted_indexes
from cqworker.aws.dynamodb.unique_items import DynamoUniqueKeys
from cqworker.aws.operations import Operation
from cqworker.aws.s3.artifact_store import S3Artifacts
from cqworker.aws.sqs.message_queue import SqsQueue
from cqworker.clock import Clock, SystemClock
from cqworker.ports import Artifacts, JobQueue, JobStore
from cqworker.ports.fleet import Fleet
from cqworker.ports.limits import Limits
from cqworker.ports.listing import JobIndex, JobListing
from cqworker.ports.operations import Operations
from cqworker.ports.rates import Rates
from cqworker.ports.schedule import Schedule
from cqworker.ports.unique_keys import UniqueKeys
from cqworker.testing import MemoryArtifacts, MemoryQueue, MemoryStore
from cqworker.testing.memory_fleet import MemoryFleet
from cqworker.testing.memory_limits import MemoryLimits
from cqworker.testing.memory_listing import MemoryListing
from cqworker.testing.memory_operations import MemoryOperations
from cqworker.testing.memory_rates import MemoryRates
from cqworker.testing.memory_schedule import MemorySchedule
from cqworker.testing.memory_unique_keys import MemoryUniqueKeys

CREATE_QUEUE = Operation("sqs", "CreateQueue", "sqs:CreateQueue", writes=True)
QUEUE_ATTRIBUTES = Operation("sqs", "GetQueueAttributes", "sqs:GetQueueAttributes")
CREATE_TABLE = Operation("dynamodb", "CreateTable", "dynamodb:CreateTable", writes=True)
CREATE_BUCKET = Operation("s3", "CreateBucket", "s3:CreateBucket", writes=True)
PREFIX = "some/where/"


class World(Protocol):
    """Makes ports that share nothing with another test's."""

    async def queue(self) -> JobQueue: ...

    async def queue_with_dead_letters(self, max_receive_count: int) -> tuple[JobQueue, JobQueue]: ...

    async def store(self, clock: Clock) -> JobStore: ...

    async def artifacts(self) -> Artifacts: ...

    async def fleet(self, clock: Clock) -> Fleet: ...

    async def limits(self, clock: Clock, *, indexed: bool = True) -> Limits: ...
    async def rates(self) -> Rates: ...
    async def operations(self) -> Operations: ...

    async def schedule(self, clock: Clock, *, indexed: bool = True) -> tuple[Schedule, JobStore]: ...

    async def listing(self, clock: Clock, *missing: JobIndex) -> tuple[JobListing, JobStore]: ...

    async def unique_keys(self, clock: Clock) -> tuple[UniqueKeys, JobStore]: ...


class MemoryWorld:
    async def queue(self) -> JobQueue:
        return MemoryQueue("queue", SystemClock())

    async def queue_with_dead_letters(self, max_receive_count: int) -> tuple[JobQueue, JobQueue]:
        dead = MemoryQueue("dead", SystemClock())
        return MemoryQueue("queue", SystemClock(), dead_letters=dead, max_receive_count=max_receive_count), dead

    async def store(self, clock: Clock) -> JobStore:
        return MemoryStore(clock)

    async def artifacts(self) -> Artifacts:
        return MemoryArtifacts("artifacts", PREFIX)

    async def fleet(self, clock: Clock) -> Fleet:
        return MemoryFleet()

    async def limits(self, clock: Clock, *, indexed: bool = True) -> Limits:
        return MemoryLimits(ready=indexed)

    async def rates(self) -> Rates:
        return MemoryRates()

    async def operations(self) -> Operations:
        return MemoryOperations()

    async def schedule(self, clock: Clock, *, indexed: bool = True) -> tuple[Schedule, JobStore]:
        store = MemoryStore(clock)
        return MemorySchedule(store, ready=indexed), store

    async def listing(self, clock: Clock, *missing: JobIndex) -> tuple[JobListing, JobStore]:
        store = MemoryStore(clock)
        listing = MemoryListing(store)
        listing.missing |= set(missing)
        return listing, store

    async def unique_keys(self, clock: Clock) -> tuple[UniqueKeys, JobStore]:
        store = MemoryStore(clock)
        return MemoryUniqueKeys(store), store


class AwsWorld:
    def __init__(self, clients: AwsClients, *, in_batches: bool = False) -> None:
        self._clients = clients
        self._in_batches = in_batches

    async def queue(self) -> JobQueue:
        return await self._create({})

    async def queue_with_dead_letters(self, max_receive_count: int) -> tuple[JobQueue, JobQueue]:
        dead = await self._create({})
        url = await self._clients.call(CREATE_QUEUE, {"QueueName": dead.name}, "a test's queue")
        asked = {"QueueUrl": url["QueueUrl"], "AttributeNames": ["QueueArn"]}
        answer = await self._clients.call(QUEUE_ATTRIBUTES, asked, "a test's queue")
        policy = {"deadLetterTargetArn": answer["Attributes"]["QueueArn"], "maxReceiveCount": max_receive_count}
        return await self._create({"RedrivePolicy": json.dumps(policy)}), dead

    async def store(self, clock: Clock) -> JobStore:
        table = unique("table")
        await create_table(self._clients, table)
        store = DynamoStore(self._clients, table, clock)
        return BatchedStore(store, self._clients, table) if self._in_batches else store

    async def artifacts(self) -> Artifacts:
        bucket = unique("bucket")
        await self._clients.call(CREATE_BUCKET, {"Bucket": bucket}, "a test's bucket")
        return S3Artifacts(self._clients, bucket, PREFIX)

    async def fleet(self, clock: Clock) -> Fleet:
        table = unique("table")
        await create_table(self._clients, table)
        return DynamoFleet(self._clients, table, clock)

    async def limits(self, clock: Clock, *, indexed: bool = True) -> Limits:
        table = unique("table")
        await create_table(self._clients, table, *((DUE,) if indexed else ()))
        return DynamoLimits(self._clients, table, clock)

    async def rates(self) -> Rates:
        table = unique("table")
        await create_table(self._clients, table)
        return DynamoRates(self._clients, table)

    async def operations(self) -> Operations:
        table = unique("table")
        await create_table(self._clients, table)
        return DynamoOperations(self._clients, table)

    async def schedule(self, clock: Clock, *, indexed: bool = True) -> tuple[Schedule, JobStore]:
        table = unique("table")
        await create_table(self._clients, table, *((DUE,) if indexed else ()))
        store = DynamoStore(self._clients, table, clock)
        used = BatchedStore(store, self._clients, table) if self._in_batches else store
        return DynamoSchedule(self._clients, table, clock), used

    async def listing(self, clock: Clock, *missing: JobIndex) -> tuple[JobListing, JobStore]:
        table = unique("table")
        indexes = [index for index in wanted_indexes(list_all=True) if index.name not in missing]
        await create_table(self._clients, table, *indexes)
        return DynamoListing(self._clients, table), DynamoStore(self._clients, table, clock)

    async def unique_keys(self, clock: Clock) -> tuple[UniqueKeys, JobStore]:
        table = unique("table")
        await create_table(self._clients, table)
        return DynamoUniqueKeys(self._clients, table), DynamoStore(self._clients, table, clock)

    async def _create(self, attributes: Mapping[str, str]) -> SqsQueue:
        name = unique("queue")
        await self._clients.call(CREATE_QUEUE, {"QueueName": name, "Attributes": attributes}, "a test's queue")
        return SqsQueue(self._clients, name, SystemClock())


async def create_table(clients: AwsClients, table: str, *indexes: TableIndex) -> None:
    """A table with the keys that records have, and these indexes."""
    types = {"pk": "S", "sk": "S"}
    for index in indexes:
        types |= index.key_types
    request = {
        "TableName": table,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "AttributeDefinitions": attribute_definitions(types),
        **({"GlobalSecondaryIndexes": [index.definition for index in indexes]} if indexes else {}),
    }
    await clients.call(CREATE_TABLE, request, "a test's table")


def unique(what: str) -> str:
    """A name that no other test has, fit for a queue, a table and a bucket."""
    return f"{what}-{uuid4().hex[:12]}"


def use_environment(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> None:
    """Turns the AWS SDK of this process to what these variables say, and to nothing else."""
    for name in os.environ:
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    alone = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "NO_PROXY": "127.0.0.1"}
    for name, value in {**alone, "AWS_EC2_METADATA_DISABLED": "true", **environment}.items():
        monkeypatch.setenv(name, value)
