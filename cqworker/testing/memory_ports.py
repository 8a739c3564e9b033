"""The ports in memory: what SQS, DynamoDB and S3 promise, without them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from cqworker.clock import Clock
from cqworker.errors import ArtifactMissing, ArtifactTooLarge, CqworkerError, MessageTooLarge
from cqworker.model.artifact_keys import storable_type
from cqworker.model.record import JobRecord
from cqworker.model.writes import Change, Refused, Written
from cqworker.ports import BATCH, MAX_MESSAGE, Delivery, Depth, EntryFault, KeyItem, Letter, StoredObject, WriteChunk

CHUNK_BYTES = 262_144
"""Bytes of an object that copy() hands on at once."""


@dataclass(slots=True)
class _Message:
    letter: Letter
    message_id: str
    sent_at: int
    visible_at: float
    receive_count: int = 0
    receipt: str = ""
    receipts: set[str] = field(default_factory=set)


class MemoryQueue:
    """A standard queue, `name`: at least once, visibility timeouts, receive counts, redrive to `dead_letters`."""

    def __init__(
        self, name: str, clock: Clock, *, dead_letters: MemoryQueue | None = None, max_receive_count: int = 1000
    ) -> None:
        self.name = name
        self._clock = clock
        self._dead_letters = dead_letters
        self._max_receive_count = max_receive_count
        self._messages: dict[str, _Message] = {}
        self._ids = itertools.count(1)
        self._arrived = asyncio.Event()

    @property
    def bodies(self) -> list[str]:
        """The body of every message that was not deleted, oldest first."""
        return [message.letter.body for message in self._messages.values()]

    def purge(self) -> None:
        """Deletes every message, in whosever hands it is (SQS, PurgeQueue)."""
        self._messages.clear()

    async def send(self, letter: Letter) -> None:
        """Keeps one message; raises MessageTooLarge."""
        if len(letter.body.encode()) > MAX_MESSAGE:
            raise MessageTooLarge("The message is larger than 1 MiB.")
        self._keep(letter, sent_at=self._clock.now(), visible_at=self._clock.monotonic() + letter.delay)

    async def send_many(self, letters: Sequence[Letter]) -> Sequence[CqworkerError | None]:
        """Keeps at most ten, each with its own answer."""
        _check_batch(letters)
        return [await self._answer(letter) for letter in letters]

    async def receive(self, limit: int, wait: int, visibility: int) -> Sequence[Delivery]:
        """At most `limit` messages, hidden for `visibility` s; waits up to `wait` s for the first."""
        deadline = self._clock.monotonic() + wait
        while not (ready := self._ready(limit)):
            if self._clock.monotonic() >= deadline:
                return []
            await self._wait_for_message(deadline)
        return [self._deliver(message, visibility) for message in ready]

    async def delete(self, receipts: Sequence[str]) -> Sequence[EntryFault]:
        """Deletes at most ten messages by their latest receipts."""
        _check_batch(receipts)
        for receipt in receipts:
            message = self._find(receipt)
            if message is not None and message.receipt == receipt:
                del self._messages[message.message_id]
        return []

    async def change_visibility(self, changes: Sequence[tuple[str, int]]) -> Sequence[EntryFault]:
        """Hides at most ten messages for so many seconds from now."""
        _check_batch(changes)
        faults = [self._hide(receipt, seconds) for receipt, seconds in changes]
        self._arrived.set()
        return [fault for fault in faults if fault is not None]

    async def depth(self) -> Depth:
        """How many wait, are in hand, and are delayed."""
        now = self._clock.monotonic()
        hidden = [message for message in self._messages.values() if message.visible_at > now]
        delayed = sum(not message.receive_count for message in hidden)
        return Depth(len(self._messages) - len(hidden), len(hidden) - delayed, delayed)

    async def _answer(self, letter: Letter) -> CqworkerError | None:
        try:
            await self.send(letter)
        except CqworkerError as error:
            return error
        return None

    def _hide(self, receipt: str, seconds: int) -> EntryFault | None:
        message = self._find(receipt)
        if message is None:
            return EntryFault(receipt, "the message is gone", gone=True)
        now = self._clock.monotonic()
        if message.receipt == receipt and message.visible_at > now:
            message.visible_at = now + seconds
        return None  # SQS answers 200 for an expired or older handle, and does nothing

    def _keep(self, letter: Letter, sent_at: int, visible_at: float, receive_count: int = 0) -> None:
        message_id = f"{self.name}-{next(self._ids)}"
        self._messages[message_id] = _Message(letter, message_id, sent_at, visible_at, receive_count)
        self._arrived.set()

    def _ready(self, limit: int) -> list[_Message]:
        now = self._clock.monotonic()
        ready = []
        for message in list(self._messages.values()):
            if message.visible_at > now:
                continue
            if message.receive_count >= self._max_receive_count and self._dead_letters is not None:
                self._move_to_dead_letters(message, self._dead_letters)
                continue
            ready.append(message)
            if len(ready) == limit:
                break
        return ready

    def _move_to_dead_letters(self, message: _Message, queue: MemoryQueue) -> None:
        del self._messages[message.message_id]
        queue._keep(message.letter, message.sent_at, self._clock.monotonic(), message.receive_count)

    def _deliver(self, message: _Message, visibility: int) -> Delivery:
        message.receive_count += 1
        message.receipt = f"{message.message_id}#{message.receive_count}"
        message.receipts.add(message.receipt)
        message.visible_at = self._clock.monotonic() + visibility
        return Delivery(
            queue=self.name,
            message_id=message.message_id,
            receipt=message.receipt,
            body=message.letter.body,
            receive_count=message.receive_count,
            sent_at=message.sent_at,
            received_at=self._clock.monotonic(),
            traceparent=message.letter.traceparent,
        )

    def _find(self, receipt: str) -> _Message | None:
        message = self._messages.get(receipt.partition("#")[0])
        return message if message is not None and receipt in message.receipts else None

    async def _wait_for_message(self, deadline: float) -> None:
        """Waits until a message arrives, becomes visible, or the deadline comes."""
        self._arrived.clear()
        next_visible = min((message.visible_at for message in self._messages.values()), default=deadline)
        pause = max(0.0, min(deadline, next_visible) - self._clock.monotonic())
        try:
            await asyncio.wait_for(self._arrived.wait(), pause)
        except TimeoutError:
            return


class MemoryStore:
    """Records under the protocol's own rules: `records` by job id, `keys` by hash."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.records: dict[str, JobRecord] = {}
        self.keys: dict[str, KeyItem] = {}

    async def get(self, job_id: str) -> JobRecord | None:
        """The record; one past its `purge_at` is absent."""
        record = self.records.get(job_id)
        return record if record is not None and record.purge_at > self._clock.now() / 1000 else None

    async def write(self, change: Change) -> Written | Refused:
        """One conditional write, under its own rule."""
        seen = self.records.get(change.job_id)
        if not change.permits(seen):
            return Refused(seen)
        self.records[change.job_id] = record = change.after(seen)
        return Written(record)

    async def reserve_key(self, key: KeyItem, now: int) -> KeyItem | None:
        """None: the key is ours from now on; else the item that holds it."""
        holder = self.keys.get(key.key)
        if holder is not None and holder.expires_at >= now:
            return None if holder.job_id == key.job_id else holder
        self.keys[key.key] = key
        return None

    async def check(self) -> None:
        """Does nothing: it is always there."""
        return

    async def check_writing(self) -> None:
        """Does nothing: it is always allowed."""
        return


