"""The table of records: keys `pk` and `sk`, paid per request, swept by TTL on `purge_at`."""

from __future__ import annotations

import asyncio

from cqworker.aws.aws_call import Answer, Calls, Declined
from cqworker.aws.operations import Operation
from cqworker.aws.provision.step import Step
from cqworker.errors import CqworkerError, Unavailable

CREATE_TABLE = Operation("dynamodb", "CreateTable", "dynamodb:CreateTable", writes=True)
DESCRIBE_TABLE = Operation(
    "dynamodb", "DescribeTable", "dynamodb:DescribeTable", declines=frozenset({"ResourceNotFoundException"})
)
DESCRIBE_TTL = Operation("dynamodb", "DescribeTimeToLive", "dynamodb:DescribeTimeToLive")
UPDATE_TTL = Operation("dynamodb", "UpdateTimeToLive", "dynamodb:UpdateTimeToLive", writes=True)
KEYS = (("pk", "HASH", "S"), ("sk", "RANGE", "S"))
"""Name, kind and type of the two keys."""
TTL_ATTRIBUTE = "purge_at"
ACTIVE_SECONDS = 120
"""Seconds until a new table must be usable; AWS takes some ten."""


async def ensure_table(clients: Calls, name: str, *, dry_run: bool) -> list[Step]:
    """The steps for table and TTL. Raises CqworkerError where a table of this name has other keys."""
    about = f'table "{name}"'
    found = await describe_table(clients, name)
    if found is None:
        if not dry_run:
            await clients.call(CREATE_TABLE, _table_request(name), about)
            await _wait_until_active(clients, name)
            await _enable_ttl(clients, name)
        return [
            Step("table", name, "created", "keys pk and sk, on demand"),
            Step("table TTL", name, "created", f"records are deleted after {TTL_ATTRIBUTE}"),
        ]
    if (keys := keys_of(found)) != set(KEYS):
        seen = ", ".join(f"{key} ({kind}, {type_})" for key, kind, type_ in sorted(keys))
        raise CqworkerError(f"The {about} has other keys than cqworker needs: {seen}. Choose another store.table.")
    return [Step("table", name, "unchanged"), await _mend_ttl(clients, name, dry_run=dry_run)]


async def describe_table(clients: Calls, name: str) -> Answer | None:
    """The table's description, None where there is no such table."""
    try:
        answer = await clients.call(DESCRIBE_TABLE, {"TableName": name}, f'table "{name}"')
    except Declined:
        return None
    table: Answer = answer["Table"]
    return table


async def ttl_of(clients: Calls, name: str) -> tuple[str, str | None]:
    """The TTL's status (ENABLED, ENABLING, DISABLING, DISABLED) and its attribute."""
    answer = await clients.call(DESCRIBE_TTL, {"TableName": name}, f'table "{name}"')
    description = answer.get("TimeToLiveDescription", {})
    return description.get("TimeToLiveStatus", "DISABLED"), description.get("AttributeName")


def keys_of(table: Answer) -> set[tuple[str, str, str]]:
    """Name, kind and type of each key."""
    types = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    return {(key["AttributeName"], key["KeyType"], types[key["AttributeName"]]) for key in table["KeySchema"]}


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


async def _wait_until_active(clients: Calls, name: str) -> None:
    for _ in range(ACTIVE_SECONDS):
        table = await describe_table(clients, name)
        if table is not None and table["TableStatus"] == "ACTIVE":
            return
        await asyncio.sleep(1)
    raise Unavailable("dynamodb", f'The table "{name}" did not become usable.', "Run `cqworker provision` again.")


def _table_request(name: str) -> dict[str, object]:
    return {
        "TableName": name,
        "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind, _ in KEYS],
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": type_} for key, _, type_ in KEYS],
        "BillingMode": "PAY_PER_REQUEST",
    }
