"""Outgoing messages (Letter) and received ones (Delivery) as the API of SQS has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqworker.aws.sqs.trace_attributes import is_traceparent, traceparent_from, xray_header
from cqworker.errors import MessageTooLarge
from cqworker.ports import MAX_MESSAGE, Delivery, Letter

TRACEPARENT = "traceparent"
"""The message attribute with W3C's trace context."""
XRAY = "AWSTraceHeader"
"""The system attribute with X-Ray's header (SQS API, SendMessage)."""

RECEIVE_FIELDS: Mapping[str, Any] = {
    "MessageSystemAttributeNames": ["ApproximateReceiveCount", "SentTimestamp", XRAY],
    "MessageAttributeNames": [TRACEPARENT],
}


def send_request(letter: Letter) -> dict[str, Any]:
    """A SendMessage without its queue; raises MessageTooLarge. System attributes do not count for the size."""
    size, request = len(letter.body.encode()), dict[str, Any](MessageBody=letter.body)
    if letter.traceparent is not None and is_traceparent(letter.traceparent):
        size += len(f"{TRACEPARENT}String{letter.traceparent}")
        request["MessageAttributes"] = {TRACEPARENT: {"DataType": "String", "StringValue": letter.traceparent}}
        header = {"DataType": "String", "StringValue": xray_header(letter.traceparent)}
        request["MessageSystemAttributes"] = {XRAY: header}
    if size > MAX_MESSAGE:
        raise MessageTooLarge(f"The message has {size} bytes; SQS takes {MAX_MESSAGE}.")
    if letter.delay:
        request["DelaySeconds"] = letter.delay
    if letter.group is not None:
        request["MessageGroupId"] = letter.group
    return request


def delivery(queue: str, message: Mapping[str, Any], received_at: float) -> Delivery:
    """One message of a ReceiveMessage's answer."""
    attributes = message["Attributes"]
    return Delivery(
        queue=queue,
        message_id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        body=message["Body"],
        receive_count=int(attributes["ApproximateReceiveCount"]),
        sent_at=int(attributes["SentTimestamp"]),
        received_at=received_at,
        traceparent=_trace(message, attributes),
    )


def _trace(message: Mapping[str, Any], attributes: Mapping[str, str]) -> str | None:
    value = message.get("MessageAttributes", {}).get(TRACEPARENT, {}).get("StringValue")
    if value is not None and is_traceparent(value):
        return str(value)
    header = attributes.get(XRAY)
    return traceparent_from(header) if header else None
