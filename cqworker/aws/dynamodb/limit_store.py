"""Limits in DynamoDB: slots that are named by job and token, and waiting lists beside them in the same partition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cqworker.aws.aws_call import Answer, Calls, Declined, Request
from cqworker.aws.dynamodb.items import Cell, Item, number, text
from cqworker.aws.dynamodb.job_store import WITH_CAPACITY, WITH_OLD_ITEM, T, read_item
from cqworker.aws.dynamodb.limit_items import (
    DUE_LIMITS,
    LIMIT_PREFIX,
    SLOTS_PREFIX,
    WAITER_PREFIX,
    slots_key,
    slots_of,
    waiter_item,
    waiter_key,
    waiter_of,
)
from cqworker.aws.dynamodb.table_indexes import DUE_INDEX
from cqworker.aws.error_translation import garbled_answer
from cqworker.aws.operations import DELETE_ITEM, PUT_ITEM, QUERY, UPDATE_ITEM, Operation
from cqworker.clock import Clock
from cqworker.errors import NotProvisioned
from cqworker.ports.limits import Hold, Slots, SlotsAnswer, Waiter

LIMIT_DAYS = 7
"""Days after its last write for which the item of a limit's slots is kept: nobody holds or waits for as long."""
MAX_READ = 100
"""Entries of a waiting list that are read at once at most."""
ROOM = "attribute_exists(pk) AND attribute_not_exists(held.#job) AND size(held) < :most"
IN_LINE = f"{ROOM} AND (attribute_not_exists(waiting) OR size(held) < :fewer)"
"""For who comes fresh: the last free slot is for those who wait."""
TAKE = "SET held.#job = :token, purge_at = :purge_at"
MARK = (
    "SET waiting = :mark, due = :due, scheduled_at = if_not_exists(scheduled_at, :at), "
    "held = if_not_exists(held, :none), purge_at = :purge_at"
)


