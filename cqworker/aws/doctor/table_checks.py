"""Whether the table is there, usable, and shaped as the records need it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator

from cqworker.aws.aws_call import Answer, Calls
from cqworker.aws.doctor.finding import Finding, tried
from cqworker.aws.doctor.kms_keys import key_finding
from cqworker.aws.dynamodb.batch_request import MOST
from cqworker.aws.dynamodb.job_store import NEVER
from cqworker.aws.error_table import OTHER_KEYS
from cqworker.aws.error_translation import AwsFault
from cqworker.aws.operations import CONDITION_FAILED, GET_ITEM, PUT_ITEM, UPDATE_ITEM, Operation
from cqworker.aws.provision.create_table import KEYS, TTL_ATTRIBUTE, described, keys_of, ttl_of
from cqworker.enums import Role

TRY_BATCH = Operation("dynamodb", "BatchExecuteStatement", "dynamodb:PartiQLUpdate", writes=True)
ABSENT = {"pk": {"S": "doctor"}, "sk": {"S": "doctor"}}
NOTHING_THERE = frozenset({"ConditionalCheckFailed"})
"""How a statement of a batch is refused whose item is not there: PartiQL's UPDATE never creates one."""
UNKNOWN_HERE = "UnknownOperationException"
ON_DEMAND = "PAY_PER_REQUEST"


async def use_findings(clients: Calls, name: str, roles: Collection[str]) -> AsyncIterator[Finding]:
    """Reading and writing, as the daemon does it in these roles."""
    about = f'table "{name}"'
    conditional = {"TableName": name, "ConditionExpression": NEVER}
    await clients.call(GET_ITEM, {"TableName": name, "Key": ABSENT, "ConsistentRead": True}, about)
    await tried(clients, UPDATE_ITEM, {**conditional, "Key": ABSENT}, about, CONDITION_FAILED)
    if Role.API in roles:
        await tried(clients, PUT_ITEM, {**conditional, "Item": ABSENT}, about, CONDITION_FAILED)
    yield Finding("ok", f"table {name}", "Reachable; reading and writing are allowed.")


async def batch_findings(clients: Calls, name: str) -> AsyncIterator[Finding]:
    """Writing in batches, which is an action of its own."""
    statement = {
        "Statement": f'UPDATE "{name}" SET doctor=? WHERE pk=? AND sk=?',  # noqa: S608 - a configured name
        "Parameters": [{"S": "doctor"}, ABSENT["pk"], ABSENT["sk"]],
    }
    try:
        await tried(clients, TRY_BATCH, {"Statements": [statement]}, f'table "{name}"', NOTHING_THERE)
    except AwsFault as fault:
        if fault.code != UNKNOWN_HERE:
            raise
        fix = "Set aws.batch_writes = false: records are written one by one anyway."
        yield Finding("warning", f"table {name}", "This service knows no writing in batches.", fix)
    else:
        yield Finding("ok", f"table {name}", "Writing in batches is allowed.")


async def shape_findings(clients: Calls, name: str) -> AsyncIterator[Finding]:
    """Capacity, key and TTL, which only an inspection asks for."""
    table = await described(clients, name)
    if table is None:
        return
    for finding in (*_keys(name, table), *_capacity(name, table), *_encryption(name, table)):
        yield finding
    status, attribute = await ttl_of(clients, name)
    if status not in ("ENABLED", "ENABLING"):
        what = "Its TTL is off: records stay, and cost, for ever."
        yield Finding("error", f"table {name}", what, "Run `cqworker provision`.")
    elif attribute != TTL_ATTRIBUTE:
        fix = "Switch it off in the console (it takes up to an hour), then run `cqworker provision`."
        yield Finding("error", f"table {name}", f"Its TTL is on {attribute}, not on {TTL_ATTRIBUTE}.", fix)


def _keys(name: str, table: Answer) -> Iterator[Finding]:
    if keys_of(table) != set(KEYS):
        what = OTHER_KEYS.cause.format(about=f'table "{name}"')  # as using it says, so that it is told once
        yield Finding("error", f"table {name}", what, OTHER_KEYS.remedy)


def _capacity(name: str, table: Answer) -> Iterator[Finding]:
    """Provisioned capacity below one full batch a second: a small job takes three write units."""
    if table.get("BillingModeSummary", {}).get("BillingMode") == ON_DEMAND:
        return
    units = int(table.get("ProvisionedThroughput", {}).get("WriteCapacityUnits", 0))
    if 0 < units < MOST:
        what = f"Its capacity is {units} write unit{'' if units == 1 else 's'} a second, and a small job takes three."
        fix = f"Switch it to on-demand capacity ({ON_DEMAND}), or give it three write units for each job a second."
        yield Finding("warning", f"table {name}", what, fix)


def _encryption(name: str, table: Answer) -> Iterator[Finding]:
    return key_finding(f"table {name}", table.get("SSEDescription", {}).get("KMSMasterKeyArn", ""), perhaps=True)
