"""Whether the table is there, usable, and shaped as the records need it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

from cqworker.aws.calls import Calls, Declined
from cqworker.aws.dynamodb_store import NEVER
from cqworker.aws.inspection.finding import Finding
from cqworker.aws.operations import EXECUTE_BATCH, GET_ITEM, PUT_ITEM, UPDATE_ITEM
from cqworker.aws.provision.table import KEYS, TTL_ATTRIBUTE, described, keys_of, ttl_of

ABSENT = {"pk": {"S": "doctor"}, "sk": {"S": "doctor"}}


async def use_findings(clients: Calls, name: str) -> AsyncIterator[Finding]:
    """Reading and writing, as the daemon does it."""
    about = f'table "{name}"'
    await clients.call(GET_ITEM, {"TableName": name, "Key": ABSENT, "ConsistentRead": True}, about)
    with suppress(Declined):
        await clients.call(PUT_ITEM, {"TableName": name, "Item": ABSENT, "ConditionExpression": NEVER}, about)
    with suppress(Declined):
        await clients.call(UPDATE_ITEM, {"TableName": name, "Key": ABSENT, "ConditionExpression": NEVER}, about)
    yield Finding("ok", f"table {name}", "Reachable; reading and writing are allowed.")


async def batch_findings(clients: Calls, name: str) -> AsyncIterator[Finding]:
    """Writing in batches, which is an action of its own; PartiQL's UPDATE never creates an item."""
    statement = {
        "Statement": f'UPDATE "{name}" SET doctor=? WHERE pk=? AND sk=?',  # noqa: S608 - a configured name
        "Parameters": [{"S": "doctor"}, ABSENT["pk"], ABSENT["sk"]],
    }
    with suppress(Declined):
        await clients.call(EXECUTE_BATCH, {"Statements": [statement]}, f'table "{name}"')
    yield Finding("ok", f"table {name}", "Writing in batches is allowed.")


async def shape_findings(clients: Calls, name: str) -> AsyncIterator[Finding]:
    """Keys and TTL, which only an inspection asks for."""
    subject = f"table {name}"
    table = await described(clients, name)
    if table is None:
        return
    if keys_of(table) != set(KEYS):
        fix = "Choose another store.table, and run `cqworker provision`."
        yield Finding("error", subject, "Its keys are not pk and sk, both strings.", fix)
    status, attribute = await ttl_of(clients, name)
    if status not in ("ENABLED", "ENABLING"):
        yield Finding(
            "error", subject, "Its TTL is off: records stay, and cost, for ever.", "Run `cqworker provision`."
        )
    elif attribute != TTL_ATTRIBUTE:
        fix = "Switch it off in the console (it takes up to an hour), then run `cqworker provision`."
        yield Finding("error", subject, f"Its TTL is on {attribute}, not on {TTL_ATTRIBUTE}.", fix)