class DynamoLimits:
    """The limits in the table of this name; `clock` says when their items may be deleted."""

    def __init__(self, clients: Calls, table: str, clock: Clock) -> None:
        self._clients = clients
        self._table = table
        self._clock = clock
        self._about = f'table "{table}"'

    async def acquire(self, hold: Hold, most: int, *, in_turn: bool) -> SlotsAnswer:
        """As Limits.acquire: one write; an absent item is put first, which is rare."""
        room = {":most": number(most)} if in_turn else {":most": number(most), ":fewer": number(most - 1)}
        request = self._write_of(hold, ROOM if in_turn else IN_LINE, TAKE, room)
        answer, item = await self._update(request)
        if item is None:
            await self._put_empty(hold)
            answer, item = await self._update(request)
        return SlotsAnswer(applied=answer, slots=self._slots(hold, item))

    async def replace(self, hold: Hold, former: str) -> SlotsAnswer:
        """As Limits.replace."""
        return await self._write(self._write_of(hold, "held.#job = :former", TAKE, {":former": text(former)}), hold)

    async def take_over(self, hold: Hold, dead: Hold) -> SlotsAnswer:
        """As Limits.take_over."""
        condition = "held.#dead = :dead AND attribute_not_exists(held.#job)"
        request = self._write_of(hold, condition, f"{TAKE} REMOVE held.#dead", {":dead": text(dead.token)})
        request["ExpressionAttributeNames"]["#dead"] = dead.job_id
        return await self._write(request, hold)

    async def free(self, hold: Hold) -> SlotsAnswer:
        """As Limits.free."""
        return await self._write(
            self._write_of(hold, "held.#job = :token", "SET purge_at = :purge_at REMOVE held.#job", {}), hold
        )

    async def spread(self, key: str, shards: int) -> None:
        """As Limits.spread."""
        request = {
            "Key": slots_key(key, 0),
            "ConditionExpression": "attribute_not_exists(spread) OR spread < :shards",
            "UpdateExpression": "SET spread = :shards, held = if_not_exists(held, :none), purge_at = :purge_at",
            "ExpressionAttributeValues": {
                ":shards": number(shards),
                ":none": {"M": {}},
                ":purge_at": self._purge_at(),
            },
        }
        try:
            await self._call(UPDATE_ITEM, request)
        except Declined:
            return

    async def slots(self, key: str) -> Sequence[Slots]:
        """As Limits.slots."""
        return [self._read(slots_of, item) for item in await self._first(key, SLOTS_PREFIX, MAX_READ)]

    async def put_waiter(self, key: str, waiter: Waiter) -> Waiter | None:
        """As Limits.put_waiter."""
        request = {
            "Item": waiter_item(key, waiter),
            "ConditionExpression": "attribute_not_exists(pk) OR parked_at < :at",
            "ExpressionAttributeValues": {":at": number(waiter.parked_at)},
            **WITH_OLD_ITEM,
        }
        try:
            await self._call(PUT_ITEM, request)
        except Declined as declined:
            if not declined.answer.get("Item"):
                raise garbled_answer(PUT_ITEM, self._about, "it has no Item") from None
            return self._read(waiter_of, declined.answer["Item"])
        return None

    async def replace_waiter(self, key: str, waiter: Waiter, former: str) -> bool:
        """As Limits.replace_waiter."""
        return await self._write_entry(PUT_ITEM, {"Item": waiter_item(key, waiter)}, former)

    async def delete_waiter(self, key: str, waiter: Waiter) -> bool:
        """As Limits.delete_waiter."""
        return await self._write_entry(DELETE_ITEM, {"Key": waiter_key(key, waiter)}, waiter.token)

    async def _write_entry(self, operation: Operation, request: Request, token: str) -> bool:
        """Writes where the entry has exactly this token."""
        condition = {
            "ConditionExpression": "#token = :token",
            "ExpressionAttributeNames": {"#token": "token"},
            "ExpressionAttributeValues": {":token": text(token)},
        }
        try:
            await self._call(operation, {**request, **condition})
        except Declined:
            return False
        return True

    async def first_waiters(self, key: str, number: int, after: Waiter | None = None) -> Sequence[Waiter]:
        """As Limits.first_waiters."""
        start = None if after is None else waiter_key(key, after)
        found = await self._first(key, WAITER_PREFIX, min(number, MAX_READ), start)
        return [self._read(waiter_of, item) for item in found]

    async def count_waiters(self, key: str, most: int) -> int:
        """As Limits.count_waiters."""
        request = {**_query_of(key, WAITER_PREFIX), "Select": "COUNT"}
        counted = 0
        while counted < most:
            answer = await self._query({**request, "Limit": most - counted})
            counted += answer["Count"]
            if "LastEvaluatedKey" not in answer:
                break
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return counted

    async def mark(self, key: str, mark: str, at: int) -> Slots:
        """As Limits.mark."""
        values = {":mark": text(mark), ":due": text(DUE_LIMITS), ":at": number(at), ":none": {"M": {}}}
        request = {
            "Key": slots_key(key, 0),
            "UpdateExpression": MARK,
            "ExpressionAttributeValues": values | {":purge_at": self._purge_at()},
            "ReturnValues": "ALL_NEW",
        }
        _, item = await self._update(request)
        return self._read(slots_of, item) if item else Slots(0)

    async def marked(self, until: int, number: int) -> Sequence[str]:
        """As Limits.marked."""
        request = {
            "IndexName": DUE_INDEX,
            "KeyConditionExpression": "due = :limits AND scheduled_at <= :until",
            "ExpressionAttributeValues": {":limits": text(DUE_LIMITS), ":until": {"N": str(until)}},
            "Limit": number,
        }
        try:
            answer = await self._call(QUERY, request)
        except Declined as declined:
            raise NotProvisioned(
                f"{declined.as_fault(QUERY, self._about).cause} Run `cqworker provision`; `cqworker doctor` says more."
            ) from None
        return [item["pk"]["S"].removeprefix(LIMIT_PREFIX) for item in answer.get("Items", ())]

    async def put_off(self, key: str, seen: str, at: int) -> bool:
        """As Limits.put_off."""
        return await self._where_marked(key, seen, "SET scheduled_at = :at, purge_at = :purge_at", {":at": number(at)})

    async def clear_mark(self, key: str, seen: str) -> bool:
        """As Limits.clear_mark."""
        return await self._where_marked(key, seen, "SET purge_at = :purge_at REMOVE waiting, due, scheduled_at", {})

    async def _where_marked(self, key: str, seen: str, change: str, values: dict[str, Cell]) -> bool:
        request = {
            "Key": slots_key(key, 0),
            "ConditionExpression": "waiting = :seen",
            "UpdateExpression": change,
            "ExpressionAttributeValues": {":seen": text(seen), ":purge_at": self._purge_at(), **values},
        }
        try:
            await self._call(UPDATE_ITEM, request)
        except Declined:
            return False
        return True

    def _write_of(self, hold: Hold, condition: str, change: str, values: dict[str, Cell]) -> dict[str, Any]:
        used = {":token": text(hold.token), ":purge_at": self._purge_at(), **values}
        return {
            "Key": slots_key(hold.key, hold.shard),
            "ConditionExpression": condition,
            "UpdateExpression": change,
            "ExpressionAttributeNames": {"#job": hold.job_id},
            "ExpressionAttributeValues": used,
            "ReturnValues": "ALL_NEW",
            **WITH_OLD_ITEM,
        }

    async def _write(self, request: Request, hold: Hold) -> SlotsAnswer:
        applied, item = await self._update(request)
        return SlotsAnswer(applied=applied, slots=self._slots(hold, item))

    async def _update(self, request: Request) -> tuple[bool, Item | None]:
        """Whether it was applied, and the item as it stands; None where there is none."""
        try:
            answer = await self._call(UPDATE_ITEM, request)
        except Declined as declined:
            return False, declined.answer.get("Item") or None
        if not answer.get("Attributes"):
            raise garbled_answer(UPDATE_ITEM, self._about, "it has no Attributes")
        return True, answer["Attributes"]

    async def _put_empty(self, hold: Hold) -> None:
        item = {**slots_key(hold.key, hold.shard), "held": {"M": {}}, "purge_at": self._purge_at()}
        try:
            await self._call(PUT_ITEM, {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"})
        except Declined:
            return

    async def _first(self, key: str, prefix: str, number: int, after: Item | None = None) -> Sequence[Item]:
        """The first items of this kind: a page has room for more of them than are ever asked for."""
        start = {} if after is None else {"ExclusiveStartKey": after}
        answer = await self._query({**_query_of(key, prefix), "Limit": number, **start})
        found: Sequence[Item] = answer.get("Items", ())
        return found

    async def _query(self, request: Request) -> Answer:
        try:
            return await self._call(QUERY, request)
        except Declined as declined:
            raise declined.as_fault(QUERY, self._about) from None

    def _slots(self, hold: Hold, item: Item | None) -> Slots:
        return self._read(slots_of, item) if item else Slots(hold.shard)

    def _read(self, reader: Callable[[Item], T], item: Item) -> T:
        return read_item(reader, item, self._about)

    def _purge_at(self) -> Cell:
        return number(self._clock.now() // 1000 + LIMIT_DAYS * 86_400)

    async def _call(self, operation: Operation, request: Request) -> Answer:
        return await self._clients.call(operation, {"TableName": self._table, **WITH_CAPACITY, **request}, self._about)


def _query_of(key: str, prefix: str) -> dict[str, Any]:
    return {
        "KeyConditionExpression": "pk = :key AND begins_with(sk, :prefix)",
        "ExpressionAttributeValues": {":key": text(LIMIT_PREFIX + key), ":prefix": text(prefix)},
        "ConsistentRead": True,
    }
