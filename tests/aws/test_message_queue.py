"""The queue's own ways: its address, its batches, and what it says when SQS refuses."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from aiohttp import web

from cqworker.aws.clients import AwsClients
from cqworker.aws.sqs.message_queue import SqsQueue
from cqworker.clock import SystemClock
from cqworker.errors import MessageTooLarge, Unavailable
from cqworker.ports import Letter
from tests.aws.stub import Seen, answers, body_of, error, ok, serving

SpeakTo = Callable[..., None]
URL = "https://sqs.example/queue"


@pytest.fixture
def queue(clients: AwsClients) -> SqsQueue:
    return SqsQueue(clients, "jobs", SystemClock())


async def test_the_address_is_looked_up_once(queue: SqsQueue, speak_to: SpeakTo) -> None:
    async with serving(answers(ok(QueueUrl=URL, MessageId="1"))) as stub:
        speak_to(stub.url)
        for body in ("a", "b"):
            await queue.send(Letter(body=body))
    assert [seen.operation for seen in stub.seen] == ["GetQueueUrl", "SendMessage", "SendMessage"]
    assert body_of(stub.seen[2]) == {"QueueUrl": URL, "MessageBody": "b"}


@pytest.mark.parametrize("code", ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"])
async def test_a_queue_that_was_deleted_is_looked_up_again(queue: SqsQueue, speak_to: SpeakTo, code: str) -> None:
    script = [ok(QueueUrl=URL), error(400, code), ok(QueueUrl=URL + "-2"), ok(MessageId="1")]
    async with serving(answers(*script)) as stub:
        speak_to(stub.url)
        with pytest.raises(Unavailable, match='no queue "jobs"'):
            await queue.send(Letter(body="a"))
        await queue.send(Letter(body="a"))
    assert body_of(stub.seen[-1])["QueueUrl"] == URL + "-2"


async def test_every_entry_of_a_batch_has_an_id_and_a_fault_of_its_own(queue: SqsQueue, speak_to: SpeakTo) -> None:
    failed = [
        {"Id": "0", "SenderFault": True, "Code": "ReceiptHandleIsInvalid", "Message": "expired"},
        {"Id": "2", "SenderFault": False, "Code": "InternalError"},
    ]
    async with serving(answers(ok(QueueUrl=URL), ok(Successful=[{"Id": "1"}], Failed=failed))) as stub:
        speak_to(stub.url)
        faults = await queue.delete(["r0", "r1", "r2"])
    assert [(fault.receipt, fault.reason, fault.gone) for fault in faults] == [
        ("r0", "ReceiptHandleIsInvalid: expired", True),
        ("r2", "InternalError", False),
    ]
    entries = [{"Id": str(place), "ReceiptHandle": f"r{place}"} for place in range(3)]
    assert body_of(stub.seen[1]) == {"QueueUrl": URL, "Entries": entries}


async def test_a_batch_refused_for_one_entry_is_done_one_by_one(queue: SqsQueue, speak_to: SpeakTo) -> None:
    async def judge(seen: Seen) -> web.StreamResponse:
        receipt = body_of(seen).get("ReceiptHandle")
        if seen.operation == "ChangeMessageVisibilityBatch" or receipt == "late":
            return error(400, "InvalidParameterValue", "Total VisibilityTimeout is beyond the limit")
        return error(400, "AccessDenied") if receipt == "denied" else ok(QueueUrl=URL)

    async with serving(judge) as stub:
        speak_to(stub.url)
        faults = await queue.change_visibility([("late", 43_200), ("fine", 30), ("denied", 30)])
    assert [(fault.receipt, fault.gone) for fault in faults] == [("late", True), ("denied", False)]
    alone = [body_of(seen) for seen in stub.seen if seen.operation == "ChangeMessageVisibility"]
    assert alone[1] == {"QueueUrl": URL, "ReceiptHandle": "fine", "VisibilityTimeout": 30}


async def test_a_batch_refused_for_the_services_own_sake_is_unavailable(queue: SqsQueue, speak_to: SpeakTo) -> None:
    async with serving(answers(ok(QueueUrl=URL), error(400, "RequestThrottled"))) as stub:
        speak_to(stub.url)
        with pytest.raises(Unavailable, match="throttles"):
            await queue.delete(["r0"])


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "InvalidParameterValue",
            "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.",
        ),
        ("InvalidAttributeValue", "MessageTooLong"),
    ],
)
async def test_a_queue_with_a_lower_limit_refuses_the_message_and_not_the_service(
    queue: SqsQueue, speak_to: SpeakTo, code: str, message: str
) -> None:
    async with serving(answers(ok(QueueUrl=URL), error(400, code, message))) as stub:
        speak_to(stub.url)
        with pytest.raises(MessageTooLarge):
            await queue.send(Letter(body="x" * 2000))


async def test_another_mistake_in_a_send_is_told_as_it_is(queue: SqsQueue, speak_to: SpeakTo) -> None:
    refusal = error(400, "InvalidParameterValue", "Value 901 for parameter DelaySeconds is invalid.")
    async with serving(answers(ok(QueueUrl=URL), refusal)) as stub:
        speak_to(stub.url)
        with pytest.raises(Unavailable, match="DelaySeconds"):
            await queue.send(Letter(body="x", delay=901))


async def test_a_receive_asks_for_what_the_daemon_needs_and_no_more(queue: SqsQueue, speak_to: SpeakTo) -> None:
    async with serving(answers(ok(QueueUrl=URL), ok())) as stub:
        speak_to(stub.url)
        assert list(await queue.receive(7, 20, 60)) == []
    assert body_of(stub.seen[1]) == {
        "QueueUrl": URL,
        "MaxNumberOfMessages": 7,
        "WaitTimeSeconds": 20,
        "VisibilityTimeout": 60,
        "MessageSystemAttributeNames": ["ApproximateReceiveCount", "SentTimestamp", "AWSTraceHeader"],
        "MessageAttributeNames": ["traceparent"],
    }


async def test_every_message_of_a_request_is_answered_for_itself(queue: SqsQueue, speak_to: SpeakTo) -> None:
    failed = [
        {"Id": "0", "SenderFault": True, "Code": "InvalidParameterValue", "Message": "must be shorter than 1024 bytes"},
        {"Id": "2", "SenderFault": True, "Code": "InvalidMessageContents", "Message": "no such character"},
    ]
    sent = [{"Id": "1", "MessageId": "m"}]
    async with serving(answers(ok(QueueUrl=URL), ok(Successful=sent, Failed=failed))) as stub:
        speak_to(stub.url)
        first, second, third = await queue.send_many([Letter(body=body) for body in ("a", "b", "c")])
    assert isinstance(first, MessageTooLarge)
    assert second is None
    assert isinstance(third, Unavailable)
    assert (third.ambiguous, "no such character" in third.cause) == (False, True)
    entries = [{"Id": str(place), "MessageBody": body} for place, body in enumerate("abc")]
    assert body_of(stub.seen[1]) == {"QueueUrl": URL, "Entries": entries}


async def test_a_message_that_sqs_itself_failed_at_is_sent_once_more_alone(queue: SqsQueue, speak_to: SpeakTo) -> None:
    failed = [{"Id": "1", "SenderFault": False, "Code": "InternalError"}]
    sent = [{"Id": "0", "MessageId": "m"}]
    script = [ok(QueueUrl=URL), ok(Successful=sent, Failed=failed), ok(MessageId="1")]
    async with serving(answers(*script)) as stub:
        speak_to(stub.url)
        assert list(await queue.send_many([Letter(body="a"), Letter(body="b")])) == [None, None]
    assert [seen.operation for seen in stub.seen] == ["GetQueueUrl", "SendMessageBatch", "SendMessage"]
    assert body_of(stub.seen[2])["MessageBody"] == "b"


async def test_a_message_that_may_have_arrived_in_its_request_stays_ambiguous(
    queue: SqsQueue, speak_to: SpeakTo
) -> None:
    failed = [
        {"Id": "0", "SenderFault": False, "Code": "InternalError"},
        {"Id": "1", "SenderFault": False, "Code": "RequestThrottled"},
    ]
    async with serving(answers(ok(QueueUrl=URL), ok(Failed=failed), error(403, "AccessDenied"))) as stub:
        speak_to(stub.url)
        faults = await queue.send_many([Letter(body="a"), Letter(body="b")])
    assert [isinstance(fault, Unavailable) and fault.ambiguous for fault in faults] == [True, False]


async def test_a_request_whose_answer_is_lost_is_ambiguous_for_all(queue: SqsQueue, speak_to: SpeakTo) -> None:
    async with serving(answers(ok(QueueUrl=URL), None)) as stub:
        speak_to(stub.url)
        with pytest.raises(Unavailable) as caught:
            await queue.send_many([Letter(body="a"), Letter(body="b")])
    assert caught.value.ambiguous