class MemoryArtifacts:
    """`objects` by reference; `tenants` says by id whose the jobs are that run_handler() ran on it."""

    def __init__(self, bucket: str = "artifacts", prefix: str = "") -> None:
        self._root = f"s3://{bucket}/{prefix}"
        self.objects: dict[str, StoredObject] = {}
        self.tenants: dict[str, str] = {}

    def reference(self, key: str) -> str:
        """The reference of a key."""
        return self._root + key

    async def put(self, key: str, data: bytes | BinaryIO, content_type: str) -> str:
        """Keeps the bytes, or the rest of a file, and returns their reference."""
        reference = self.reference(key)
        whole = data if isinstance(data, bytes) else data.read()
        self.objects[reference] = StoredObject(whole, storable_type(content_type))
        return reference

    async def tenant_of(self, job_id: str) -> str | None:
        """Whose this job is, of those in `tenants`."""
        return self.tenants.get(job_id)

    async def get(self, reference: str, limit: int) -> StoredObject:
        """The object, at most `limit` bytes; raises ArtifactMissing or ArtifactTooLarge."""
        found = self.objects.get(reference)
        if found is None:
            raise ArtifactMissing(f"There is no object at {reference}.")
        if len(found.data) > limit:
            raise ArtifactTooLarge(f"{reference} has {len(found.data)} bytes; at most {limit} are read.")
        return found

    async def copy(self, reference: str, limit: int, keep: WriteChunk) -> str:
        """Hands on what `get` gives and returns its content type."""
        found = await self.get(reference, limit)
        for start in range(0, len(found.data), CHUNK_BYTES):
            await keep(found.data[start : start + CHUNK_BYTES])
        return found.content_type

    async def check(self) -> None:
        """Does nothing: it is always there."""
        return

    async def check_writing(self) -> None:
        """Does nothing: it is always allowed."""
        return


def _check_batch(entries: Sequence[object]) -> None:
    if not 1 <= len(entries) <= BATCH:
        raise ValueError(f"SQS takes 1 to {BATCH} entries a batch, not {len(entries)}.")
