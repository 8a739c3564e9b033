"""A refused conditional write says in its answer what stood in its way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

OLD = {"pk": {"S": "job"}, "status": {"S": "RUNNING"}, "attempt": {"N": "2"}}


@pytest.fixture
def old_item(dynamodb: Any, table: str) -> dict[str, Any]:
    dynamodb.put_item(TableName=table, Item=OLD)
    return OLD


def _refused(write: Callable[..., object], **request: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as refusal:
        write(**request, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    answer: dict[str, Any] = dict(refusal.value.response)
    assert answer["Error"]["Code"] == "ConditionalCheckFailedException"
    return answer


def test_a_refused_put_returns_the_old_item(dynamodb: Any, table: str, old_item: dict[str, Any]) -> None:
    answer = _refused(
        dynamodb.put_item,
        TableName=table,
        Item={"pk": {"S": "job"}, "status": {"S": "QUEUED"}},
        ConditionExpression="attribute_not_exists(pk)",
    )
    assert answer["Item"] == old_item


def test_a_refused_update_returns_the_old_item_and_changes_nothing(
    dynamodb: Any, table: str, old_item: dict[str, Any]
) -> None:
    answer = _refused(
        dynamodb.update_item,
        TableName=table,
        Key={"pk": {"S": "job"}},
        UpdateExpression="SET #status = :claimed ADD attempt :one",
        ConditionExpression="#status = :queued",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":claimed": {"S": "RUNNING"}, ":queued": {"S": "QUEUED"}, ":one": {"N": "1"}},
    )
    assert answer["Item"] == old_item
    assert dynamodb.get_item(TableName=table, Key={"pk": {"S": "job"}})["Item"] == old_item


def test_a_refused_update_of_an_absent_item_creates_nothing(dynamodb: Any, table: str) -> None:
    answer = _refused(
        dynamodb.update_item,
        TableName=table,
        Key={"pk": {"S": "nobody"}},
        UpdateExpression="ADD attempt :one",
        ConditionExpression="attribute_exists(pk)",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    assert "Item" not in answer
    assert "Item" not in dynamodb.get_item(TableName=table, Key={"pk": {"S": "nobody"}})
