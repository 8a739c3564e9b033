"""Statements of a batch: each alone, with the condition's refusal and the item that stood there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bench.calling import KEY, Caller, Refused

CLAIM = (
    'UPDATE "jobs" SET status=? SET attempt=attempt+1 SET history=list_append(history,?) REMOVE later'
    " WHERE pk=? AND sk=? AND attempt<? AND gone IS MISSING AND (status IN ['QUEUED','RETRYING'] OR status='OLD')"
    " RETURNING ALL NEW *"
)
ITEM: dict[str, Any] = {
    **KEY,
    "status": {"S": "QUEUED"},
    "attempt": {"N": "0"},
    "history": {"L": []},
    "later": {"N": "1"},
}


def claim(most: int = 3, **changed: Any) -> dict[str, Any]:
    key = {**KEY, **changed}
    parameters = [{"S": "RUNNING"}, {"L": [{"S": "claimed"}]}, key["pk"], key["sk"], {"N": str(most)}]
    return {"Statement": CLAIM, "Parameters": parameters, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


def execute(caller: Caller, *statements: dict[str, Any]) -> list[dict[str, Any]]:
    responses: list[dict[str, Any]] = caller.dynamodb("BatchExecuteStatement", Statements=statements)["Responses"]
    return responses


@pytest.fixture(autouse=True)
def stored(caller: Caller) -> None:
    caller.dynamodb("PutItem", TableName="jobs", Item=ITEM)


def test_a_claim_answers_with_the_new_item(caller: Caller) -> None:
    [answer] = execute(caller, claim())
    claimed = {**ITEM, "status": {"S": "RUNNING"}, "attempt": {"N": "1"}, "history": {"L": [{"S": "claimed"}]}}
    del claimed["later"]
    assert answer == {"TableName": "jobs", "Item": claimed}


def test_a_refused_claim_brings_the_old_item_and_leaves_the_others_alone(caller: Caller) -> None:
    caller.dynamodb("PutItem", TableName="jobs", Item={**ITEM, "pk": {"S": "job#2"}})
    refused, done = execute(caller, claim(most=0), claim(pk={"S": "job#2"}))
    assert refused["Error"]["Code"] == "ConditionalCheckFailed"
    assert refused["Error"]["Item"] == ITEM
    assert done["Item"]["status"] == {"S": "RUNNING"}


def test_an_absent_item_is_a_failed_condition_without_an_item(caller: Caller) -> None:
    [answer] = execute(caller, claim(pk={"S": "job#9"}))
    assert (answer["Error"]["Code"], "Item" in answer["Error"]) == ("ConditionalCheckFailed", False)


def test_two_statements_for_one_key_fail_the_whole_request(caller: Caller) -> None:
    with pytest.raises(Refused, match="duplicates"):
        execute(caller, claim(), claim())
    assert caller.dynamodb("GetItem", TableName="jobs", Key=KEY)["Item"] == ITEM


def test_a_request_takes_twenty_five_statements(caller: Caller) -> None:
    with pytest.raises(Refused, match="between 1 and 25"):
        execute(caller, *(claim(pk={"S": f"job#{number}"}) for number in range(26)))


def test_an_insert_answers_that_somebody_was_faster(caller: Caller) -> None:
    insert = {
        "Statement": "INSERT INTO \"jobs\" VALUE {'pk': ?, 'sk': ?, 'n': 1}",
        "Parameters": [KEY["pk"], KEY["sk"]],
    }
    [late] = execute(caller, insert)
    assert late["Error"] == {"Code": "DuplicateItem", "Message": "Duplicate primary key exists in table"}
    [first] = execute(caller, {**insert, "Parameters": [{"S": "job#7"}, KEY["sk"]]})
    assert first == {"TableName": "jobs"}


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE \"jobs\" SET a=1 WHERE pk='job#1'", "mandatory equality"),
        ("UPDATE \"jobs\" SET a=1 WHERE pk='job#1' OR sk='job'", "mandatory equality"),
        ("UPDATE \"jobs\" SET a=1 WHERE NOT pk='job#1' AND sk='job'", "mandatory equality"),
        ("UPDATE \"jobs\" SET pk='x' WHERE pk='job#1' AND sk='job'", "part of the key"),
        ("UPDATE \"jobs\" SET a=1 REMOVE a WHERE pk='job#1' AND sk='job'", "overlap"),
        ("UPDATE \"jobs\" SET a=? WHERE pk='job#1' AND sk='job'", "don't match"),
        ("UPDATE \"jobs\" SET a=b+1 WHERE pk='job#1' AND sk='job'", "does not exist"),
        ("UPDATE \"jobs\" SET a=upper(b) WHERE pk='job#1' AND sk='job'", "Syntax error"),
        ("SELECT * FROM \"jobs\" WHERE pk='job#1'", "Syntax error"),
        ("UPDATE \"nowhere\" SET a=1 WHERE pk='job#1' AND sk='job'", "not found"),
    ],
)
def test_a_bad_statement_fails_alone_and_says_why(caller: Caller, statement: str, words: str) -> None:
    caller.dynamodb("PutItem", TableName="jobs", Item={**ITEM, "pk": {"S": "job#2"}})
    bad, good = execute(caller, {"Statement": statement}, claim(pk={"S": "job#2"}))
    assert words in bad["Error"]["Message"]
    assert "Error" not in good


def test_units_are_told_by_table_and_counted_by_the_ledger(caller: Caller) -> None:
    caller.control("reset")
    told = caller.dynamodb("BatchExecuteStatement", Statements=[claim()], ReturnConsumedCapacity="TOTAL")
    assert told["ConsumedCapacity"] == [{"TableName": "jobs", "CapacityUnits": 1.0}]
    counts = caller.control("counts")
    assert counts["write_units"] == {"BatchExecuteStatement": 1}
    assert (counts["calls"], counts["entries"]) == ({"BatchExecuteStatement": 1}, {"BatchExecuteStatement": 1})
