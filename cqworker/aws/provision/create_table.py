"""The table of records: keys `pk` and `sk`, paid per request, swept by TTL on `purge_at`, with its indexes."""

from __future__ import annotations

from collections.abc import Sequence

from cqworker.aws.aws_call import Calls
from cqworker.aws.dynamodb.table_indexes import TableIndex, attribute_definitions, wanted_indexes
from cqworker.aws.operations import Operation
from cqworker.aws.provision.create_indexes import (
    ensure_indexes,
    index_step,
    refuse_other_shape,
    wait_until_settled,
)
from cqworker.aws.provision.read_table import describe_table, keys_of, ttl_of
from cqworker.aws.provision.step import Step
from cqworker.errors import CqworkerError

CREATE_TABLE = Operation("dynamodb", "CreateTable", "dynamodb:CreateTable", writes=True)
UPDATE_TTL = Operation("dynamodb", "UpdateTimeToLive", "dynamodb:UpdateTimeToLive", writes=True)
KEYS = (("pk", "HASH", "S"), ("sk", "RANGE", "S"))
"""Name, kind and type of the two keys."""
TTL_ATTRIBUTE = "purge_at"


async def ensure_table(clients: Calls, name: str, *, list_all: bool, dry_run: bool) -> list[Step]:
    """The steps for table, TTL and indexes. Raises CqworkerError where a table or index of these names has other keys.

    `list_all` is the setting of this name: whether the table has an index of all jobs.
    """
    found, indexes = await describe_table(clients, name), wanted_indexes(list_all=list_all)
    if found is None:
        if not dry_run:
            await clients.call(CREATE_TABLE, _table_request(name, indexes), f'table "{name}"')
            await wait_until_settled(clients, name, having=indexes)
            await _enable_ttl(clients, name)
        return [
            Step("table", name, "created", "keys pk and sk, on demand"),
            Step("table TTL", name, "created", f"records are deleted after {TTL_ATTRIBUTE}"),
            *(index_step(name, index) for index in indexes),
        ]
    if (keys := keys_of(found)) != set(KEYS):
        seen = ", ".join(f"{key} ({kind}, {type_})" for key, kind, type_ in sorted(keys))
        raise CqworkerError(
            f'The table "{name}" has other keys than cqworker needs: {seen}. Choose another store.table.'
        )
    for index in indexes:
        refuse_other_shape(found, index)
    ttl = await _mend_ttl(clients, name, dry_run=dry_run)
    return [Step("table", name, "unchanged"), ttl, *await ensure_indexes(clients, found, indexes, dry_run=dry_run)]


async def _mend_ttl(clients: Calls, name: str, *, dry_run: bool) -> Step:
    status, attribute = await ttl_of(clients, name)
    if status in ("ENABLED", "ENABLING") and attribute == TTL_ATTRIBUTE:
        return Step("table TTL", name, "unchanged")
    if status in ("ENABLED", "ENABLING"):
        raise CqworkerError(
            f'The table "{name}" has its TTL on {attribute}, and cqworker needs it on {TTL_ATTRIBUTE}. Switch it off '
            "in the console (it takes up to an hour), run this again, or choose another store.table."
        )
    if not dry_run:
        await _enable_ttl(clients, name)
    return Step("table TTL", name, "changed", f"switched on for {TTL_ATTRIBUTE}")


async def _enable_ttl(clients: Calls, name: str) -> None:
    specification = {"Enabled": True, "AttributeName": TTL_ATTRIBUTE}
    request = {"TableName": name, "TimeToLiveSpecification": specification}
    await clients.call(UPDATE_TTL, request, f'table "{name}"')


def _table_request(name: str, indexes: Sequence[TableIndex]) -> dict[str, object]:
    types = {key: type_ for key, _, type_ in KEYS}
    for index in indexes:
        types |= index.key_types
    return {
        "TableName": name,
        "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind, _ in KEYS],
        "AttributeDefinitions": attribute_definitions(types),
        "GlobalSecondaryIndexes": [index.definition for index in indexes],
        "BillingMode": "PAY_PER_REQUEST",
    }
