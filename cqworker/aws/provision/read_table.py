"""What a table is, as DynamoDB describes it."""

from __future__ import annotations

from cqworker.aws.aws_call import Answer, Calls, Declined
from cqworker.aws.dynamodb.table_indexes import definitions_of
from cqworker.aws.operations import Operation

DESCRIBE_TABLE = Operation(
    "dynamodb", "DescribeTable", "dynamodb:DescribeTable", declines=frozenset({"ResourceNotFoundException"})
)
DESCRIBE_TTL = Operation("dynamodb", "DescribeTimeToLive", "dynamodb:DescribeTimeToLive")


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
    types = definitions_of(table)
    return {(key["AttributeName"], key["KeyType"], types[key["AttributeName"]]) for key in table["KeySchema"]}
