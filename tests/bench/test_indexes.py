"""Indexes and reads of many items: what is found, in which order, and at which price."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bench.calling import TABLE, Caller, Refused

DEFINITIONS = [
    *TABLE["AttributeDefinitions"],
    {"AttributeName": "due", "AttributeType": "S"},
    {"AttributeName": "at", "AttributeType": "N"},
]
DUE = {
    "IndexName": "due",
    "KeySchema": [{"AttributeName": "due", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["type"]},
}
QUERY = {"TableName": "later", "IndexName": "due", "KeyConditionExpression": "due = :shard AND #at <= :until"}
NAMES = {"#at": "at"}


@pytest.fixture
def later(caller: Caller) -> Caller:
    asked = {**TABLE, "TableName": "later", "AttributeDefinitions": DEFINITIONS, "GlobalSecondaryIndexes": [DUE]}
    caller.dynamodb("CreateTable", **asked)
    return caller


def key(name: str) -> dict[str, Any]:
    return {"pk": {"S": name}, "sk": {"S": "job"}}


def put(caller: Caller, name: str, **cells: Any) -> float:
    item = {**key(name), **cells}
    told = caller.dynamodb("PutItem", TableName="later", Item=item, ReturnConsumedCapacity="TOTAL")
    return float(told["ConsumedCapacity"]["CapacityUnits"])


def at(moment: int, shard: str = "3") -> dict[str, Any]:
    return {"due": {"S": shard}, "at": {"N": str(moment)}}


def found(caller: Caller, until: int, **more: Any) -> tuple[list[str], dict[str, Any]]:
    values = {":shard": {"S": "3"}, ":until": {"N": str(until)}}
    asked = {**QUERY, "ExpressionAttributeNames": NAMES, "ExpressionAttributeValues": values, **more}
    answer = caller.dynamodb("Query", **asked)
    return [item["pk"]["S"] for item in answer.get("Items", ())], answer


def test_an_index_has_what_has_both_its_keys_in_the_order_of_numbers(later: Caller) -> None:
    for name, cells in (("a", at(100)), ("b", at(9)), ("c", at(20)), ("d", at(5, "4")), ("e", {"due": {"S": "3"}})):
        put(later, name, **cells)
    assert found(later, 100)[0] == ["b", "c", "a"]
    assert found(later, 99)[0] == ["b", "c"]
    assert found(later, 100, ScanIndexForward=False)[0] == ["a", "c", "b"]


def test_pages_go_on_where_the_last_one_ended(later: Caller) -> None:
    for name in ("a", "b", "c"):
        put(later, name, **at(7))
    first, answer = found(later, 7, Limit=2)
    assert answer["LastEvaluatedKey"] == {**key("b"), **at(7)}
    second, answer = found(later, 7, Limit=2, ExclusiveStartKey=answer["LastEvaluatedKey"])
    assert (first, second, "LastEvaluatedKey" in answer) == (["a", "b"], ["c"], False)


def test_an_index_shows_its_keys_and_what_it_includes(later: Caller) -> None:
    put(later, "a", **at(7), type={"S": "text"}, payload={"S": "big"})
    assert found(later, 7)[1]["Items"] == [{**key("a"), **at(7), "type": {"S": "text"}}]


def test_a_filter_leaves_out_after_the_page_was_read_and_a_count_shows_no_item(later: Caller) -> None:
    for name, kind in (("a", "x"), ("b", "y"), ("c", "y")):
        put(later, name, **at(7), type={"S": kind})
    values = {":shard": {"S": "3"}, ":until": {"N": "9"}, ":type": {"S": "y"}}
    more = {"FilterExpression": "#type = :type", "ExpressionAttributeNames": {**NAMES, "#type": "type"}}
    named, answer = found(later, 9, **more, ExpressionAttributeValues=values, Limit=2)
    assert (named, answer["Count"], answer["ScannedCount"]) == (["b"], 1, 2)
    counted = found(later, 9, **more, ExpressionAttributeValues=values, Select="COUNT")[1]
    assert (counted["Count"], "Items" in counted) == (2, False)


def test_a_write_costs_a_unit_more_for_each_entry_that_it_changes(later: Caller) -> None:
    assert put(later, "a") == 1
    assert put(later, "a", **at(7)) == 2, "into the index"
    assert put(later, "a", **at(7), payload={"S": "other"}) == 1, "what the index does not show"
    assert put(later, "a", **at(7), type={"S": "x"}) == 2, "what it shows"
    assert put(later, "a", **at(8), type={"S": "x"}) == 3, "out of one place, into another"
    told = later.dynamodb("DeleteItem", TableName="later", Key=key("a"), ReturnConsumedCapacity="TOTAL")
    assert told["ConsumedCapacity"]["CapacityUnits"] == 2
    assert found(later, 9)[0] == []


def test_an_index_can_be_added_to_items_and_taken_away(caller: Caller) -> None:
    caller.dynamodb("CreateTable", **{**TABLE, "TableName": "later"})
    put(caller, "a", **at(7))
    with pytest.raises(Refused, match="does not have the specified index"):
        found(caller, 9)
    changes = [{"Create": DUE}]
    caller.dynamodb(
        "UpdateTable", TableName="later", AttributeDefinitions=DEFINITIONS, GlobalSecondaryIndexUpdates=changes
    )
    assert found(caller, 9)[0] == ["a"]
    (index,) = caller.dynamodb("DescribeTable", TableName="later")["Table"]["GlobalSecondaryIndexes"]
    assert (index["IndexName"], index["IndexStatus"]) == ("due", "ACTIVE")
    deletes = [{"Delete": {"IndexName": "due"}}]
    caller.dynamodb("UpdateTable", TableName="later", GlobalSecondaryIndexUpdates=deletes)
    with pytest.raises(Refused, match="does not have the specified index"):
        found(caller, 9)


def test_a_partition_of_the_table_is_read_in_order_and_consistently(caller: Caller) -> None:
    for name in ("b", "a", "c"):
        caller.dynamodb("PutItem", TableName="jobs", Item={"pk": {"S": "leases"}, "sk": {"S": name}})
    caller.dynamodb("DeleteItem", TableName="jobs", Key={"pk": {"S": "leases"}, "sk": {"S": "b"}})
    asked = {"KeyConditionExpression": "pk = :it", "ExpressionAttributeValues": {":it": {"S": "leases"}}}
    answer = caller.dynamodb("Query", TableName="jobs", **asked, ConsistentRead=True, ReturnConsumedCapacity="TOTAL")
    assert [item["sk"]["S"] for item in answer["Items"]] == ["a", "c"]
    assert answer["ConsumedCapacity"]["CapacityUnits"] == 1.0


def test_many_items_are_read_in_one_request_at_the_price_of_each(later: Caller) -> None:
    put(later, "a", filler={"S": "x" * 5000})
    put(later, "b")
    keys = [key(name) for name in ("a", "b", "absent")]
    asked = {"later": {"Keys": keys, "ConsistentRead": True}}
    answer = later.dynamodb("BatchGetItem", RequestItems=asked, ReturnConsumedCapacity="TOTAL")
    assert sorted(item["pk"]["S"] for item in answer["Responses"]["later"]) == ["a", "b"]
    assert answer["ConsumedCapacity"] == [{"TableName": "later", "CapacityUnits": 4.0}]


@pytest.mark.parametrize(
    ("operation", "request_", "words"),
    [
        ("Query", {"KeyConditionExpression": "#at <= :until"}, "missed key schema element: due"),
        ("Query", {"ConsistentRead": True}, "Consistent reads are not supported"),
        ("Query", {"IndexName": "other"}, "does not have the specified index: other"),
        ("Query", {"QueryFilter": {}}, "Not known here: QueryFilter"),
        ("BatchGetItem", {"RequestItems": {"later": {"Keys": [key("a"), key("a")]}}}, "duplicates"),
        ("BatchGetItem", {"RequestItems": {"later": {"Keys": [key(str(n)) for n in range(101)]}}}, "Too many items"),
        ("PutItem", {"TableName": "later", "Item": {**key("a"), "due": {"N": "1"}, "at": {"N": "1"}}}, "Index Key due"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    later: Caller, operation: str, request_: dict[str, Any], words: str
) -> None:
    if operation == "Query":
        values = {":shard": {"S": "3"}, ":until": {"N": "1"}}
        request_ = {**QUERY, "ExpressionAttributeNames": NAMES, "ExpressionAttributeValues": values, **request_}
    with pytest.raises(Refused, match=words):
        later.dynamodb(operation, **request_)
