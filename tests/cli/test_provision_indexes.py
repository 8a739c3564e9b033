"""Provisioning: a table gets its indexes, while jobs run, and each one once."""

from __future__ import annotations

from typing import Any

import pytest

from cqworker.aws.aws_call import DEADLINE_SECONDS, Answer, Calls, Declined, Read, Request
from cqworker.aws.clients import AwsClients
from cqworker.aws.operations import Operation
from cqworker.aws.provision import provision
from cqworker.errors import CqworkerError, Unavailable
from cqworker.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")
DUE_ITEM = {"sk": {"S": "job"}, "due": {"S": "3"}, "scheduled_at": {"N": "5"}}


def counts(settings: Settings) -> dict[str, int]:
    return {queue.name: 40 for queue in settings.queues}


async def test_a_new_table_has_its_indexes_at_once(clients: AwsClients, settings: Settings, dynamodb: Any) -> None:
    steps = await provision(clients, settings, counts(settings))
    table = settings.store.table
    assert [(step.what, step.name, step.detail) for step in steps[2:4]] == [
        ("table index", f"{table}/due", "for jobs that are due later"),
        ("table index", f"{table}/listing", "for lists of jobs that failed"),
    ]
    found = indexes(dynamodb, table)
    assert found["due"] == ("due S", "scheduled_at N", "KEYS_ONLY", ())
    shown = ("attempt", "fingerprint", "kind", "queue", "release", "tenant", "type", "worker")
    assert found["listing"] == ("listing S", "listed S", "INCLUDE", shown)
    assert len(found) == 2


async def test_a_table_gets_the_indexes_that_it_lacks_one_by_one(
    clients: AwsClients, settings: Settings, dynamodb: Any
) -> None:
    make_table(dynamodb, settings.store.table)
    dynamodb.put_item(TableName=settings.store.table, Item={**DUE_ITEM, "pk": {"S": "job#early"}})
    asked = await provision(clients, settings, counts(settings), dry_run=True)
    assert indexes(dynamodb, settings.store.table) == {}
    seen = Watching(clients)
    assert asked == await provision(seen, settings, counts(settings))
    assert [len(request["GlobalSecondaryIndexUpdates"]) for request in seen.requests["UpdateTable"]] == [1, 1]
    assert set(indexes(dynamodb, settings.store.table)) == {"due", "listing"}
    query = {"IndexName": "due", "KeyConditionExpression": "due = :shard"}
    found = dynamodb.query(TableName=settings.store.table, **query, ExpressionAttributeValues={":shard": {"S": "3"}})
    assert [item["pk"]["S"] for item in found["Items"]] == ["job#early"]
    assert {step.action for step in await provision(clients, settings, counts(settings))} == {"unchanged"}


async def test_the_index_of_all_jobs_is_made_where_the_settings_ask_for_it(
    clients: AwsClients, settings: Settings, dynamodb: Any
) -> None:
    await provision(clients, settings, counts(settings))
    store = settings.store.model_copy(update={"list_all": True})
    everything = settings.model_copy(update={"store": store})
    steps = await provision(clients, everything, counts(settings))
    assert [(step.name, step.action) for step in steps if step.action != "unchanged"] == [
        (f"{store.table}/day", "created")
    ]
    assert indexes(dynamodb, store.table)["day"] == ("day S", "created_at N", "KEYS_ONLY", ())
    again = await provision(clients, settings, counts(settings))
    assert {step.action for step in again} == {"unchanged"}, "an index that is not asked for any more is left alone"


