"""The store's own ways: what it asks for with each call, and items that are not as they should be."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from cqworker.aws.clients import AwsClients
from cqworker.aws.dynamodb.items import item_of
from cqworker.aws.dynamodb.job_store import DynamoStore
from cqworker.errors import Unavailable
from cqworker.model.operator_writes import Enter
from cqworker.model.writes import Refused
from cqworker.ports import JobStore, KeyItem
from tests.aws.stub import answers, body_of, error, ok, serving
from tests.contract.cases import MAKERS, cases, record
from tests.contract.clock import NOW, SetClock

SpeakTo = Callable[..., None]


@pytest.fixture
def store(clients: AwsClients) -> JobStore:
    return DynamoStore(clients, "jobs", SetClock())


def refused_with(item: dict[str, object] | None) -> dict[str, object]:
    """The body of a failed condition; AWS leaves the item out where there was none."""
    body: dict[str, object] = {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}
    return body | {"message": "The conditional request failed"} | ({"Item": item} if item else {})


async def test_every_write_is_conditional_counted_and_asks_for_what_stood_there(
    store: JobStore, speak_to: SpeakTo
) -> None:
    made = item_of(record(Random(1)))
    async with serving(answers(ok(Attributes=made))) as stub:
        speak_to(stub.url)
        for case in cases(seed=1, of_each=1):
            await store.write(case.change)
        await store.reserve_key(KeyItem("hash", "job", "request", NOW + 1), NOW)
    assert len(stub.seen) == 2 * len(MAKERS) + 1
    for seen in stub.seen:
        request = body_of(seen)
        assert request["TableName"] == "jobs"
        assert request["ConditionExpression"]
        assert request["ReturnConsumedCapacity"] == "TOTAL"
        assert request["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
        assert seen.operation == "PutItem" or request["ReturnValues"] == "ALL_NEW"


async def test_a_refusal_needs_no_read(store: JobStore, speak_to: SpeakTo) -> None:
    stood = record(Random(2))
    refusal = ok(**refused_with(dict(item_of(stood))))
    refusal.set_status(400)
    async with serving(answers(refusal)) as stub:
        speak_to(stub.url)
        assert await store.write(Enter(record=stood)) == Refused(stood)
    assert [seen.operation for seen in stub.seen] == ["PutItem"]


async def test_a_refusal_without_an_item_means_that_there_was_no_record(store: JobStore, speak_to: SpeakTo) -> None:
    refusal = ok(**refused_with(None))
    refusal.set_status(400)
    async with serving(answers(refusal)) as stub:
        speak_to(stub.url)
        assert await store.write(Enter(record=record(Random(3)))) == Refused(None)


async def test_a_read_is_consistent(store: JobStore, speak_to: SpeakTo) -> None:
    async with serving(answers(ok())) as stub:
        speak_to(stub.url)
        assert await store.get("job") is None
    assert body_of(stub.seen[0])["ConsistentRead"] is True


async def test_an_item_of_a_newer_worker_is_read_as_far_as_it_is_understood(store: JobStore, speak_to: SpeakTo) -> None:
    made = record(Random(4))
    async with serving(answers(ok(Item={**item_of(made), "invented_later": {"BOOL": True}}))) as stub:
        speak_to(stub.url)
        assert await store.get(made.job_id) == made


async def test_an_item_that_cannot_be_read_is_told_with_what_to_do(store: JobStore, speak_to: SpeakTo) -> None:
    broken = {**item_of(record(Random(5))), "status": {"S": "DREAMING"}}
    async with serving(answers(ok(Item=broken))) as stub:
        speak_to(stub.url)
        with pytest.raises(Unavailable, match="DREAMING") as caught:
            await store.get("job")
    assert caught.value.service == "dynamodb"
    assert "mend or delete the item" in caught.value.remedy


async def test_the_check_fails_as_the_other_calls_would(store: JobStore, speak_to: SpeakTo) -> None:
    async with serving(answers(error(400, "ResourceNotFoundException"))) as stub:
        speak_to(stub.url)
        with pytest.raises(Unavailable, match='no table "jobs"'):
            await store.check()


async def test_the_check_of_writing_names_the_right_that_is_missing(store: JobStore, speak_to: SpeakTo) -> None:
    async with serving(answers(error(400, "AccessDeniedException"))) as stub:
        speak_to(stub.url)
        with pytest.raises(Unavailable, match="may not do dynamodb:UpdateItem"):
            await store.check_writing()
    assert "attribute_exists(pk) AND attribute_not_exists(pk)" in stub.seen[0].body.decode()
