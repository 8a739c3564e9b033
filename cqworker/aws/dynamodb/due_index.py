"""The index of due jobs in DynamoDB: a sparse global secondary index, and the items that say who sweeps it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

from cqworker.aws.aws_call import Answer, Calls, Declined, Request
from cqworker.aws.dynamodb.items import JOB_PREFIX, Item, UnreadableItem, job_key, number, record_of, text
from cqworker.aws.dynamodb.job_store import WITH_CAPACITY, read_item
from cqworker.aws.dynamodb.table_indexes import DUE_INDEX
from cqworker.aws.error_translation import garbled_answer
from cqworker.aws.operations import BATCH_GET, DELETE_ITEM, PUT_ITEM, QUERY
from cqworker.clock import Clock
from cqworker.errors import NotProvisioned
from cqworker.model.backoff import retry_pauses
from cqworker.model.record import JobRecord
from cqworker.ports.schedule import DueEntry, SweepLease

LEASES = "sweeps"
"""The partition of the sweep leases' items."""
LEASE_PREFIX = "due#"
"""What `sk` begins with, of the lease of one shard."""
MAX_GET = 100
"""Items of one BatchGetItem (DynamoDB API reference)."""
GET_TRIES = 6
"""Requests in a row that bring nothing of what was left unprocessed, before the table counts as throttled."""
GET_PAUSE, GET_LONGEST_PAUSE = 0.05, 1.0
"""Seconds before such a request: at first, doubled while nothing comes (BatchGetItem advises so); at most."""
UNPROCESSED: Any = {"Code": "ThrottlingException", "Message": "it leaves keys unprocessed"}
"""What a table says by them, which lacks throughput for these keys (BatchGetItem, UnprocessedKeys)."""
LEASE_DAYS = 7
"""Days after which a lease's item that nobody renewed is deleted by TTL."""