async def test_an_index_waits_for_another_that_is_being_made_and_for_its_own_filling(
    clients: AwsClients, settings: Settings, dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cqworker.aws.provision.create_indexes.FIRST_PAUSE", 0.001)
    make_table(dynamodb, settings.store.table)
    slow = Watching(clients, filling=3)
    steps = await provision(slow, settings, counts(settings))
    assert [step.action for step in steps[2:4]] == ["created", "created"]
    assert slow.asked_while_changing == 0


async def test_an_index_that_is_never_filled_is_told_with_what_to_do(
    clients: AwsClients, settings: Settings, dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cqworker.aws.provision.create_indexes.FIRST_PAUSE", 0.001)
    monkeypatch.setattr("cqworker.aws.provision.create_indexes.FILL_SECONDS", 0.01)
    make_table(dynamodb, settings.store.table)
    with pytest.raises(Unavailable, match=r"still being made or filled\..* Run `cqworker provision` again then\."):
        await provision(Watching(clients, filling=10_000), settings, counts(settings))


async def test_what_else_changes_the_table_is_waited_for(
    clients: AwsClients, settings: Settings, dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cqworker.aws.provision.create_indexes.FIRST_PAUSE", 0.001)
    make_table(dynamodb, settings.store.table)
    busy = Watching(clients, refusals=2)
    steps = await provision(busy, settings, counts(settings))
    assert [step.action for step in steps[2:4]] == ["created", "created"]
    assert set(indexes(dynamodb, settings.store.table)) == {"due", "listing"}


async def test_a_table_with_too_many_indexes_is_told_at_once(
    clients: AwsClients, settings: Settings, dynamodb: Any
) -> None:
    make_table(dynamodb, settings.store.table)
    with pytest.raises(Unavailable, match="LimitExceededException"):
        await provision(Watching(clients, refusals=1, changes=False), settings, counts(settings))


@pytest.mark.parametrize(
    ("keys", "projection"),
    [(("due", "created_at"), "KEYS_ONLY"), (("tenant", "scheduled_at"), "ALL")],
)
async def test_an_index_of_that_name_with_other_keys_is_refused_with_the_cure_before_anything_is_changed(
    clients: AwsClients, settings: Settings, dynamodb: Any, keys: tuple[str, str], projection: str
) -> None:
    name = settings.store.table
    make_table(dynamodb, name, index=("due", keys, projection))
    with pytest.raises(CqworkerError) as refused:
        await provision(clients, settings, counts(settings))
    assert str(refused.value).startswith(
        f'The index "due" of table "{name}" is not the one that cqworker needs: keys due (S) and scheduled_at (N).'
    )
    assert f"delete it (aws dynamodb update-table --table-name {name} --global-secondary-index-updates" in str(
        refused.value
    )
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert ttl["TimeToLiveStatus"] == "DISABLED"


async def test_a_listing_index_that_shows_too_little_is_refused_and_one_that_shows_more_is_not(
    clients: AwsClients, settings: Settings, dynamodb: Any
) -> None:
    make_table(dynamodb, settings.store.table, index=("listing", ("listing", "listed"), "KEYS_ONLY"))
    with pytest.raises(CqworkerError, match=r'"listing" of .* keys listing \(S\) and listed \(S\), with type, tenant'):
        await provision(clients, settings, counts(settings))
    dynamodb.delete_table(TableName=settings.store.table)
    make_table(dynamodb, settings.store.table, index=("listing", ("listing", "listed"), "ALL"))
    steps = await provision(clients, settings, counts(settings))
    assert [step.action for step in steps[2:4]] == ["created", "unchanged"]


async def test_an_index_of_a_table_with_provisioned_capacity_gets_as_much(
    clients: AwsClients, settings: Settings, dynamodb: Any
) -> None:
    make_table(dynamodb, settings.store.table, units=7)
    await provision(clients, settings, counts(settings))
    described = dynamodb.describe_table(TableName=settings.store.table)["Table"]
    units = [index["ProvisionedThroughput"]["WriteCapacityUnits"] for index in described["GlobalSecondaryIndexes"]]
    assert units == [7, 7]


class Watching:
    """Calls that are watched; an index that was asked for is shown as being filled for so many looks.

    The first `refusals` changes are refused; while `changes`, the table is shown as being changed after each.
    """

    def __init__(self, calls: Calls, *, filling: int = 0, refusals: int = 0, changes: bool = True) -> None:
        self._calls = calls
        self._filling = filling
        self._refusals = refusals
        self._changes = changes
        self._looks_left = 0
        self.requests: dict[str, list[Any]] = {}
        self.asked_while_changing = 0

    async def call(
        self,
        operation: Operation,
        request: Request,
        about: str,
        *,
        seconds: float = DEADLINE_SECONDS,
        read: Read | None = None,
    ) -> Answer:
        self.requests.setdefault(operation.name, []).append(request)
        if operation.name == "UpdateTable":
            self.asked_while_changing += self._looks_left > 0
            if self._refusals:
                self._refusals -= 1
                self._looks_left = 2 * self._changes
                error = {"Code": "LimitExceededException", "Message": "Only 1 online index"}
                raise Declined(error["Code"], error["Message"], {"Error": error})
            self._looks_left = self._filling
        answer = await self._calls.call(operation, request, about, seconds=seconds, read=read)
        if operation.name == "DescribeTable" and self._looks_left:
            self._looks_left -= 1
            return {"Table": {**answer["Table"], "TableStatus": "UPDATING"}}
        return answer


def indexes(dynamodb: Any, table: str) -> dict[str, tuple[str, str, str, tuple[str, ...]]]:
    """The keys with their types, and the projection, of each index."""
    described = dynamodb.describe_table(TableName=table)["Table"]
    types = {each["AttributeName"]: each["AttributeType"] for each in described["AttributeDefinitions"]}
    found = {}
    for index in described.get("GlobalSecondaryIndexes", ()):
        first, second = (f"{key['AttributeName']} {types[key['AttributeName']]}" for key in index["KeySchema"])
        projection = index["Projection"]
        shown = tuple(sorted(projection.get("NonKeyAttributes", ())))
        found[index["IndexName"]] = (first, second, projection["ProjectionType"], shown)
    return found


def make_table(
    dynamodb: Any,
    name: str,
    *,
    index: tuple[str, tuple[str, str], str] | None = None,
    units: int = 0,
) -> None:
    keys = (("pk", "HASH"), ("sk", "RANGE"))
    types = {key: "S" for key, _ in keys}
    more: dict[str, Any] = {"BillingMode": "PAY_PER_REQUEST"}
    if units:
        throughput = {"ReadCapacityUnits": units, "WriteCapacityUnits": units}
        more = {"BillingMode": "PROVISIONED", "ProvisionedThroughput": throughput}
    if index is not None:
        index_name, (first, second), projection = index
        types |= {first: "S", second: "N" if second.endswith("_at") else "S"}
        schema = [{"AttributeName": first, "KeyType": "HASH"}, {"AttributeName": second, "KeyType": "RANGE"}]
        more["GlobalSecondaryIndexes"] = [
            {"IndexName": index_name, "KeySchema": schema, "Projection": {"ProjectionType": projection}}
        ]
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": type_} for key, type_ in types.items()],
        **more,
    )
