"""The indexes of a table that is there already: made online, one at a time, while jobs run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from cqworker.aws.aws_call import Answer, Calls, Declined
from cqworker.aws.dynamodb.table_indexes import TableIndex, attribute_definitions, definitions_of, index_in
from cqworker.aws.operations import Operation
from cqworker.aws.provision.read_table import describe_table
from cqworker.aws.provision.step import Step
from cqworker.errors import CqworkerError, Unavailable

UPDATE_TABLE = Operation(
    "dynamodb",
    "UpdateTable",
    "dynamodb:UpdateTable",
    writes=True,
    declines=frozenset({"ResourceInUseException", "LimitExceededException"}),
)
"""DynamoDB changes one index of a table at a time, and says so in one of two ways (API reference, UpdateTable)."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0
"""Seconds between two looks at a table that changes: longer by half each time."""
FILL_SECONDS = 3600.0
"""Seconds of looks after which one is told to run it again: filling an index reads the whole table, and goes on."""
PROVISIONED = "PROVISIONED"


async def ensure_indexes(clients: Calls, table: Answer, wanted: Sequence[TableIndex], *, dry_run: bool) -> list[Step]:
    """A step for each index; `table` is as DescribeTable showed it. Makes what is missing, waits until it is filled."""
    name = table["TableName"]
    steps: list[Step] = []
    for index in wanted:
        if not dry_run:
            table = await wait_until_settled(clients, name)
        is_missing = index_in(table, index.name) is None
        if is_missing and not dry_run:
            await _create(clients, table, index)
        steps.append(
            index_step(name, index) if is_missing else Step("table index", f"{name}/{index.name}", "unchanged")
        )
    return steps


def index_step(table: str, index: TableIndex) -> Step:
    """What is told of an index that is new."""
    return Step("table index", f"{table}/{index.name}", "created", f"for {index.serves}")


def refuse_other_shape(table: Answer, index: TableIndex) -> None:
    """Raises CqworkerError where the table has an index of this name that is of no use."""
    found = index_in(table, index.name)
    if found is not None and not index.is_shaped_as(found, definitions_of(table)):
        raise CqworkerError(other_shape(table["TableName"], index) + " " + remedy_of(table["TableName"], index))


def other_shape(table: str, index: TableIndex) -> str:
    """What is wrong with an index of this name that has other keys, or holds less."""
    keys = f"keys {index.partition} (S) and {index.place} ({index.place_type})"
    shown = f", with {', '.join(index.shows)}" if index.shows else ""
    return f'The index "{index.name}" of table "{table}" is not the one that cqworker needs: {keys}{shown}.'


def remedy_of(table: str, index: TableIndex) -> str:
    """How to get rid of an index of this name that is of no use."""
    change = f'[{{"Delete":{{"IndexName":"{index.name}"}}}}]'
    return (
        f"If nothing else uses it, delete it (aws dynamodb update-table --table-name {table} "
        f"--global-secondary-index-updates '{change}'), which touches no record, and run `cqworker provision`; else "
        "choose another store.table."
    )


async def wait_until_settled(clients: Calls, name: str, *, having: Sequence[TableIndex] = ()) -> Answer:
    """The table once it and its indexes, `having` among them, are as they were asked to be.

    Raises Unavailable where that takes too long.
    """
    waited, pause = 0.0, FIRST_PAUSE
    while waited < FILL_SECONDS:
        table = await describe_table(clients, name)
        is_settled = table is not None and not is_changing(table)
        if table is not None and is_settled and all(index_in(table, index.name) for index in having):
            return table
        await asyncio.sleep(pause)
        waited, pause = waited + pause, min(LONGEST_PAUSE, pause * 1.5)
    raise Unavailable(
        "dynamodb",
        f'The table "{name}" or one of its indexes is still being made or filled.',
        "That goes on by itself; `cqworker doctor` says when it is done. Run `cqworker provision` again then.",
    )


def is_changing(table: Answer) -> bool:
    """Whether the table or one of its indexes is not yet as it was asked to be."""
    indexes = table.get("GlobalSecondaryIndexes") or ()
    return table["TableStatus"] != "ACTIVE" or any(each.get("IndexStatus", "ACTIVE") != "ACTIVE" for each in indexes)


async def _create(clients: Calls, table: Answer, index: TableIndex) -> None:
    """Makes the index and waits until it is filled; where somebody else changes the table, after that."""
    name = table["TableName"]
    request = {
        "TableName": name,
        "AttributeDefinitions": attribute_definitions({**definitions_of(table), **index.key_types}),
        "GlobalSecondaryIndexUpdates": [{"Create": {**index.definition, **_capacity_like(table)}}],
    }
    about = f'table "{name}"'
    while index_in(table, index.name) is None:
        try:
            await clients.call(UPDATE_TABLE, request, about)
        except Declined as declined:
            seen = await describe_table(clients, name)
            if seen is None or not is_changing(seen):
                raise declined.as_fault(UPDATE_TABLE, about) from None
            table = await wait_until_settled(clients, name)
        else:
            table = await wait_until_settled(clients, name, having=[index])


def _capacity_like(table: Answer) -> dict[str, Any]:
    """What an index must be given whose table has provisioned capacity: as much as the table."""
    if table.get("BillingModeSummary", {}).get("BillingMode", PROVISIONED) != PROVISIONED:
        return {}
    units = table.get("ProvisionedThroughput", {})
    return {"ProvisionedThroughput": {name: units.get(name, 0) for name in ("ReadCapacityUnits", "WriteCapacityUnits")}}
