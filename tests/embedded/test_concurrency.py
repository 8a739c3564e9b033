"""Many clients at once see one AWS: every write is applied once, whole, and stays."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

CLIENTS = 16


def _claim(dynamodb: Any, table: str, key: str, token: str) -> str | None:
    """Return the token that holds `key` if it is ours, else None."""
    try:
        answer = dynamodb.update_item(
            TableName=table,
            Key={"pk": {"S": key}},
            UpdateExpression="SET #token = :token",
            ConditionExpression="attribute_not_exists(#token)",
            ExpressionAttributeNames={"#token": "token"},
            ExpressionAttributeValues={":token": {"S": token}},
            ReturnValues="ALL_NEW",
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return None
    return str(answer["Attributes"]["token"]["S"])


def _at_once(act: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(CLIENTS) as clients:
        return list(clients.map(act, range(CLIENTS)))


def test_of_sixteen_claims_at_once_exactly_one_wins(dynamodb: Any, table: str) -> None:
    for key in map(str, range(10)):

        def claim(client: int, key: str = key) -> str | None:
            return _claim(dynamodb, table, key, token=f"claim-{client}")

        winners = [token for token in _at_once(claim) if token]
        stored = dynamodb.get_item(TableName=table, Key={"pk": {"S": key}})["Item"]["token"]["S"]
        assert winners == [stored]


def test_every_concurrent_addition_counts(dynamodb: Any, table: str) -> None:
    def add(_: int) -> None:
        for _ in range(10):
            dynamodb.update_item(
                TableName=table,
                Key={"pk": {"S": "counter"}},
                UpdateExpression="ADD n :one",
                ExpressionAttributeValues={":one": {"N": "1"}},
            )

    _at_once(add)
    counter = dynamodb.get_item(TableName=table, Key={"pk": {"S": "counter"}})["Item"]
    assert counter["n"]["N"] == str(10 * CLIENTS)


def test_no_acknowledged_message_is_lost_while_others_delete(sqs: Any, queue: str) -> None:
    sent = [f"{sender}/{number}" for sender in range(4) for number in range(40)]
    unseen = set(sent)
    turns = itertools.count()

    def work(client: int) -> None:
        for body in sent[client::CLIENTS]:
            sqs.send_message(QueueUrl=queue, MessageBody=body)
        while unseen and next(turns) < 2000:
            for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=3).get("Messages", ()):
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                unseen.remove(message["Body"])  # a KeyError here is a message that was delivered twice

    _at_once(work)
    assert not unseen


def test_a_failed_transaction_does_not_roll_back_what_others_put(dynamodb: Any, table: str) -> None:
    def fail() -> None:
        with pytest.raises(ClientError, match="TransactionCanceledException"):
            dynamodb.transact_write_items(
                TransactItems=[
                    {"Put": {"TableName": table, "Item": {"pk": {"S": "never"}}}},
                    {
                        "ConditionCheck": {
                            "TableName": table,
                            "Key": {"pk": {"S": "absent"}},
                            "ConditionExpression": "attribute_exists(pk)",
                        }
                    },
                ]
            )

    def act(client: int) -> None:
        for number in range(10):
            if client % 2:
                fail()
            else:
                dynamodb.put_item(TableName=table, Item={"pk": {"S": f"{client}/{number}"}})

    _at_once(act)
    kept = {item["pk"]["S"] for item in dynamodb.scan(TableName=table)["Items"]}
    assert kept == {f"{client}/{number}" for client in range(0, CLIENTS, 2) for number in range(10)}
