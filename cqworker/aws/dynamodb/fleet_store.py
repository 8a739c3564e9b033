"""The fleet in DynamoDB: one item a daemon, written once a minute, whose answer brings what is asked of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from cqworker.aws.aws_call import Answer, Calls, Declined, Request
from cqworker.aws.dynamodb.fleet_items import (
    COUNT_DAYS,
    COUNTED,
    FLEET,
    TYPES_DAYS,
    control_cells,
    control_key,
    control_of,
    count_key,
    counts_of,
    heartbeat_cells,
    member_of,
    orders_of,
    types_key,
    worker_key,
)
from cqworker.aws.dynamodb.items import Item, UnreadableItem, number, text
from cqworker.aws.dynamodb.job_store import WITH_CAPACITY, read_item
from cqworker.aws.error_translation import garbled_answer
from cqworker.aws.operations import DELETE_ITEM, GET_ITEM, PUT_ITEM, QUERY, TRANSACT_WRITE, UPDATE_ITEM, Operation
from cqworker.clock import Clock
from cqworker.model.crowding import Crowding
from cqworker.ports.fleet import (
    HEARTBEAT_SECONDS,
    MARGIN_MS,
    STALE_HEARTBEATS,
    Command,
    Control,
    Counts,
    FleetMember,
    Heartbeat,
    Orders,
    WorkerState,
)

UNHEARD_MS = STALE_HEARTBEATS * HEARTBEAT_SECONDS * 1000 + MARGIN_MS
"""Milliseconds after which a name may be taken from a daemon that was not heard, whatever its pace was."""
FIRST_FENCE = (
    "attribute_not_exists(pk) OR attribute_not_exists(boot) OR boot = :boot OR #state = :stopped OR seen < :unheard"
)
"""The first heartbeat of a start: it may replace what nobody keeps alive."""
LATER_FENCE = "boot = :boot"
"""Every other one: an item that was folded meanwhile must not come back, or its counts would be told twice."""


class DynamoFleet:
    """The registry in the table of this name; `clock` says when what is published may be deleted."""

    def __init__(self, clients: Calls, table: str, clock: Clock) -> None:
        self._clients = clients
        self._table = table
        self._clock = clock
        self._about = f'table "{table}"'

    async def heartbeat(self, said: Heartbeat, *, first: bool) -> Orders | None:
        """As Fleet.heartbeat."""
        cells = heartbeat_cells(said)
        values: dict[str, Any] = {f":{name}": cell for name, cell in cells.items()}
        if first:
            values |= {":unheard": number(said.seen - UNHEARD_MS), ":stopped": text(WorkerState.STOPPED)}
        request = {
            "Key": worker_key(said.worker),
            "ConditionExpression": FIRST_FENCE if first else LATER_FENCE,
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in cells),
            "ExpressionAttributeNames": {f"#{name}": name for name in cells},
            "ExpressionAttributeValues": values,
            "ReturnValues": "ALL_NEW",
        }
        try:
            answer = await self._call(UPDATE_ITEM, request)
        except Declined:
            return None
        if not answer.get("Attributes"):
            raise garbled_answer(UPDATE_ITEM, self._about, "it has no Attributes")
        return orders_of(answer["Attributes"])

    async def members(self) -> Sequence[FleetMember]:
        """As Fleet.members; an item that only a newer version can read is left out."""
        found: list[Item] = []
        request: dict[str, Any] = {
            "KeyConditionExpression": "pk = :fleet",
            "ExpressionAttributeValues": {":fleet": text(FLEET)},
        }
        while True:
            try:
                answer = await self._call(QUERY, request)
            except Declined as declined:
                raise declined.as_fault(QUERY, self._about) from None
            found += answer.get("Items", ())
            if "LastEvaluatedKey" not in answer:
                return [member for item in found if (member := _read(item)) is not None]
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    async def order(self, worker: str, command: Command, now: int) -> Orders | None:
        """As Fleet.order: only the start that was seen alive obeys it."""
        held = await self._get(worker_key(worker), consistent=True)
        member = _read(held) if held else None
        if member is None or not member.heartbeat.is_alive(now):
            return None
        request = {
            "Key": worker_key(worker),
            "ConditionExpression": "boot = :boot",
            "UpdateExpression": "SET command = :command, command_boot = :boot ADD command_rev :one",
            "ExpressionAttributeValues": {
                ":boot": text(member.heartbeat.boot),
                ":command": text(command),
                ":one": number(1),
            },
            "ReturnValues": "ALL_NEW",
        }
        try:
            return orders_of((await self._call(UPDATE_ITEM, request))["Attributes"])
        except Declined:
            return None

    async def watch(self, worker: str, until: int) -> None:
        """As Fleet.watch."""
        request = {
            "Key": worker_key(worker),
            "ConditionExpression": "attribute_exists(pk)",
            "UpdateExpression": "SET watched_until = :until",
            "ExpressionAttributeValues": {":until": number(until)},
        }
        try:
            await self._call(UPDATE_ITEM, request)
        except Declined:
            return

    async def publish_types(self, key: str, types: Collection[str]) -> None:
        """As Fleet.publish_types: what stands there is the same, and its time begins anew."""
        purge_at = self._clock.now() // 1000 + TYPES_DAYS * 86_400
        listed = text(msgspec.json.encode(sorted(types)).decode())
        await self._call(PUT_ITEM, {"Item": {**types_key(key), "types": listed, "purge_at": number(purge_at)}})

    async def types(self, key: str) -> frozenset[str]:
        """As Fleet.types."""
        item = await self._get(types_key(key))
        return read_item(_types_of, item, self._about) if item else frozenset()

    async def control(self) -> Control:
        """As Fleet.control."""
        item = await self._get(control_key(), consistent=True)
        return read_item(control_of, item, self._about) if item else Control()

    async def change_control(self, control: Control) -> bool:
        """As Fleet.change_control."""
        is_first = control.revision == 1
        cells = control_cells(control)
        request = {
            "Key": control_key(),
            "ConditionExpression": "attribute_not_exists(rev)" if is_first else "rev = :seen",
            "UpdateExpression": "SET rev = :rev, queues = :queues, limits = :limits",
            "ExpressionAttributeValues": {
                **{f":{name}": cell for name, cell in cells.items()},
                **({} if is_first else {":seen": number(control.revision - 1)}),
            },
        }
        try:
            await self._call(UPDATE_ITEM, request)
        except Declined:
            return False
        return True

    async def enable(self, feature: str) -> bool:
        """As Fleet.enable."""
        request = {
            "Key": control_key(),
            "ConditionExpression": "attribute_not_exists(enabled) OR NOT contains(enabled, :feature)",
            "UpdateExpression": "ADD enabled :features",
            "ExpressionAttributeValues": {":feature": text(feature), ":features": {"SS": [feature]}},
        }
        try:
            await self._call(UPDATE_ITEM, request)
        except Declined:
            return False
        return True

    async def crowd(self, crowding: Crowding) -> None:
        """As Fleet.crowd: what changes meanwhile by others is left as it is."""
        request: dict[str, Any] = {"Key": control_key(), "UpdateExpression": "REMOVE crowding"}
        if not crowding.is_empty:
            said = text(msgspec.json.encode(crowding).decode())
            request |= {"UpdateExpression": "SET crowding = :said", "ExpressionAttributeValues": {":said": said}}
        try:
            await self._call(UPDATE_ITEM, request)
        except Declined as declined:
            raise declined.as_fault(UPDATE_ITEM, self._about) from None

    async def fold(self, member: FleetMember, day: str) -> bool:
        """As Fleet.fold: a transaction where there is something to count."""
        said = member.heartbeat
        removal = {
            "TableName": self._table,
            "Key": worker_key(said.worker),
            "ConditionExpression": "boot = :boot AND seen = :seen",
            "ExpressionAttributeValues": {":boot": text(said.boot), ":seen": number(said.seen)},
        }
        counted = [
            (f"{COUNTED}{job_type}#{outcome}", counted)
            for job_type, outcomes in said.counts.items()
            for outcome, counted in outcomes.items()
        ]
        try:
            if counted:
                parts = [{"Delete": removal}, {"Update": self._addition(day, counted)}]
                await self._clients.call(TRANSACT_WRITE, {"TransactItems": parts, **WITH_CAPACITY}, self._about)
            else:
                await self._clients.call(DELETE_ITEM, {**removal, **WITH_CAPACITY}, self._about)
        except Declined:
            return False
        return True

    async def folded(self, day: str) -> Counts:
        """As Fleet.folded."""
        item = await self._get(count_key(day))
        return counts_of(item) if item else {}

    def _addition(self, day: str, counted: Sequence[tuple[str, int]]) -> Request:
        purge_at = self._clock.now() // 1000 + COUNT_DAYS * 86_400
        added = ", ".join(f"#c{place} :c{place}" for place in range(len(counted)))
        return {
            "TableName": self._table,
            "Key": count_key(day),
            "UpdateExpression": f"SET purge_at = :purge_at ADD {added}",
            "ExpressionAttributeNames": {f"#c{place}": name for place, (name, _) in enumerate(counted)},
            "ExpressionAttributeValues": {
                ":purge_at": number(purge_at),
                **{f":c{place}": number(value) for place, (_, value) in enumerate(counted)},
            },
        }

    async def _get(self, key: Request, *, consistent: bool = False) -> Item | None:
        answer = await self._call(GET_ITEM, {"Key": key, "ConsistentRead": consistent})
        return answer.get("Item") or None

    async def _call(self, operation: Operation, request: Request) -> Answer:
        return await self._clients.call(operation, {"TableName": self._table, **WITH_CAPACITY, **request}, self._about)


def _read(item: Item) -> FleetMember | None:
    try:
        return member_of(item)
    except UnreadableItem:
        return None


def _types_of(item: Item) -> frozenset[str]:
    try:
        return frozenset(msgspec.json.decode(item["types"]["S"], type=list[str]))
    except (KeyError, msgspec.MsgspecError) as error:
        raise UnreadableItem(f"the job types of a deploy: {type(error).__name__}: {error}") from error
