"""Messages as they are sent and as a receive shows them."""

from __future__ import annotations

import itertools
import re
import time
import uuid
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import md5
from typing import Any

from bench.endpoint.errors import Refusal
from bench.endpoint.sqs.queue import Message, Queue

MAX_MESSAGE_BYTES = 1_048_576
"""Bytes of a message, and of a batch: bodies and attributes (SendMessage, MessageBody)."""
FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
SYSTEM = ("SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp")
_numbers = itertools.count(1)


def message_of(request: Mapping[str, Any]) -> tuple[Message, int]:
    """The message that a request sends and its bytes; refuses what SQS refuses."""
    body = request.get("MessageBody")
    if not isinstance(body, str) or not body:
        raise Refusal("MissingParameter", "The request must contain the parameter MessageBody.")
    if FORBIDDEN.search(body):
        raise Refusal("InvalidMessageContents", "Invalid characters found in the message body.")
    attributes = request.get("MessageAttributes") or {}
    if len(attributes) > 10:
        raise _wrong("Number of message attributes exceeds the allowed maximum [10].")
    size = len(body.encode()) + sum(map(_attribute_size, attributes.items()))
    if size > MAX_MESSAGE_BYTES:
        raise _wrong(
            f"One or more parameters are invalid. Reason: Message must be shorter than {MAX_MESSAGE_BYTES} bytes."
        )
    system = {name: cell["StringValue"] for name, cell in (request.get("MessageSystemAttributes") or {}).items()}
    if "MessageGroupId" in request:
        system["MessageGroupId"] = request["MessageGroupId"]
    number = next(_numbers)
    return Message(
        serial=number,
        id=str(uuid.UUID(int=number << 64 | 0x8000_0000_0000_0000)),
        body=body,
        md5=md5(body.encode(), usedforsecurity=False).hexdigest(),
        attributes=attributes,
        attributes_md5=_digest(attributes) if attributes else None,
        system=system,
        sent=round(time.time() * 1000),
    ), size


def shown(queue: Queue, message: Message, system: tuple[str, ...], names: tuple[str, ...]) -> dict[str, Any]:
    """A message as ReceiveMessage shows it, with the attributes that were asked for."""
    answer: dict[str, Any] = {
        "MessageId": message.id,
        "ReceiptHandle": queue.receipt(message),
        "MD5OfBody": message.md5,
        "Body": message.body,
    }
    if system:
        answer["Attributes"] = _system_of(message, system)
    chosen = {name: cell for name, cell in message.attributes.items() if _is_wanted(name, names)} if names else None
    if chosen:
        answer["MessageAttributes"] = chosen
        whole = len(chosen) == len(message.attributes)
        answer["MD5OfMessageAttributes"] = message.attributes_md5 if whole else _digest(chosen)
    return answer


def sent_answer(message: Message) -> dict[str, str]:
    """The answer to a SendMessage."""
    answer = {"MessageId": message.id, "MD5OfMessageBody": message.md5}
    return answer | ({"MD5OfMessageAttributes": message.attributes_md5} if message.attributes_md5 else {})


def _system_of(message: Message, asked: tuple[str, ...]) -> dict[str, str]:
    known = {
        "SenderId": "AIDAEXAMPLE",
        "SentTimestamp": str(message.sent),
        "ApproximateReceiveCount": str(message.receives),
        "ApproximateFirstReceiveTimestamp": str(message.first_received),
        **message.system,
    }
    return known if "All" in asked else {name: known[name] for name in asked if name in known}


@lru_cache(maxsize=256)
def _is_wanted(name: str, asked: tuple[str, ...]) -> bool:
    return any(each in ("All", ".*", name) or (each.endswith(".*") and name.startswith(each[:-1])) for each in asked)


def _attribute_size(attribute: tuple[str, Mapping[str, Any]]) -> int:
    name, cell = attribute
    if "StringValue" not in cell and "BinaryValue" not in cell:
        raise _wrong(f"The message attribute '{name}' must contain a non-empty value.")
    return sum(len(text.encode()) for text in (name, cell["DataType"], str(_value(cell))))


def _value(cell: Mapping[str, Any]) -> str:
    return str(cell["StringValue"] if "StringValue" in cell else cell["BinaryValue"])


def _digest(attributes: Mapping[str, Mapping[str, Any]]) -> str:
    """The MD5 of attributes (SQS developer guide, "Calculating the MD5 message digest for message attributes")."""
    digest = md5(usedforsecurity=False)
    for name, cell in sorted(attributes.items()):
        for part in _with_length((name, cell["DataType"])):
            digest.update(part)
        digest.update(b"\x01" if "StringValue" in cell else b"\x02")
        for part in _with_length((_value(cell),)):
            digest.update(part)
    return digest.hexdigest()


def _with_length(texts: Iterable[str]) -> Iterable[bytes]:
    for text in texts:
        data = text.encode()
        yield len(data).to_bytes(4, "big") + data


def _wrong(message: str) -> Refusal:
    return Refusal("InvalidParameterValue", message)
