"""The operations in DynamoDB: in a partition of all and in one of their tenant, by their ids and so by their time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from cqworker.aws.aws_call import Answer, Calls, Declined
from cqworker.aws.dynamodb.items import Cell, Item, UnreadableItem, number, text
from cqworker.aws.dynamodb.job_store import WITH_CAPACITY, read_item
from cqworker.aws.operations import GET_ITEM, PUT_ITEM, QUERY
from cqworker.aws.operations import Operation as Call
from cqworker.model.operations import Operation

OPERATIONS = "operations"
"""The partition of the operations' items; a tenant's has its name behind a #, so that nobody looks through others'."""


class DynamoOperations:
    """The operations in the table of this name."""

    def __init__(self, clients: Calls, table: str) -> None:
        self._clients = clients
        self._table = table
        self._about = f'table "{table}"'

    async def remember(self, operation: Operation) -> None:
        """As Operations.remember."""
        said = text(msgspec.json.encode(operation).decode())
        cells = {"operation": said, "purge_at": number(operation.purge_at)}
        for key in (operation_key(operation.operation_id), operation_key(operation.operation_id, operation.tenant)):
            await self._call(PUT_ITEM, {"Item": key | cells})

    async def find(self, operation_id: str) -> Operation | None:
        """As Operations.find."""
        answer = await self._call(GET_ITEM, {"Key": operation_key(operation_id), "ConsistentRead": True})
        item = answer.get("Item")
        return read_item(operation_of, item, self._about) if item else None

    async def latest(
        self, limit: int, before: str | None = None, tenant: str | None = None
    ) -> tuple[Sequence[Operation], str | None]:
        """As Operations.latest; one that only a newer version can read is left out."""
        request: dict[str, Any] = {
            "KeyConditionExpression": "pk = :partition" + ("" if before is None else " AND sk < :before"),
            "ExpressionAttributeValues": {":partition": text(partition_of(tenant))},
            "ScanIndexForward": False,
            "Limit": limit,
        }
        if before is not None:
            request["ExpressionAttributeValues"][":before"] = text(before)
        try:
            answer = await self._call(QUERY, request)
        except Declined as declined:
            raise declined.as_fault(QUERY, self._about) from None
        items, rest = answer.get("Items", ()), answer.get("LastEvaluatedKey")
        found = [operation for item in items if (operation := _read(item)) is not None]
        return found, rest["sk"]["S"] if rest else None

    async def _call(self, operation: Call, request: dict[str, Any]) -> Answer:
        return await self._clients.call(operation, {"TableName": self._table, **WITH_CAPACITY, **request}, self._about)


def partition_of(tenant: str | None) -> str:
    """Where the operations of a tenant are, or of all."""
    return OPERATIONS if tenant is None else f"{OPERATIONS}#{tenant}"


def operation_key(operation_id: str, tenant: str | None = None) -> dict[str, Cell]:
    """The primary key of an operation's item, in the partition of all or of a tenant."""
    return {"pk": text(partition_of(tenant)), "sk": text(operation_id)}


def operation_of(item: Item) -> Operation:
    """The operation of an item. Raises UnreadableItem."""
    try:
        return msgspec.json.decode(item["operation"]["S"], type=Operation)
    except (KeyError, msgspec.MsgspecError) as error:
        raise UnreadableItem(f"an operation: {type(error).__name__}: {error}") from error


def _read(item: Item) -> Operation | None:
    try:
        return operation_of(item)
    except UnreadableItem:
        return None
