"""The operations on messages, request in and answer out; a receive may answer later."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bench.endpoint.errors import Refusal
from bench.endpoint.ledger import Ledger
from bench.endpoint.sqs.messages import MAX_MESSAGE_BYTES, message_of, sent_answer, shown
from bench.endpoint.sqs.queue import Message, Poll, Queue
from bench.endpoint.sqs.queues import Queues

Request = Mapping[str, Any]
Answer = dict[str, Any]
Respond = Callable[[Answer], None]

MOST = 10
"""Entries of a batch and messages of a receive (SQS API reference)."""
ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


class Pending:
    """An answer that comes later, unless the caller goes away before."""

    def __init__(self, start: Callable[[Respond], Poll]) -> None:
        self._start = start
        self._poll: Poll | None = None

    def begin(self, respond: Respond) -> None:
        """Waits, and gives the answer to `respond`."""
        self._poll = self._start(respond)

    def abandon(self) -> None:
        """Nobody is there any more to be answered: no message may be handed out."""
        if self._poll is not None:
            self._poll.end()


class Messages:
    """Send, receive, delete and hide; what is called goes into the ledger."""

    def __init__(self, queues: Queues, ledger: Ledger) -> None:
        self._queues = queues
        self._ledger = ledger
        self.operations: dict[str, Callable[[Request], Answer | Pending]] = {
            "SendMessage": self._send,
            "SendMessageBatch": self._send_batch,
            "ReceiveMessage": self._receive,
            "DeleteMessage": self._delete,
            "DeleteMessageBatch": self._delete_batch,
            "ChangeMessageVisibility": self._hide,
            "ChangeMessageVisibilityBatch": self._hide_batch,
        }

    def _send(self, request: Request) -> Answer:
        queue = self._queues.at(request)
        self._ledger.call("SendMessage")
        message, _ = message_of(request)
        queue.add(message, _delay(queue, request))
        queue.serve()
        return sent_answer(message)

    def _send_batch(self, request: Request) -> Answer:
        queue, sizes = self._queues.at(request), list[int]()
        messages: list[tuple[Message, int]] = []

        def send(entry: Request) -> Answer:
            message, size = message_of(entry)
            sizes.append(size)
            messages.append((message, _delay(queue, entry)))
            return sent_answer(message)

        answer = self._each("SendMessageBatch", request, send)
        if sum(sizes) > MAX_MESSAGE_BYTES:
            raise _batch_refusal(
                "BatchRequestTooLong", f"Batch requests cannot be longer than {MAX_MESSAGE_BYTES} bytes."
            )
        for message, delay in messages:
            queue.add(message, delay)
        queue.serve()
        return answer

    def _receive(self, request: Request) -> Answer | Pending:
        queue = self._queues.at(request)
        limit = _within(request, "MaxNumberOfMessages", 1, 1, MOST)
        visibility = _within(request, "VisibilityTimeout", int(queue.attributes["VisibilityTimeout"]), 0, 43_200)
        wait = _within(request, "WaitTimeSeconds", int(queue.attributes["ReceiveMessageWaitTimeSeconds"]), 0, 20)
        system = tuple(request.get("MessageSystemAttributeNames") or request.get("AttributeNames") or ())
        names = tuple(request.get("MessageAttributeNames") or ())

        def answer(messages: Sequence[Message]) -> Answer:
            self._ledger.batch("ReceiveMessage", len(messages))
            if not messages:
                self._ledger.empty_receives += 1
                return {}
            return {"Messages": [shown(queue, message, system, names) for message in messages]}

        messages = queue.take(limit, visibility)
        if messages or not wait:
            return answer(messages)

        def start(respond: Respond) -> Poll:
            poll = Poll(limit, visibility, lambda messages: respond(answer(messages)))
            queue.wait(poll, wait)
            return poll

        return Pending(start)

    def _delete(self, request: Request) -> Answer:
        self._ledger.call("DeleteMessage")
        self._queues.at(request).delete(_receipt(request))
        return {}

    def _delete_batch(self, request: Request) -> Answer:
        queue = self._queues.at(request)
        return self._each("DeleteMessageBatch", request, lambda entry: queue.delete(_receipt(entry)))

    def _hide(self, request: Request) -> Answer:
        self._ledger.call("ChangeMessageVisibility")
        seconds = _within(request, "VisibilityTimeout", -1, 0, 43_200)
        self._queues.at(request).hide(_receipt(request), seconds)
        return {}

    def _hide_batch(self, request: Request) -> Answer:
        queue = self._queues.at(request)

        def hide(entry: Request) -> None:
            queue.hide(_receipt(entry), _within(entry, "VisibilityTimeout", -1, 0, 43_200))

        return self._each("ChangeMessageVisibilityBatch", request, hide)

    def _each(self, operation: str, request: Request, act: Callable[[Request], Answer | None]) -> Answer:
        """A batch whose entries succeed or fail one by one; refuses a batch that is none."""
        entries = request.get("Entries") or ()
        _check_entries(entries)
        self._ledger.batch(operation, len(entries))
        done, failed = list[Answer](), list[Answer]()
        for entry in entries:
            try:
                done.append({"Id": entry["Id"], **(act(entry) or {})})
            except Refusal as refusal:
                fault = {"Code": refusal.code, "Message": refusal.message, "SenderFault": True}
                failed.append({"Id": entry["Id"], **fault})
        return {"Successful": done, **({"Failed": failed} if failed else {})}


def _check_entries(entries: Sequence[Request]) -> None:
    if not entries:
        raise _batch_refusal("EmptyBatchRequest", "There should be at least one entry in the request.")
    if len(entries) > MOST:
        raise _batch_refusal("TooManyEntriesInBatchRequest", f"Maximum number of entries per request are {MOST}.")
    ids = {str(entry.get("Id", "")) for entry in entries}
    if len(ids) != len(entries):
        raise _batch_refusal("BatchEntryIdsNotDistinct", "Id of a batch entry repeated.")
    if not all(map(ENTRY_ID.fullmatch, ids)):
        raise _batch_refusal("InvalidBatchEntryId", "A batch entry id has 1 to 80 letters, digits, - and _.")


def _batch_refusal(code: str, message: str) -> Refusal:
    return Refusal(code, message, query_code=f"AWS.SimpleQueueService.{code}")


def _receipt(request: Request) -> str:
    receipt = request.get("ReceiptHandle")
    if not isinstance(receipt, str) or not receipt:
        raise Refusal("MissingParameter", "The request must contain the parameter ReceiptHandle.")
    return receipt


def _delay(queue: Queue, request: Request) -> int:
    return _within(request, "DelaySeconds", int(queue.attributes["DelaySeconds"]), 0, 900)


def _within(request: Request, name: str, default: int, least: int, most: int) -> int:
    value = request.get(name, default)
    if not isinstance(value, int) or not least <= value <= most:
        reason = f"Must be >= {least} and <= {most}, if provided."
        raise Refusal("InvalidParameterValue", f"Value {value} for parameter {name} is invalid. Reason: {reason}")
    return value
