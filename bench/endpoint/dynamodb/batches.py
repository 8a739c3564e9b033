"""BatchExecuteStatement: up to 25 statements, each of which succeeds or fails alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.endpoint.dynamodb.cells import Item
from bench.endpoint.dynamodb.indexes import Key
from bench.endpoint.dynamodb.operations import FAILED, Answer, Request
from bench.endpoint.dynamodb.statements import Statement, statement_of
from bench.endpoint.dynamodb.table import ConditionFailed, Done, Table
from bench.endpoint.dynamodb.tables import Tables
from bench.endpoint.errors import Refusal, invalid
from bench.endpoint.ledger import Ledger

OPERATION = "BatchExecuteStatement"
MAX_STATEMENTS = 25
"""Statements in one request (API reference, BatchExecuteStatement)."""
KNOWN = {"Statements", "ReturnConsumedCapacity"}
KNOWN_IN_STATEMENT = {"Statement", "Parameters", "ConsistentRead", "ReturnValuesOnConditionCheckFailure"}
Prepared = tuple[Table, Statement, Item, Key, list[Any], bool]


class StatementBatches:
    """The statements of PartiQL on the tables."""

    def __init__(self, tables: Tables, ledger: Ledger) -> None:
        self._tables = tables
        self._ledger = ledger
        self.operations = {OPERATION: self.execute}

    def execute(self, request: Request) -> Answer:
        """Refuses the request as a whole where two statements are about one key, as DynamoDB does."""
        if not request.keys() <= KNOWN:
            raise invalid(f"Not known here: {', '.join(sorted(request.keys() - KNOWN))}")
        asked = request.get("Statements", ())
        if not 1 <= len(asked) <= MAX_STATEMENTS:
            raise invalid(f"1 validation error detected: Member must have length between 1 and {MAX_STATEMENTS}")
        prepared = [self._prepare(each) for each in asked]
        self._refuse_twins(prepared)
        units: dict[str, float] = {}
        responses = [self._answer(each, units) for each in prepared]
        self._ledger.batch(OPERATION, len(responses))
        if request.get("ReturnConsumedCapacity", "NONE") == "NONE":
            return {"Responses": responses}
        capacity = [{"TableName": name, "CapacityUnits": count} for name, count in units.items()]
        return {"Responses": responses, "ConsumedCapacity": capacity}

    def _prepare(self, asked: Mapping[str, Any]) -> Prepared | Refusal:
        if not asked.keys() <= KNOWN_IN_STATEMENT:
            raise invalid(f"Not known here: {', '.join(sorted(asked.keys() - KNOWN_IN_STATEMENT))}")
        values: list[Any] = asked.get("Parameters") or []
        try:
            statement = statement_of(asked["Statement"])
            if len(values) != statement.parameters:
                raise invalid("Number of parameters in request and statement don't match")
            table = self._tables.get(statement.table)
            key = statement.key(tuple(table.keys), values)
            place = table.key_of(key)
        except Refusal as refusal:
            return refusal
        return table, statement, key, place, values, asked.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"

    def _refuse_twins(self, prepared: Sequence[Prepared | Refusal]) -> None:
        keys = [(each[0].name, each[3]) for each in prepared if not isinstance(each, Refusal)]
        if len(set(keys)) != len(keys):
            raise invalid("Provided list of item keys contains duplicates")

    def _answer(self, prepared: Prepared | Refusal, units: dict[str, float]) -> Answer:
        if isinstance(prepared, Refusal):
            return _error(prepared)
        table, statement, key, place, values, show = prepared
        try:
            done = _execute(table, statement, key, place, values)
        except ConditionFailed as refused:
            units[table.name] = units.get(table.name, 0.0) + refused.units
            self._ledger.refused_write(OPERATION, refused.units, call=False)
            return _condition_error(table, statement, refused.item if show else None)
        except Refusal as refusal:
            return _error(refusal)
        units[table.name] = units.get(table.name, 0.0) + done.units
        self._ledger.write(OPERATION, done.units, table.name, place[0], call=False)
        shown = statement.expression.shown(statement.returning, done.before, done.after)
        return {"TableName": table.name, **({"Item": shown} if shown else {})}


def _execute(table: Table, statement: Statement, key: Item, place: Key, values: list[Any]) -> Done:
    if statement.inserts:
        return table.put(statement.expression.apply({}, values), statement.expression, values)
    if place not in table.rows:
        raise ConditionFailed(None)
    return table.update(key, statement.expression, values)


def _condition_error(table: Table, statement: Statement, item: Item | None) -> Answer:
    if statement.inserts:
        error: Answer = {"Code": "DuplicateItem", "Message": "Duplicate primary key exists in table"}
    else:
        error = {"Code": "ConditionalCheckFailed", "Message": FAILED, **({"Item": item} if item else {})}
    return {"TableName": table.name, "Error": error}


def _error(refusal: Refusal) -> Answer:
    code = {"ValidationException": "ValidationError", "ResourceNotFoundException": "ResourceNotFound"}
    return {"Error": {"Code": code.get(refusal.code, refusal.code), "Message": refusal.message}}
