"""Single writes: their conditions, their price, their checksums."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import pytest

from bench.endpoint.dynamodb.cells import weight
from tests.bench.calling import KEY, TABLE, Caller, Refused

UPDATE: dict[str, Any] = {"TableName": "jobs", "Key": KEY, "UpdateExpression": "SET a = :a"}


def put(caller: Caller, size: int) -> None:
    filler = {"S": "x" * (size - weight({**KEY, "f": {"S": ""}}))}
    caller.dynamodb("PutItem", TableName="jobs", Item={**KEY, "f": filler})


def units(answer: dict[str, Any]) -> float:
    return float(answer["ConsumedCapacity"]["CapacityUnits"])


@pytest.mark.parametrize(("size", "expected"), [(1024, 2.0), (1000, 1.0), (2048, 3.0), (2040, 2.0)])
def test_a_write_costs_a_unit_for_each_started_kilobyte_of_the_larger_item(
    caller: Caller, size: int, expected: float
) -> None:
    put(caller, size)
    values = {":a": {"N": "1"}}
    told = caller.dynamodb("UpdateItem", **UPDATE, ExpressionAttributeValues=values, ReturnConsumedCapacity="TOTAL")
    assert units(told) == expected
    smaller = caller.dynamodb(
        "PutItem", TableName="jobs", Item=KEY, ReturnConsumedCapacity="TOTAL", ReturnValues="ALL_OLD"
    )
    assert units(smaller) == expected


def test_a_consistent_read_costs_twice_a_stale_one(caller: Caller) -> None:
    put(caller, 5000)
    asked = {"TableName": "jobs", "Key": KEY, "ReturnConsumedCapacity": "TOTAL"}
    assert units(caller.dynamodb("GetItem", **asked, ConsistentRead=True)) == 2.0
    assert units(caller.dynamodb("GetItem", **asked)) == 1.0


def test_a_refused_write_brings_the_item_where_it_is_asked_for_and_is_charged(caller: Caller) -> None:
    put(caller, 100)
    caller.control("reset")
    refused = {"TableName": "jobs", "Item": KEY, "ConditionExpression": "attribute_not_exists(pk)"}
    with pytest.raises(Refused) as plain:
        caller.dynamodb("PutItem", **refused)
    assert (plain.value.code, "Item" in plain.value.answer) == ("ConditionalCheckFailedException", False)
    with pytest.raises(Refused) as showing:
        caller.dynamodb("PutItem", **refused, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert showing.value.answer["Item"]["pk"] == KEY["pk"]
    assert caller.control("counts")["write_units"] == {"PutItem": 2}


@pytest.mark.parametrize(
    ("operation", "request_", "words"),
    [
        ("PutItem", {"TableName": "jobs", "Item": {"pk": {"S": "x"}}}, "required keys"),
        ("PutItem", {"TableName": "jobs", "Item": {**KEY, "pk": {"N": "1"}}}, "Type mismatch"),
        ("PutItem", {"TableName": "jobs", "Item": {**KEY, "pk": {"S": ""}}}, "empty string"),
        ("PutItem", {"TableName": "jobs", "Item": {**KEY, "a": {"X": "1"}}}, "unknown type"),
        ("PutItem", {"TableName": "jobs", "Item": {**KEY, "a": {"N": "one"}}}, "numeric"),
        ("PutItem", {"TableName": "jobs", "Item": {**KEY, "a": {"S": "x" * 409_600}}}, "Item size"),
        ("PutItem", {"TableName": "jobs", "Item": KEY, "Expected": {}}, "Not known here: Expected"),
        ("GetItem", {"TableName": "jobs", "Key": {"pk": {"S": "x"}}}, "does not match the schema"),
        ("GetItem", {"TableName": "nowhere", "Key": KEY}, "not found"),
        ("UpdateItem", {**UPDATE, "UpdateExpression": "SET pk = :a"}, "part of the key"),
        ("CreateTable", TABLE, "already exists"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    caller: Caller, operation: str, request_: dict[str, Any], words: str
) -> None:
    values = {"ExpressionAttributeValues": {":a": {"S": "1"}}} if operation == "UpdateItem" else {}
    with pytest.raises(Refused, match=words):
        caller.dynamodb(operation, **request_, **values)


def test_every_answer_carries_its_checksum_and_the_date(caller: Caller) -> None:
    for request in ({"TableName": "jobs", "Key": KEY}, {"TableName": "nowhere", "Key": KEY}):
        [answer] = caller.answers("dynamodb", "GetItem", request)
        assert b"x-amz-crc32: %d\r\n" % crc32(answer.body) in answer.headers
        assert b"Date: " in answer.headers
