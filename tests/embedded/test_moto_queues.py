"""Queues behave as SQS's do, however many messages and waiting receives they hold."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.patience import scaled


def _receive(sqs: Any, queue: str, wait: int = 0, count: int = 1) -> list[dict[str, Any]]:
    answer = sqs.receive_message(
        QueueUrl=queue, WaitTimeSeconds=wait, MaxNumberOfMessages=count, MessageSystemAttributeNames=["All"]
    )
    return list(answer.get("Messages", ()))


def _fill(sqs: Any, queue: str, count: int) -> None:
    batch = [{"Id": str(number), "MessageBody": "a message"} for number in range(10)]
    for _ in range(count // 10):
        sqs.send_message_batch(QueueUrl=queue, Entries=batch)


def _one_receive(sqs: Any, queue: str) -> float:
    begun = time.perf_counter()
    assert len(_receive(sqs, queue, count=10)) == 10
    return time.perf_counter() - begun


def test_an_abandoned_long_poll_does_not_swallow_the_next_message(sqs: Any, impatient_sqs: Any, queue: str) -> None:
    with pytest.raises(ReadTimeoutError):
        _receive(impatient_sqs, queue, wait=20)
    sqs.send_message(QueueUrl=queue, MessageBody="for the living")
    (message,) = _receive(sqs, queue, wait=5)
    assert message["Body"] == "for the living"
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


def test_receiving_from_2000_messages_costs_about_what_it_costs_from_50(
    sqs: Any, new_queue: Callable[..., str]
) -> None:
    shallow, deep = new_queue(), new_queue()
    _fill(sqs, shallow, 50)
    _fill(sqs, deep, 2000)
    took = [(_one_receive(sqs, shallow), _one_receive(sqs, deep)) for _ in range(5)]  # a slow moment is one for both
    assert min(each for _, each in took) < 5 * min(each for each, _ in took)  # other processes add to the rest


def test_every_waiting_receive_gets_the_message_meant_for_it(sqs: Any, new_queue: Callable[..., str]) -> None:
    queues = [new_queue() for _ in range(8)]
    with ThreadPoolExecutor(len(queues)) as pollers:
        polls: list[Future[list[dict[str, Any]]]] = [pollers.submit(_receive, sqs, queue, 20) for queue in queues]
        for queue in queues:
            sqs.send_message(QueueUrl=queue, MessageBody=queue)
        assert [poll.result(timeout=scaled(10))[0]["Body"] for poll in polls] == queues


@pytest.mark.parametrize("visibility", [0, 1])
def test_a_waiting_receive_sees_a_message_that_becomes_visible(sqs: Any, queue: str, visibility: int) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="given back")
    (first,) = _receive(sqs, queue)
    with ThreadPoolExecutor(1) as pollers:
        poll = pollers.submit(_receive, sqs, queue, 20)
        sqs.change_message_visibility(
            QueueUrl=queue, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=visibility
        )
        (second,) = poll.result(timeout=scaled(10))
    assert second["MessageId"] == first["MessageId"]
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"


def test_a_delayed_message_is_received_when_its_time_has_come(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="later", DelaySeconds=1)
    assert _receive(sqs, queue) == []
    (message,) = _receive(sqs, queue, wait=10)
    sent_at, received_at = (
        int(message["Attributes"][name]) for name in ("SentTimestamp", "ApproximateFirstReceiveTimestamp")
    )
    assert received_at - sent_at >= 1000


def test_a_message_older_than_the_retention_is_not_delivered(sqs: Any, new_queue: Callable[..., str]) -> None:
    queue = new_queue(MessageRetentionPeriod="60")
    sqs.send_message(QueueUrl=queue, MessageBody="short-lived")
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"MessageRetentionPeriod": "0"})
    assert _receive(sqs, queue) == []


def test_deleting_again_is_no_error_but_an_unknown_handle_is(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="done")
    (message,) = _receive(sqs, queue)
    for _ in range(2):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    with pytest.raises(ClientError, match="ReceiptHandleIsInvalid"):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle="nobody's")


def test_a_message_received_too_often_moves_to_the_dead_letter_queue(sqs: Any, new_queue: Callable[..., str]) -> None:
    dead = new_queue()
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    queue = new_queue(
        VisibilityTimeout="0", RedrivePolicy=json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
    )
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    assert [len(_receive(sqs, queue)) for _ in range(3)] == [1, 1, 0]
    assert [message["Body"] for message in _receive(sqs, dead)] == ["poison"]


def test_the_attributes_of_a_queue_count_waiting_hidden_and_delayed_messages(
    sqs: Any, new_queue: Callable[..., str]
) -> None:
    queue = new_queue(VisibilityTimeout="60", MessageRetentionPeriod="1209600")
    for delay in (0, 0, 0, 60):
        sqs.send_message(QueueUrl=queue, MessageBody="counted", DelaySeconds=delay)
    _receive(sqs, queue)
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == "2"
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == "1"
    assert attributes["ApproximateNumberOfMessagesDelayed"] == "1"
    assert (attributes["VisibilityTimeout"], attributes["MessageRetentionPeriod"]) == ("60", "1209600")
    assert attributes["SqsManagedSseEnabled"] == "true"
    assert "FifoQueue" not in attributes
    assert "RedrivePolicy" not in attributes
