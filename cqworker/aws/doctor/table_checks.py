"""Whether the table is there, usable, and shaped as the records need it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from cqworker.aws.aws_call import Answer, Calls, Request
from cqworker.aws.doctor.check_result import CheckResult, try_call
from cqworker.aws.doctor.index_checks import check_needless_index
from cqworker.aws.doctor.kms_keys import check_key
from cqworker.aws.dynamodb.batch_request import MAX_STATEMENTS
from cqworker.aws.dynamodb.job_store import NEVER_TRUE
from cqworker.aws.error_table import OTHER_KEYS
from cqworker.aws.error_translation import AwsFault
from cqworker.aws.operations import (
    BATCH_GET,
    CONDITION_FAILED,
    DELETE_ITEM,
    GET_ITEM,
    PUT_ITEM,
    QUERY,
    UPDATE_ITEM,
    Operation,
)
from cqworker.aws.provision.create_table import KEYS, TTL_ATTRIBUTE
from cqworker.aws.provision.read_table import describe_table, keys_of, ttl_of

TRY_BATCH = Operation("dynamodb", "BatchExecuteStatement", "dynamodb:PartiQLUpdate", writes=True)
ABSENT_KEY = {"pk": {"S": "doctor"}, "sk": {"S": "doctor"}}
NOTHING_THERE = frozenset({"ConditionalCheckFailed"})
"""How a statement of a batch is refused whose item is not there: PartiQL's UPDATE never creates one."""
UNKNOWN_OPERATION = "UnknownOperationException"
ON_DEMAND = "PAY_PER_REQUEST"


async def check_table_rights(clients: Calls, name: str) -> AsyncIterator[CheckResult]:
    """Reading and writing, as every daemon does it."""
    about = f'table "{name}"'
    conditional = {"TableName": name, "ConditionExpression": NEVER_TRUE}
    await clients.call(GET_ITEM, {"TableName": name, "Key": ABSENT_KEY, "ConsistentRead": True}, about)
    await try_call(clients, UPDATE_ITEM, {**conditional, "Key": ABSENT_KEY}, about, CONDITION_FAILED)
    await try_call(clients, PUT_ITEM, {**conditional, "Item": ABSENT_KEY}, about, CONDITION_FAILED)
    for operation, request in _sweep_requests(name):
        await try_call(clients, operation, request, about, CONDITION_FAILED)
    yield CheckResult("ok", f"table {name}", "Reachable; reading and writing are allowed.")


def _sweep_requests(name: str) -> Iterator[tuple[Operation, Request]]:
    """What the sweep of due jobs does besides, which is in every daemon: none of it finds or changes anything."""
    mine = {"KeyConditionExpression": "pk = :doctor", "ExpressionAttributeValues": {":doctor": ABSENT_KEY["pk"]}}
    yield QUERY, {"TableName": name, "ConsistentRead": True, **mine}
    yield BATCH_GET, {"RequestItems": {name: {"Keys": [ABSENT_KEY], "ConsistentRead": True}}}
    yield DELETE_ITEM, {"TableName": name, "Key": ABSENT_KEY, "ConditionExpression": NEVER_TRUE}


async def check_batch_writes(clients: Calls, name: str) -> AsyncIterator[CheckResult]:
    """Writing in batches, which is an action of its own."""
    statement = {
        "Statement": f'UPDATE "{name}" SET doctor=? WHERE pk=? AND sk=?',  # noqa: S608 - a configured name
        "Parameters": [{"S": "doctor"}, ABSENT_KEY["pk"], ABSENT_KEY["sk"]],
    }
    try:
        await try_call(clients, TRY_BATCH, {"Statements": [statement]}, f'table "{name}"', NOTHING_THERE)
    except AwsFault as fault:
        if fault.code != UNKNOWN_OPERATION:
            raise
        fix = "Set aws.batch_writes = false: records are written one by one anyway."
        yield CheckResult("warning", f"table {name}", "This service knows no writing in batches.", fix)
    else:
        yield CheckResult("ok", f"table {name}", "Writing in batches is allowed.")


async def check_table_shape(clients: Calls, name: str, *, list_all: bool) -> AsyncIterator[CheckResult]:
    """Capacity, key, TTL and what is there needlessly, which only an inspection asks for."""
    table = await describe_table(clients, name)
    if table is None:
        return
    for result in (*_check_keys(name, table), *_check_capacity(name, table), *_check_encryption(name, table)):
        yield result
    for result in check_needless_index(name, table) if not list_all else ():
        yield result
    status, attribute = await ttl_of(clients, name)
    if status not in ("ENABLED", "ENABLING"):
        what = "Its TTL is off: records stay, and cost, for ever."
        yield CheckResult("error", f"table {name}", what, "Run `cqworker provision`.")
    elif attribute != TTL_ATTRIBUTE:
        fix = "Switch it off in the console (it takes up to an hour), then run `cqworker provision`."
        yield CheckResult("error", f"table {name}", f"Its TTL is on {attribute}, not on {TTL_ATTRIBUTE}.", fix)


def _check_keys(name: str, table: Answer) -> Iterator[CheckResult]:
    if keys_of(table) != set(KEYS):
        what = OTHER_KEYS.cause.format(
            about=f'table "{name}"'
        )  # the words of an error when it is used, so that both are one result
        yield CheckResult("error", f"table {name}", what, OTHER_KEYS.remedy)


def _check_capacity(name: str, table: Answer) -> Iterator[CheckResult]:
    """Provisioned capacity below one full batch a second: a small job takes three write units."""
    if table.get("BillingModeSummary", {}).get("BillingMode") == ON_DEMAND:
        return
    units = int(table.get("ProvisionedThroughput", {}).get("WriteCapacityUnits", 0))
    if 0 < units < MAX_STATEMENTS:
        what = f"Its capacity is {units} write unit{'' if units == 1 else 's'} a second, and a small job takes three."
        fix = f"Switch it to on-demand capacity ({ON_DEMAND}), or give it three write units for each job a second."
        yield CheckResult("warning", f"table {name}", what, fix)


def _check_encryption(name: str, table: Answer) -> Iterator[CheckResult]:
    return check_key(f"table {name}", table.get("SSEDescription", {}).get("KMSMasterKeyArn", ""), perhaps=True)
