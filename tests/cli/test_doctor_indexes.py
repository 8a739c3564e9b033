"""What doctor finds of the table's indexes."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from cqworker.aws.clients import AwsClients
from cqworker.aws.doctor import inspect
from cqworker.aws.provision import provision
from tests.cli.hands import CLOCK, Failing, Hands, Remembering, bad, denied

pytestmark = pytest.mark.asyncio(loop_scope="module")
DUE_LACKS = (
    'It lacks the index "due", for jobs that are due later. Until then these are refused: run_at, delays of more than '
    "15 minutes, and rescheduling."
)
LISTING_LACKS = (
    'It lacks the index "listing", for lists of jobs that failed. Until then these are refused: GET /jobs and '
    "`cqworker jobs list`."
)


async def test_an_index_that_is_missing_is_a_warning_that_names_what_is_refused(
    clients: AwsClients, hands: Hands
) -> None:
    delete_index(hands, "due")
    delete_index(hands, "listing")
    table = f"table {hands.settings.store.table}"
    found = await inspect(clients, hands.settings, 10, CLOCK)
    assert bad(found) == [("warning", f"{table}: {DUE_LACKS}"), ("warning", f"{table}: {LISTING_LACKS}")]
    assert {finding.fix for finding in found if finding.level == "warning"} == {"Run `cqworker provision`."}


async def test_only_who_lists_is_told_of_the_listing_index(clients: AwsClients, hands: Hands) -> None:
    delete_index(hands, "listing")
    assert bad(await inspect(clients, hands.settings, 10, CLOCK, roles={"worker"})) == []
    assert len(bad(await inspect(clients, hands.settings, 10, CLOCK, roles={"api"}))) == 1


async def test_a_role_that_may_not_look_at_the_table_is_told_all_the_same(clients: AwsClients, hands: Hands) -> None:
    delete_index(hands, "due")
    found = bad(await inspect(Failing(clients, denied(), "DescribeTable"), hands.settings, 10, CLOCK))
    (warning,) = [what for level, what in found if level == "warning"]
    assert 'Its index "due", for jobs that are due later, is missing, being filled or has other keys.' in warning


async def test_an_index_that_is_being_filled_is_told_as_such(clients: AwsClients, hands: Hands) -> None:
    error: Any = {"Error": {"Code": "ValidationException", "Message": "Cannot read from backfilling index"}}
    filling = Failing(clients, ClientError(error, "Query"), "Query", index="due")
    found = await inspect(filling, hands.settings, 10, CLOCK)
    (finding,) = [each for each in found if each.level == "warning"]
    assert 'Its index "due", for jobs that are due later, is still being filled. Until then' in finding.what
    assert finding.fix.startswith("Wait: DynamoDB fills it by itself")


async def test_an_index_with_other_keys_is_an_error_with_its_cure(clients: AwsClients, hands: Hands) -> None:
    delete_index(hands, "due")
    create_index(hands, "due", "due", "finished_at")
    found = await inspect(clients, hands.settings, 10, CLOCK)
    (finding,) = [each for each in found if each.level == "error"]
    assert 'The index "due" of table' in finding.what
    assert "keys due (S) and scheduled_at (N)" in finding.what
    assert "aws dynamodb update-table" in finding.fix


async def test_lists_of_all_jobs_need_an_index_of_their_own(clients: AwsClients, hands: Hands) -> None:
    store = hands.settings.store.model_copy(update={"list_all": True})
    settings = hands.settings.model_copy(update={"store": store})
    ((level, what),) = bad(await inspect(clients, settings, 10, CLOCK))
    assert level == "warning"
    assert what.endswith("refused: lists of jobs that wait, run or succeeded, such as status=QUEUED.")
    await provision(clients, settings, {hands.queue: 40})
    assert bad(await inspect(clients, settings, 10, CLOCK)) == []
    ((level, what),) = bad(await inspect(clients, hands.settings, 10, CLOCK))
    assert level == "info"
    assert what.endswith("costs a write unit for each job, and store.list_all is false.")


async def test_a_role_that_may_not_query_is_told_what_to_allow(looks: Remembering, untouched: Hands) -> None:
    found = bad(await inspect(Failing(looks, denied(), "Query", index="due"), untouched.settings, 10, CLOCK))
    assert [level for level, _ in found] == ["error"]
    assert "The role may not do dynamodb:Query" in found[0][1]


def delete_index(hands: Hands, name: str) -> None:
    change = [{"Delete": {"IndexName": name}}]
    hands.dynamodb.update_table(TableName=hands.settings.store.table, GlobalSecondaryIndexUpdates=change)


def create_index(hands: Hands, name: str, *keys: str) -> None:
    schema: list[Any] = [
        {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=True)
    ]
    created = {"IndexName": name, "KeySchema": schema, "Projection": {"ProjectionType": "KEYS_ONLY"}}
    described = hands.dynamodb.describe_table(TableName=hands.settings.store.table)["Table"]["AttributeDefinitions"]
    types = {each["AttributeName"]: each["AttributeType"] for each in described} | {keys[0]: "S", keys[1]: "N"}
    hands.dynamodb.update_table(
        TableName=hands.settings.store.table,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in types.items()],
        GlobalSecondaryIndexUpdates=[{"Create": created}],
    )
