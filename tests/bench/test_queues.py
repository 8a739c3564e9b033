"""Messages and receipts: what SQS would refuse is refused, what it would ignore has no effect."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from bench.endpoint.sqs.queue import Queue
from tests.bench.calling import Caller, Refused

URL = {"QueueUrl": "http://127.0.0.1:1/000000000000/queue"}


def send(caller: Caller, *bodies: str) -> None:
    for body in bodies:
        caller.sqs("SendMessage", **URL, MessageBody=body)


def receive(caller: Caller, **asked: Any) -> list[dict[str, Any]]:
    asked = {"MaxNumberOfMessages": 10, "VisibilityTimeout": 60, **asked}
    messages: list[dict[str, Any]] = caller.sqs("ReceiveMessage", **URL, **asked).get("Messages", [])
    return messages


def left(caller: Caller) -> int:
    return int(caller.control("depth", queue="queue")["left"])


def test_an_older_receipt_of_a_message_is_answered_and_does_nothing(caller: Caller) -> None:
    send(caller, "a")
    [first] = receive(caller, VisibilityTimeout=0)
    [second] = receive(caller)
    caller.sqs("DeleteMessage", **URL, ReceiptHandle=first["ReceiptHandle"])
    caller.sqs("ChangeMessageVisibility", **URL, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    assert (left(caller), receive(caller)) == (1, [])
    caller.sqs("DeleteMessage", **URL, ReceiptHandle=second["ReceiptHandle"])
    assert left(caller) == 0


def test_a_receipt_that_ran_out_hides_nothing_and_still_deletes(caller: Caller) -> None:
    send(caller, "a")
    [message] = receive(caller, VisibilityTimeout=0)
    caller.sqs("ChangeMessageVisibility", **URL, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=600)
    assert caller.control("depth", queue="queue") == {"left": 1, "waiting": 0}
    caller.sqs("DeleteMessage", **URL, ReceiptHandle=message["ReceiptHandle"])
    assert (left(caller), receive(caller)) == (0, [])


def test_a_deleted_message_can_be_deleted_again_and_not_hidden(caller: Caller) -> None:
    send(caller, "a")
    [message] = receive(caller)
    for _ in range(2):
        caller.sqs("DeleteMessage", **URL, ReceiptHandle=message["ReceiptHandle"])
    with pytest.raises(Refused) as refused:
        caller.sqs("ChangeMessageVisibility", **URL, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=5)
    assert refused.value.code == "InvalidParameterValue"


@pytest.mark.parametrize("receipt", ["doctor", "a.b.c.d", ""])
def test_a_receipt_that_never_was_is_refused(caller: Caller, receipt: str) -> None:
    with pytest.raises(Refused) as refused:
        caller.sqs("DeleteMessage", **URL, ReceiptHandle=receipt)
    assert refused.value.code == ("ReceiptHandleIsInvalid" if receipt else "MissingParameter")


def test_a_message_cannot_be_hidden_beyond_twelve_hours_from_its_receipt(caller: Caller) -> None:
    send(caller, "a")
    [message] = receive(caller)
    with pytest.raises(Refused, match="beyond the limit"):
        caller.sqs("ChangeMessageVisibility", **URL, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=43_200)


def test_entries_of_a_batch_fail_one_by_one(caller: Caller) -> None:
    send(caller, "a")
    [message] = receive(caller)
    entries = [{"Id": "bad", "ReceiptHandle": "x"}, {"Id": "good", "ReceiptHandle": message["ReceiptHandle"]}]
    told = caller.sqs("DeleteMessageBatch", **URL, Entries=entries)
    assert [each["Id"] for each in told["Successful"]] == ["good"]
    assert [(each["Id"], each["Code"]) for each in told["Failed"]] == [("bad", "ReceiptHandleIsInvalid")]


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([{"Id": str(number), "MessageBody": "x"} for number in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "a", "MessageBody": "x"}] * 2, "BatchEntryIdsNotDistinct"),
        ([{"Id": "a b", "MessageBody": "x"}], "InvalidBatchEntryId"),
        ([{"Id": id_, "MessageBody": "x" * 600_000} for id_ in "ab"], "BatchRequestTooLong"),
    ],
)
def test_a_batch_that_is_none_is_refused_whole(caller: Caller, entries: list[dict[str, str]], code: str) -> None:
    with pytest.raises(Refused) as refused:
        caller.sqs("SendMessageBatch", **URL, Entries=entries)
    assert (refused.value.code, left(caller)) == (code, 0)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"MessageBody": ""}, "MissingParameter"),
        ({"MessageBody": "a\x00b"}, "InvalidMessageContents"),
        ({"MessageBody": "x" * 1_048_577}, "InvalidParameterValue"),
        ({"MessageBody": "x", "DelaySeconds": 901}, "InvalidParameterValue"),
        ({"MessageBody": "x", "QueueUrl": "http://127.0.0.1:1/0/nowhere"}, "QueueDoesNotExist"),
    ],
)
def test_a_message_that_sqs_would_refuse_is_refused(caller: Caller, request_: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as refused:
        caller.sqs("SendMessage", **{**URL, **request_})
    assert refused.value.code == code


def test_attributes_come_back_as_they_are_asked_for(caller: Caller) -> None:
    cell = {"DataType": "String", "StringValue": "v"}
    traced = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}}
    sent = caller.sqs(
        "SendMessage", **URL, MessageBody="a", MessageAttributes={"k": cell}, MessageSystemAttributes=traced
    )
    asked = {"MessageSystemAttributeNames": ["ApproximateReceiveCount", "AWSTraceHeader"]}
    [message] = receive(caller, **asked, MessageAttributeNames=["All"])
    assert message["Attributes"] == {"ApproximateReceiveCount": "1", "AWSTraceHeader": "Root=1"}
    assert message["MessageAttributes"] == {"k": cell}
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"] == "0a77b0642718c3d9dd47090567d11e0d"


async def test_a_held_queue_hands_out_nothing_until_it_is_released(caller: Caller) -> None:
    caller.control("hold", queue="queue")
    send(caller, "a")
    waiting = caller.answers("sqs", "ReceiveMessage", {**URL, "WaitTimeSeconds": 20})
    assert (waiting, caller.control("depth", queue="queue")) == ([], {"left": 1, "waiting": 1})
    caller.control("release", queue="queue")
    assert [message["Body"] for message in orjson.loads(waiting[0].body)["Messages"]] == ["a"]


async def test_dismissed_receives_are_answered_with_nothing(caller: Caller) -> None:
    waiting = caller.answers("sqs", "ReceiveMessage", {**URL, "WaitTimeSeconds": 20})
    caller.control("dismiss", queue="queue")
    assert [answer.body for answer in waiting] == [b"{}"]
    assert caller.control("counts")["empty_receives"] == 1


async def test_a_hidden_message_wakes_who_waits_when_its_time_is_over(caller: Caller) -> None:
    send(caller, "a")
    [message] = receive(caller)
    waiting = caller.answers("sqs", "ReceiveMessage", {**URL, "WaitTimeSeconds": 20})
    caller.sqs("ChangeMessageVisibility", **URL, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=1)
    for _ in range(500):
        if waiting:
            break
        await asyncio.sleep(0.01)
    assert orjson.loads(waiting[0].body)["Messages"][0]["Body"] == "a"


def test_an_unknown_operation_and_an_unsigned_request_are_refused(caller: Caller) -> None:
    with pytest.raises(Refused) as refused:
        caller.sqs("AddPermission", **URL)
    assert refused.value.code == "UnknownOperationException"


def test_queues_count_what_they_hold() -> None:
    assert Queue("queue", {}).depth() == {"ready": 0, "hidden": 0, "delayed": 0}
