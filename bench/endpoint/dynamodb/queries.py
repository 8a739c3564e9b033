"""Query and BatchGetItem: reads of many items in one request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.endpoint.dynamodb.cells import Item, read_units, weight
from bench.endpoint.dynamodb.expressions import Expression, check_values, expression_of
from bench.endpoint.dynamodb.indexes import Index, Key
from bench.endpoint.dynamodb.operations import COMMON, Answer, Request, consumed_capacity
from bench.endpoint.dynamodb.table import Table
from bench.endpoint.dynamodb.tables import Tables
from bench.endpoint.errors import invalid
from bench.endpoint.ledger import Ledger

KNOWN = COMMON | {
    "IndexName",
    "KeyConditionExpression",
    "FilterExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "Limit",
    "ExclusiveStartKey",
    "ScanIndexForward",
    "ConsistentRead",
    "Select",
}
KNOWN_IN_GET = {"RequestItems", "ReturnConsumedCapacity"}
MAX_KEYS = 100
"""Keys of one BatchGetItem (API reference)."""
PAGE_BYTES = 1_048_576
"""Bytes that one answer to a Query goes through at most: 1 MB (API reference, Query)."""
FIRST = re.compile(r"\s*(?P<name>#?\w+)\s*=\s*(?P<value>:\w+)\s*(?:AND\s+(?P<rest>.+))?", re.DOTALL)
PLACEHOLDER = re.compile(r"[#:]\w+")
Row = tuple[Any, Key, Item]


@dataclass(frozen=True, slots=True)
class KeyCondition:
    """The partition that is asked for, and what the place in it has to fulfil."""

    partition: str
    place: Expression | None


class Reads:
    """Query and BatchGetItem on the tables; what each costs goes into the ledger."""

    def __init__(self, tables: Tables, ledger: Ledger) -> None:
        self._tables = tables
        self._ledger = ledger
        self.operations: dict[str, Callable[[Request], Answer]] = {"Query": self._query, "BatchGetItem": self._get_many}

    def _query(self, request: Request) -> Answer:
        if not request.keys() <= KNOWN:
            raise invalid(f"Not known here: {', '.join(sorted(request.keys() - KNOWN))}")
        table = self._tables.get(request.get("TableName", ""))
        rows = list(_rows_of(table, request))
        page, last = _page(rows, request.get("Limit"))
        kept = [item for _, _, item in page if _is_kept(item, request)]
        is_consistent = bool(request.get("ConsistentRead"))
        units = read_units(sum(weight(item) for _, _, item in page), consistent=is_consistent)
        self._ledger.read("Query", units)
        answer: Answer = {
            "Count": len(kept),
            "ScannedCount": len(page),
            **consumed_capacity(request, table.name, units),
        }
        if request.get("Select") != "COUNT":
            answer["Items"] = kept
        if last is not None:
            index = table.indexes.get(request.get("IndexName", ""))
            names = {*table.keys, *(index.keys if index else ())}
            answer["LastEvaluatedKey"] = {name: cell for name, cell in last[2].items() if name in names}
        return answer

    def _get_many(self, request: Request) -> Answer:
        """Refuses a key that is asked for twice, as DynamoDB does; an item that is not there is left out."""
        if not request.keys() <= KNOWN_IN_GET:
            raise invalid(f"Not known here: {', '.join(sorted(request.keys() - KNOWN_IN_GET))}")
        asked: Mapping[str, Mapping[str, Any]] = request["RequestItems"]
        if not 1 <= sum(len(each["Keys"]) for each in asked.values()) <= MAX_KEYS:
            raise invalid(f"Too many items requested for the BatchGetItem call: 1 to {MAX_KEYS}")
        found: dict[str, list[Item]] = {}
        units: dict[str, float] = {}
        for name, wanted in asked.items():
            found[name], units[name] = self._get_from(self._tables.get(name), wanted)
        self._ledger.read("BatchGetItem", sum(units.values()))
        answer: Answer = {"Responses": found, "UnprocessedKeys": {}}
        if request.get("ReturnConsumedCapacity", "NONE") != "NONE":
            capacity = [{"TableName": name, "CapacityUnits": count} for name, count in units.items()]
            answer["ConsumedCapacity"] = capacity
        return answer

    @staticmethod
    def _get_from(table: Table, wanted: Mapping[str, Any]) -> tuple[list[Item], float]:
        if not wanted.keys() <= {"Keys", "ConsistentRead"}:
            raise invalid(f"Not known here: {', '.join(sorted(wanted.keys() - {'Keys', 'ConsistentRead'}))}")
        keys = [table.key_of(key) for key in wanted["Keys"]]
        if len(set(keys)) != len(keys):
            raise invalid("Provided list of item keys contains duplicates")
        rows = [table.rows.get(key) for key in keys]
        consistent = bool(wanted.get("ConsistentRead"))
        units = sum(read_units(row.size if row else 0, consistent=consistent) for row in rows)
        return [row.item for row in rows if row is not None], units


def _rows_of(table: Table, request: Request) -> Iterator[Row]:
    """What the key condition asks for, from where the request goes on."""
    index = _index_of(table, request)
    condition = _key_condition(request, list(index.keys if index else table.keys))
    rows: Sequence[Row]
    if index is not None:
        rows = index.in_order(condition.partition)
    else:
        rows = [(key[-1], key, item) for key, item in table.in_partition(condition.partition)]
    is_forward = request.get("ScanIndexForward", True)
    start = request.get("ExclusiveStartKey")
    after = None
    if start is not None:
        key = table.key_of({name: start[name] for name in table.keys})
        after = (index.position_of(start) if index else key[-1], key)
    for row in rows if is_forward else reversed(rows):
        is_ahead = after is None or (row[:2] > after if is_forward else row[:2] < after)
        if is_ahead and (condition.place is None or condition.place.permits(row[2], _values(request))):
            yield row


def _index_of(table: Table, request: Request) -> Index | None:
    name = request.get("IndexName")
    if name is None:
        return None
    if name not in table.indexes:
        raise invalid(f"The table does not have the specified index: {name}")
    if request.get("ConsistentRead"):
        raise invalid("Consistent reads are not supported on global secondary indexes")
    return table.indexes[name]


def _key_condition(request: Request, keys: Sequence[str]) -> KeyCondition:
    """The condition, which names the partition first; the values of the whole request are checked with it."""
    text, names = request["KeyConditionExpression"], request.get("ExpressionAttributeNames") or {}
    match = FIRST.fullmatch(text)
    if match is None or names.get(match["name"], match["name"]) != keys[0]:
        raise invalid(f"Query condition missed key schema element: {keys[0]}")
    whole = " AND ".join(filter(None, (text, request.get("FilterExpression"))))
    check_values(expression_of(whole, None, tuple(names.items())), _values(request))
    place = None
    if match["rest"]:
        place = expression_of(match["rest"], None, _names_in(match["rest"], names))
    cell = _values(request)[match["value"]]
    return KeyCondition(str(next(iter(cell.values()))), place)


def _is_kept(item: Item, request: Request) -> bool:
    text, names = request.get("FilterExpression"), request.get("ExpressionAttributeNames") or {}
    return text is None or expression_of(text, None, _names_in(text, names)).permits(item, _values(request))


def _page(rows: Sequence[Row], limit: int | None) -> tuple[list[Row], Row | None]:
    """The rows of one answer, and the last of them where there may be more."""
    page: list[Row] = []
    size = 0
    for row in rows:
        page.append(row)
        size += weight(row[2])
        if len(page) == limit or size >= PAGE_BYTES:
            return page, row
    return page, None


def _names_in(text: str, names: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    used = set(PLACEHOLDER.findall(text))
    return tuple((alias, name) for alias, name in names.items() if alias in used)


def _values(request: Request) -> Mapping[str, Any]:
    values: Mapping[str, Any] = request.get("ExpressionAttributeValues") or {}
    return values
