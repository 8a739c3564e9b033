"""Letters as SendMessage takes them, deliveries as ReceiveMessage gives them."""

from __future__ import annotations

from typing import Any

import pytest

from cqworker.aws.sqs.messages import delivery, send_request
from cqworker.errors import MessageTooLarge
from cqworker.ports import MAX_MESSAGE, Letter

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
XRAY = "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1"
ATTRIBUTE_BYTES = len("traceparent") + len("String") + len(TRACEPARENT)


def test_a_plain_letter_is_its_body() -> None:
    assert send_request(Letter(body="b")) == {"MessageBody": "b"}


def test_delay_and_group_are_said_where_there_are_any() -> None:
    request = send_request(Letter(body="b", delay=900, group="acme"))
    assert request == {"MessageBody": "b", "DelaySeconds": 900, "MessageGroupId": "acme"}


def test_a_trace_is_said_twice_for_those_who_read_the_one_or_the_other() -> None:
    request = send_request(Letter(body="b", traceparent=TRACEPARENT))
    assert request["MessageAttributes"] == {"traceparent": {"DataType": "String", "StringValue": TRACEPARENT}}
    assert request["MessageSystemAttributes"] == {"AWSTraceHeader": {"DataType": "String", "StringValue": XRAY}}


def test_a_malformed_trace_is_left_out_rather_than_refused_by_sqs() -> None:
    assert send_request(Letter(body="b", traceparent="no trace")) == {"MessageBody": "b"}


def test_attributes_count_for_the_size_and_system_attributes_do_not() -> None:
    fits = "x" * (MAX_MESSAGE - ATTRIBUTE_BYTES)
    assert send_request(Letter(body=fits, traceparent=TRACEPARENT))["MessageBody"] == fits
    with pytest.raises(MessageTooLarge, match="1048577 bytes"):
        send_request(Letter(body=fits + "x", traceparent=TRACEPARENT))


def test_a_body_is_measured_as_utf_8() -> None:
    assert send_request(Letter(body="𝄞" * (MAX_MESSAGE // 4)))
    with pytest.raises(MessageTooLarge):
        send_request(Letter(body="𝄞" * (MAX_MESSAGE // 4) + "x"))


def message(**changed: Any) -> dict[str, Any]:
    attributes = {"ApproximateReceiveCount": "3", "SentTimestamp": "1767225600000"}
    return {"MessageId": "id", "ReceiptHandle": "handle", "Body": "b", "Attributes": attributes, **changed}


def test_a_delivery_says_how_often_and_when() -> None:
    made = delivery("jobs", message(), 12.5)
    assert (made.queue, made.message_id, made.receipt, made.body) == ("jobs", "id", "handle", "b")
    assert (made.receive_count, made.sent_at, made.received_at, made.traceparent) == (3, 1767225600000, 12.5, None)


def test_a_receipt_is_not_shown_with_its_delivery() -> None:
    assert "handle" not in repr(delivery("jobs", message(), 0))


def test_our_own_attribute_wins_over_the_xray_header() -> None:
    attributes = {**message()["Attributes"], "AWSTraceHeader": XRAY.replace("Sampled=1", "Sampled=0")}
    ours = {"traceparent": {"DataType": "String", "StringValue": TRACEPARENT}}
    assert delivery("jobs", message(Attributes=attributes, MessageAttributes=ours), 0).traceparent == TRACEPARENT


@pytest.mark.parametrize("ours", [{}, {"traceparent": {"DataType": "String", "StringValue": "spoilt"}}])
def test_the_xray_header_is_read_where_ours_is_missing_or_spoilt(ours: dict[str, Any]) -> None:
    attributes = {**message()["Attributes"], "AWSTraceHeader": XRAY}
    assert delivery("jobs", message(Attributes=attributes, MessageAttributes=ours), 0).traceparent == TRACEPARENT
