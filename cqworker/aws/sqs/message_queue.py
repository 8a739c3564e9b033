"""A queue of SQS behind the port: batches whose entries fail one by one, and a URL that is looked up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from cqworker.aws.aws_call import DEADLINE_SECONDS, Answer, Declined, PreparedCalls
from cqworker.aws.error_translation import AwsFault, garbled_answer, translate
from cqworker.aws.operations import (
    BAD_RECEIPT,
    CHANGE_VISIBILITY,
    CHANGE_VISIBILITY_BATCH,
    DELETE,
    DELETE_BATCH,
    GET_DEPTH,
    GET_QUEUE_URL,
    RECEIVE,
    SEND,
    SEND_BATCH,
    Operation,
)
from cqworker.aws.single_flight import SingleFlight
from cqworker.aws.sqs.messages import RECEIVE_FIELDS, delivery, send_request
from cqworker.clock import Clock
from cqworker.errors import CqworkerError, MessageTooLarge
from cqworker.ports import BATCH, Delivery, Depth, EntryFault, Letter

BatchEntry = dict[str, Any]

NO_QUEUE = frozenset({"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"})
TOO_LONG_TEXTS = ("must be shorter than", "MessageTooLong", "BatchRequestTooLong")
DEPTH_ATTRIBUTES = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
RECEIVE_GRACE_SECONDS = 10
"""Seconds that a receive may last beyond its wait, with everything that goes before it."""
BEFORE_RECEIVE_SECONDS = 4
"""Seconds of them that may pass before it is sent: one that is cut off may have been given messages."""

MALFORMED = (KeyError, TypeError, ValueError, AttributeError)
"""What reading an answer raises that has not the shape of the API's documentation."""


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What the answer to a batch says of its entries, by their ids; of an entry in neither it says nothing."""

    done: Mapping[str, Mapping[str, Any]]
    failed: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """The lists Successful and Failed; what is no entry is left out."""
        return cls(_entries_by_id(answer.get("Successful")), _entries_by_id(answer.get("Failed")))


def _entries_by_id(entries: object) -> dict[str, Mapping[str, Any]]:
    return {str(one.get("Id")): one for one in entries if isinstance(one, dict)} if isinstance(entries, list) else {}


class SqsQueue:
    """The queue of this name in the account and region of the credentials."""

    def __init__(self, clients: PreparedCalls, name: str, clock: Clock) -> None:
        self.name = name
        self._clients = clients
        self._clock = clock
        self._about = f'queue "{name}"'
        self._url: str | None = None
        self._url_lookup: SingleFlight[str] = SingleFlight(self._look_up)

    async def send(self, letter: Letter) -> None:
        """As JobQueue.send."""
        try:
            answer = await self._call(SEND, send_request(letter))
        except Declined as declined:
            raise self._send_refusal(declined) from None
        if not answer.get("MessageId"):
            raise garbled_answer(SEND, self._about, "it has no MessageId")

    async def send_many(self, letters: Sequence[Letter]) -> Sequence[CqworkerError | None]:
        """As JobQueue.send_many."""
        _check_batch(letters)
        requests = [_request_of(letter) for letter in letters]
        answers: list[CqworkerError | None] = [None if isinstance(request, dict) else request for request in requests]
        entries = [{"Id": str(place), **request} for place, request in enumerate(requests) if isinstance(request, dict)]
        if not entries:
            return answers
        try:
            answer = await self._call(SEND_BATCH, {"Entries": entries})
        except Declined:
            return await asyncio.gather(*(self._send_alone(letter) for letter in letters))
        outcome = BatchAnswer.of(answer)
        for place in [int(entry["Id"]) for entry in entries]:
            if (failed := outcome.failed.get(str(place))) is not None:
                answers[place] = await self._retry_entry(letters[place], failed)
            elif not outcome.done.get(str(place), {}).get("MessageId"):
                answers[place] = garbled_answer(SEND_BATCH, self._about, "it does not name this message")
        return answers

    async def receive(self, limit: int, wait: int, visibility: int) -> Sequence[Delivery]:
        """As JobQueue.receive; never cancel it: SQS may already have handed out messages."""
        request = {"MaxNumberOfMessages": limit, "WaitTimeSeconds": wait, "VisibilityTimeout": visibility}
        answer = await self._call(
            RECEIVE, {**request, **RECEIVE_FIELDS}, seconds=wait + RECEIVE_GRACE_SECONDS, before=BEFORE_RECEIVE_SECONDS
        )
        received_at = self._clock.monotonic()
        try:
            return [delivery(self.name, message, received_at) for message in answer.get("Messages", ())]
        except MALFORMED as error:
            raise garbled_answer(RECEIVE, self._about, f"{type(error).__name__}: {error}") from None

    async def delete(self, receipts: Sequence[str]) -> Sequence[EntryFault]:
        """As JobQueue.delete."""
        return await self._send_entries(DELETE_BATCH, DELETE, [{"ReceiptHandle": receipt} for receipt in receipts])

    async def change_visibility(self, changes: Sequence[tuple[str, int]]) -> Sequence[EntryFault]:
        """As JobQueue.change_visibility."""
        entries = [{"ReceiptHandle": receipt, "VisibilityTimeout": seconds} for receipt, seconds in changes]
        return await self._send_entries(CHANGE_VISIBILITY_BATCH, CHANGE_VISIBILITY, entries)

    async def depth(self) -> Depth:
        """As JobQueue.depth."""
        answer = await self._call(GET_DEPTH, {"AttributeNames": DEPTH_ATTRIBUTES})
        try:
            visible, in_flight, delayed = (int(answer["Attributes"][name]) for name in DEPTH_ATTRIBUTES)
        except MALFORMED as error:
            raise garbled_answer(GET_DEPTH, self._about, f"{type(error).__name__}: {error}") from None
        return Depth(visible, in_flight, delayed)

    async def _send_entries(
        self, batch: Operation, single: Operation, entries: Sequence[BatchEntry]
    ) -> Sequence[EntryFault]:
        """One batch, or one by one where the batch was refused whole for the sake of an entry."""
        _check_batch(entries)
        try:
            answer = await self._call(
                batch, {"Entries": [{"Id": str(place), **entry} for place, entry in enumerate(entries)]}
            )
        except Declined:
            return [fault for entry in entries if (fault := await self._send_entry(single, entry))]
        outcome = BatchAnswer.of(answer)
        return [
            _entry_fault(entry["ReceiptHandle"], outcome.failed.get(str(place)))
            for place, entry in enumerate(entries)
            if str(place) not in outcome.done or str(place) in outcome.failed
        ]

    async def _send_entry(self, single: Operation, entry: BatchEntry) -> EntryFault | None:
        try:
            await self._call(single, entry)
        except Declined as declined:
            return EntryFault(entry["ReceiptHandle"], f"{declined.code}: {declined.message}", gone=True)
        except AwsFault as fault:
            return EntryFault(entry["ReceiptHandle"], fault.cause, gone=False)
        return None

    async def _send_alone(self, letter: Letter) -> CqworkerError | None:
        try:
            await self.send(letter)
        except CqworkerError as error:
            return error
        return None

    async def _retry_entry(self, letter: Letter, failed: Mapping[str, Any]) -> CqworkerError | None:
        """What becomes of a failed entry: SQS's own failures are tried again, as the SDK does for a single send."""
        entries = {"Code": str(failed.get("Code", "")), "Message": str(failed.get("Message", ""))}
        first = self._send_refusal(Declined(entries["Code"], entries["Message"], {"Error": entries}))
        if failed.get("SenderFault", True):
            return first
        again = await self._send_alone(letter)
        may_have_arrived = isinstance(first, AwsFault) and first.ambiguous
        return first if again is not None and may_have_arrived else again

    def _send_refusal(self, declined: Declined) -> CqworkerError:
        """Why SQS refused a message: MessageTooLarge, or an AwsFault."""
        if any(words in f"{declined.code} {declined.message}" for words in TOO_LONG_TEXTS):
            return MessageTooLarge(f"SQS: {declined.message}")
        return declined.as_fault(SEND, self._about)

    async def _call(
        self,
        operation: Operation,
        request: Mapping[str, Any],
        seconds: float = DEADLINE_SECONDS,
        before: float = DEADLINE_SECONDS,
    ) -> Answer:
        """A call that takes `seconds` at most, of which it waits `before` at most for the queue's URL."""
        try:
            url = self._url
            if url is None:
                began = self._clock.monotonic()
                await self._clients.prepare(GET_QUEUE_URL, self._about, before)
                url = await self._find_url(before)
                seconds -= self._clock.monotonic() - began
            return await self._clients.call(operation, {"QueueUrl": url, **request}, self._about, seconds=seconds)
        except AwsFault as fault:
            if fault.code in NO_QUEUE:
                self._url = None
            raise

    async def _find_url(self, seconds: float) -> str:
        """The queue's URL; all who have to wait for it share one look-up, and its failure."""
        try:
            return await self._url_lookup.result_within(seconds)
        except TimeoutError as error:
            raise translate(error, GET_QUEUE_URL, self._about, ambiguous=False) from None

    async def _look_up(self) -> str:
        answer = await self._clients.call(GET_QUEUE_URL, {"QueueName": self.name}, self._about)
        if not answer.get("QueueUrl"):
            raise garbled_answer(GET_QUEUE_URL, self._about, "it has no QueueUrl")
        self._url = str(answer["QueueUrl"])
        return self._url


def _check_batch(entries: Sequence[object]) -> None:
    if not 1 <= len(entries) <= BATCH:
        raise ValueError(f"SQS takes 1 to {BATCH} entries a batch, not {len(entries)}.")


def _request_of(letter: Letter) -> BatchEntry | MessageTooLarge:
    try:
        return send_request(letter)
    except MessageTooLarge as error:
        return error


def _entry_fault(receipt: str, failed: Mapping[str, Any] | None) -> EntryFault:
    """The fault of one entry of a batch whose other entries were done; None: the answer says nothing of it."""
    if failed is None:
        return EntryFault(receipt, "SQS did not say what became of it", gone=False)
    code = str(failed.get("Code", ""))
    return EntryFault(receipt, f"{code}: {failed.get('Message', '')}".rstrip(": "), gone=code in BAD_RECEIPT)
