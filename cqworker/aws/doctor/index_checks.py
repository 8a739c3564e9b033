"""Whether the table has its indexes, filled, and what is refused until then."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator

from cqworker.aws.aws_call import Answer, Calls
from cqworker.aws.doctor.check_result import DENIED_CODES, CheckResult, try_call
from cqworker.aws.dynamodb.table_indexes import DAY, DUE, TableIndex, definitions_of, index_in, wanted_indexes
from cqworker.aws.error_translation import AwsFault
from cqworker.aws.operations import NO_SUCH_INDEX, QUERY
from cqworker.aws.provision.create_indexes import other_shape, remedy_of
from cqworker.aws.provision.read_table import describe_table
from cqworker.enums import Role

PROVISION = "Run `cqworker provision`."


async def check_indexes(
    clients: Calls, name: str, roles: Collection[str], *, list_all: bool
) -> AsyncIterator[CheckResult]:
    """Each index that daemons in these roles read, by a query that finds nothing."""
    indexes = wanted_indexes(list_all=list_all) if Role.API in roles else (DUE,)
    refused = [index for index in indexes if await _query(clients, name, index) is None]
    if not refused:
        names = " and ".join(index.name for index in indexes)
        yield CheckResult("ok", f"table {name}", f"Its indexes can be read: {names}.")
        return
    table = await _described(clients, name)
    for index in refused:
        yield _result(name, index, table)


def check_needless_index(name: str, table: Answer) -> Iterator[CheckResult]:
    """The index of all jobs, in a table of daemons that do not list all: nobody reads it, and every job pays for it."""
    if index_in(table, DAY.name) is not None:
        what = f'It has the index "{DAY.name}", which costs a write unit for each job, and store.list_all is false.'
        yield CheckResult("info", f"table {name}", what, f"Set store.list_all = true. {remedy_of(name, DAY)}")


async def _query(clients: Calls, name: str, index: TableIndex) -> Answer | None:
    """The answer to a query of what no record has; None where it was refused for what the table is."""
    request = {
        "TableName": name,
        "IndexName": index.name,
        "KeyConditionExpression": "#partition = :nothing AND #place = :none",
        "ExpressionAttributeNames": {"#partition": index.partition, "#place": index.place},
        "ExpressionAttributeValues": {":nothing": {"S": "doctor"}, ":none": {index.place_type: "0"}},
        "Limit": 1,
    }
    return await try_call(clients, QUERY, request, f'table "{name}"', NO_SUCH_INDEX)


async def _described(clients: Calls, name: str) -> Answer | None:
    """What the table is; None where this role may not ask."""
    try:
        return await describe_table(clients, name)
    except AwsFault as fault:
        if fault.code not in DENIED_CODES:
            raise
        return None


def _result(name: str, index: TableIndex, table: Answer | None) -> CheckResult:
    subject, until = f"table {name}", f"Until then these are refused: {index.without}."
    if table is None:
        what = f'Its index "{index.name}", for {index.serves}, is missing, being filled or has other keys. {until}'
        return CheckResult("warning", subject, what, PROVISION)
    found = index_in(table, index.name)
    if found is None:
        what = f'It lacks the index "{index.name}", for {index.serves}. {until}'
        return CheckResult("warning", subject, what, PROVISION)
    if not index.is_shaped_as(found, definitions_of(table)):
        return CheckResult("error", subject, f"{other_shape(name, index)} {until}", remedy_of(name, index))
    what = f'Its index "{index.name}", for {index.serves}, is still being filled. {until}'
    return CheckResult("warning", subject, what, "Wait: DynamoDB fills it by itself, and a large table takes hours.")
