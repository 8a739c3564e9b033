"""The records in DynamoDB behind the port: every write conditional, every refusal with what stood there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from cqworker.aws.aws_call import Answer, Calls, Declined, Request
from cqworker.aws.dynamodb.items import Item, UnreadableItem, job_key, key_of, record_of
from cqworker.aws.dynamodb.update_expressions import put_of, reservation_of, update_of
from cqworker.aws.error_translation import garbled_answer
from cqworker.aws.operations import GET_ITEM, PUT_ITEM, UPDATE_ITEM, Operation
from cqworker.clock import Clock
from cqworker.errors import RecordUnreadable
from cqworker.model.attempt_writes import HandBack, Settle
from cqworker.model.operator_writes import Enter
from cqworker.model.record import JobRecord
from cqworker.model.schedule_writes import HandOver
from cqworker.model.writes import Change, LazyWritten, Refused, Written
from cqworker.ports import KeyItem

T = TypeVar("T")

SELDOM_READ = (Settle, HandBack, HandOver)
"""Changes after which the record is seldom looked at: it is read only when it is."""
NEVER_TRUE = "attribute_exists(pk) AND attribute_not_exists(pk)"
"""A condition that no item and no absence of one fulfils: the role is tried, nothing is written."""
WITH_CAPACITY: Request = {"ReturnConsumedCapacity": "TOTAL"}
WITH_OLD_ITEM: Request = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


class DynamoStore:
    """The table of this name; `clock` tells which records are past their time."""

    def __init__(self, clients: Calls, table: str, clock: Clock) -> None:
        self._clients = clients
        self._table = table
        self._clock = clock
        self._about = f'table "{table}"'

    async def get(self, job_id: str) -> JobRecord | None:
        """As JobStore.get."""
        answer = await self._call(GET_ITEM, {"Key": job_key(job_id), "ConsistentRead": True})
        if "Item" not in answer:
            return None
        record = self._read(record_of, answer["Item"])
        return record if record.purge_at * 1000 > self._clock.now() else None

    async def write(self, change: Change) -> Written | Refused:
        """As JobStore.write."""
        try:
            if isinstance(change, Enter):
                await self._call(PUT_ITEM, {**put_of(change), **WITH_OLD_ITEM})
                return Written(change.record)
            answer = await self._call(UPDATE_ITEM, {**update_of(change), **WITH_OLD_ITEM, "ReturnValues": "ALL_NEW"})
        except Declined as declined:
            seen = declined.answer.get("Item")
            return Refused(self._read_after(seen) if seen else None)
        if not answer.get("Attributes"):
            raise garbled_answer(UPDATE_ITEM, self._about, "it has no Attributes")
        left = partial(self._read_after, answer["Attributes"])
        return LazyWritten(left) if isinstance(change, SELDOM_READ) else Written(left())

    async def reserve_key(self, key: KeyItem, now: int) -> KeyItem | None:
        """As JobStore.reserve_key; a holder with our own job is a put of ours whose answer was lost."""
        try:
            await self._call(PUT_ITEM, {**reservation_of(key, now), **WITH_OLD_ITEM})
        except Declined as declined:
            if not declined.answer.get("Item"):
                raise garbled_answer(PUT_ITEM, self._about, "it has no Item") from None
            holder = self._read(key_of, declined.answer["Item"])
            return None if holder.job_id == key.job_id else holder
        return None

    async def check(self) -> None:
        """As JobStore.check: reads an item that never exists, for half a read unit."""
        await self._call(GET_ITEM, {"Key": job_key("")})

    async def check_writing(self) -> None:
        """As JobStore.check_writing: under a condition that nothing fulfils, for one write unit."""
        try:
            await self._call(UPDATE_ITEM, {"Key": job_key(""), "ConditionExpression": NEVER_TRUE})
        except Declined:
            return

    async def _call(self, operation: Operation, request: Request) -> Answer:
        return await self._clients.call(operation, {"TableName": self._table, **WITH_CAPACITY, **request}, self._about)

    def _read(self, reader: Callable[[Item], T], item: Item) -> T:
        return read_item(reader, item, self._about)

    def _read_after(self, item: Item) -> JobRecord:
        """The record that stands there after a write, be it applied or refused."""
        return read_item(record_of, item, self._about, ambiguous=True)


def read_item(reader: Callable[[Item], T], item: Item, about: str, *, ambiguous: bool = False) -> T:
    """What the reader makes of an item of the table that `about` names; raises RecordUnreadable where it cannot.

    `ambiguous`: the item was the answer to a write, which may have been applied. Even a refusal may be our own doing:
    whose token stands there cannot be read, and an earlier try's answer may have been lost.
    """
    try:
        return reader(item)
    except UnreadableItem as fault:
        raise RecordUnreadable(
            "dynamodb",
            f"The {about} holds an item that this version cannot read: {fault}.",
            "Upgrade this worker if a newer one wrote it; else mend or delete the item.",
            ambiguous=ambiguous,
        ) from fault
