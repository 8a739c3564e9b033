"""The operations on items, request in and answer out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bench.endpoint.dynamodb.cells import Item, read_units
from bench.endpoint.dynamodb.expressions import Expression, check_values, expression_of
from bench.endpoint.dynamodb.table import ConditionFailed, Table
from bench.endpoint.dynamodb.tables import Tables
from bench.endpoint.errors import Refusal, invalid
from bench.endpoint.ledger import Ledger

Request = Mapping[str, Any]
Answer = dict[str, Any]

COMMON = {"TableName", "ReturnConsumedCapacity"}
EXPRESSIONS = {"ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues"}
CONDITIONAL = COMMON | EXPRESSIONS | {"ReturnValues", "ReturnValuesOnConditionCheckFailure"}
FAILED = "The conditional request failed"


class Items:
    """PutItem, UpdateItem, DeleteItem and GetItem; what each costs goes into the ledger."""

    def __init__(self, tables: Tables, ledger: Ledger) -> None:
        self._tables = tables
        self._ledger = ledger
        self.operations: dict[str, Callable[[Request], Answer]] = {
            "GetItem": self._get,
            "PutItem": self._put,
            "UpdateItem": self._update,
            "DeleteItem": self._delete,
        }

    def _get(self, request: Request) -> Answer:
        table = self._table(request, COMMON | {"Key", "ConsistentRead"})
        row = table.get(request["Key"])
        units = read_units(row.size if row else 0, consistent=request.get("ConsistentRead", False))
        self._ledger.read("GetItem", units)
        return {**({"Item": row.item} if row else {}), **consumed_capacity(request, table.name, units)}

    def _put(self, request: Request) -> Answer:
        table = self._table(request, CONDITIONAL | {"Item"})
        wanted = _which_returned(request, {"ALL_OLD"})
        expression, values = _compile(request)
        item: Item = request["Item"]
        done = self._try("PutItem", request, lambda: table.put(item, expression, values))
        self._ledger.write("PutItem", done.units, table.name, next(iter(table.key_of(_key(table, item)))))
        old = {"Attributes": done.before} if wanted and done.before else {}
        return {**old, **consumed_capacity(request, table.name, done.units)}

    def _update(self, request: Request) -> Answer:
        table = self._table(request, CONDITIONAL | {"Key", "UpdateExpression"})
        wanted = _which_returned(request, {"ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"})
        expression, values = _compile(request)
        done = self._try("UpdateItem", request, lambda: table.update(request["Key"], expression, values))
        self._ledger.write("UpdateItem", done.units, table.name, table.key_of(request["Key"])[0])
        shown = expression.shown(wanted, done.before, done.after)
        return {**({"Attributes": shown} if shown else {}), **consumed_capacity(request, table.name, done.units)}

    def _delete(self, request: Request) -> Answer:
        table = self._table(request, CONDITIONAL | {"Key"})
        wanted = _which_returned(request, {"ALL_OLD"})
        expression, values = _compile(request)
        done = self._try("DeleteItem", request, lambda: table.delete(request["Key"], expression, values))
        self._ledger.write("DeleteItem", done.units, table.name, table.key_of(request["Key"])[0])
        old = {"Attributes": done.item} if wanted and done.item else {}
        return {**old, **consumed_capacity(request, table.name, done.units)}

    def _table(self, request: Request, known: set[str]) -> Table:
        if not request.keys() <= known:
            raise invalid(f"Not known here: {', '.join(sorted(request.keys() - known))}")
        return self._tables.get(request.get("TableName", ""))

    def _try(self, operation: str, request: Request, write: Callable[[], Any]) -> Any:
        """The write's outcome; a condition that fails is an error that may carry the item."""
        try:
            return write()
        except ConditionFailed as refused:
            self._ledger.refused_write(operation, refused.units)
            shown = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and refused.item
            more = {"Item": refused.item} if shown else {}
            raise Refusal("ConditionalCheckFailedException", FAILED, more=more) from None


def consumed_capacity(request: Request, table: str, units: float) -> Answer:
    """What was consumed, where the request asks for it."""
    asked = request.get("ReturnConsumedCapacity", "NONE")
    return {} if asked == "NONE" else {"ConsumedCapacity": {"TableName": table, "CapacityUnits": float(units)}}


def _compile(request: Request) -> tuple[Expression, Mapping[str, Any]]:
    names = request.get("ExpressionAttributeNames") or {}
    values: Mapping[str, Any] = request.get("ExpressionAttributeValues") or {}
    update = request.get("UpdateExpression")
    expression = expression_of(request.get("ConditionExpression"), update, tuple(names.items()))
    check_values(expression, values)
    return expression, values


def _which_returned(request: Request, known: set[str]) -> str | None:
    wanted: str = request.get("ReturnValues", "NONE")
    if wanted != "NONE" and wanted not in known:
        raise invalid(f"ReturnValues can not be {wanted} here")
    return None if wanted == "NONE" else wanted


def _key(table: Table, item: Item) -> Item:
    return {name: item[name] for name in table.keys}