class DynamoSchedule:
    """The index of the table of this name; `clock` tells which records are past their time."""

    def __init__(self, clients: Calls, table: str, clock: Clock) -> None:
        self._clients = clients
        self._table = table
        self._clock = clock
        self._about = f'table "{table}"'

    async def is_ready(self) -> bool:
        """As Schedule.is_ready: an index that is missing or being filled refuses a query (DynamoDB, Query)."""
        try:
            await self._query_index("0", 0, 1, None)
        except Declined:
            return False
        return True

    async def due(
        self, shard: str, until: int, limit: int, after: DueEntry | None = None
    ) -> tuple[Sequence[DueEntry], DueEntry | None]:
        """As Schedule.due."""
        try:
            answer = await self._query_index(shard, until, limit, after)
        except Declined as declined:
            said = declined.as_fault(QUERY, self._about)
            raise NotProvisioned(f"{said.cause} Run `cqworker provision`; `cqworker doctor` says more.") from None
        found = [_entry_of(item) for item in answer.get("Items", ())]
        last = answer.get("LastEvaluatedKey")
        return found, _entry_of(last) if last else None

    async def read_many(self, job_ids: Collection[str]) -> Sequence[JobRecord]:
        """As Schedule.read_many."""
        if not job_ids:
            return []
        items = await self._get_many([job_key(job_id) for job_id in job_ids])
        now = self._clock.now()
        return [record for item in items if (record := _read(item)) is not None and record.purge_at * 1000 > now]

    async def sweep_leases(self) -> Sequence[SweepLease]:
        """As Schedule.sweep_leases."""
        request = {
            "KeyConditionExpression": "pk = :leases",
            "ExpressionAttributeValues": {":leases": text(LEASES)},
            "ConsistentRead": True,
        }
        try:
            answer = await self._call(request)
        except Declined as declined:
            raise declined.as_fault(QUERY, self._about) from None
        return [read_item(_lease_of, item, self._about) for item in answer.get("Items", ())]

    async def take_sweep_lease(self, lease: SweepLease, now: int) -> bool:
        """As Schedule.take_sweep_lease."""
        item = {
            **_lease_key(lease.shard),
            "holder": text(lease.holder),
            "until": number(lease.until),
            "purge_at": number(lease.until // 1000 + LEASE_DAYS * 86_400),
        }
        request = {
            "TableName": self._table,
            "Item": item,
            "ConditionExpression": "attribute_not_exists(holder) OR #until < :now OR holder = :me",
            "ExpressionAttributeNames": {"#until": "until"},
            "ExpressionAttributeValues": {":now": number(now), ":me": text(lease.holder)},
            **WITH_CAPACITY,
        }
        try:
            await self._clients.call(PUT_ITEM, request, self._about)
        except Declined:
            return False
        return True

    async def give_up_sweep_lease(self, shard: str, holder: str) -> None:
        """As Schedule.give_up_sweep_lease."""
        request = {
            "TableName": self._table,
            "Key": _lease_key(shard),
            "ConditionExpression": "holder = :me",
            "ExpressionAttributeValues": {":me": text(holder)},
            **WITH_CAPACITY,
        }
        try:
            await self._clients.call(DELETE_ITEM, request, self._about)
        except Declined:
            return

    async def _get_many(self, keys: Sequence[Item]) -> list[Item]:
        """The items of at most 100 keys. Raises Unavailable where the table goes on leaving some of them out."""
        wanted: Any = {self._table: {"Keys": keys, "ConsistentRead": True}}
        found: list[Item] = []
        pauses, tries = retry_pauses(GET_PAUSE, GET_LONGEST_PAUSE), 0
        while True:
            answer = await self._clients.call(BATCH_GET, {"RequestItems": wanted, **WITH_CAPACITY}, self._about)
            if "Responses" not in answer:
                raise garbled_answer(BATCH_GET, self._about, "it has no Responses")
            brought = answer["Responses"].get(self._table, ())
            found += brought
            wanted = answer.get("UnprocessedKeys")
            if not wanted:
                return found
            if brought:
                pauses, tries = retry_pauses(GET_PAUSE, GET_LONGEST_PAUSE), 0
            elif tries == GET_TRIES:
                raise Declined(UNPROCESSED["Code"], UNPROCESSED["Message"], {"Error": UNPROCESSED}).as_fault(
                    BATCH_GET, self._about
                )
            tries += 1
            await asyncio.sleep(next(pauses))

    async def _query_index(self, shard: str, until: int, limit: int, after: DueEntry | None) -> Answer:
        request: dict[str, Any] = {
            "IndexName": DUE_INDEX,
            "KeyConditionExpression": "due = :shard AND scheduled_at <= :until",
            "ExpressionAttributeValues": {":shard": text(shard), ":until": number(until)},
            "Limit": limit,
        }
        if after is not None:
            position = {"due": text(shard), "scheduled_at": number(after.scheduled_at)}
            request["ExclusiveStartKey"] = {**job_key(after.job_id), **position}
        return await self._call(request)

    async def _call(self, request: Request) -> Answer:
        return await self._clients.call(QUERY, {"TableName": self._table, **WITH_CAPACITY, **request}, self._about)


def _entry_of(item: Item) -> DueEntry:
    return DueEntry(int(item["scheduled_at"]["N"]), item["pk"]["S"].removeprefix(JOB_PREFIX))


def _read(item: Item) -> JobRecord | None:
    try:
        return record_of(item)
    except UnreadableItem:
        return None


def _lease_key(shard: str) -> dict[str, Any]:
    return {"pk": text(LEASES), "sk": text(LEASE_PREFIX + shard)}


def _lease_of(item: Item) -> SweepLease:
    """Raises UnreadableItem."""
    try:
        return SweepLease(item["sk"]["S"].removeprefix(LEASE_PREFIX), item["holder"]["S"], int(item["until"]["N"]))
    except (KeyError, ValueError) as error:
        raise UnreadableItem(f"a sweep lease's item: {type(error).__name__}: {error}") from error
