"""The ports: a queue of messages, a store of records, a store of artifacts, as the flow needs them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import BinaryIO, Protocol

from msgspec import Struct

from cqworker.errors import CqworkerError
from cqworker.field_docs import document_fields
from cqworker.model.record import JobRecord
from cqworker.model.writes import Change, Refused, Written

BATCH = 10
"""Entries in one SQS batch request (SQS API, quotas for messages)."""
MAX_MESSAGE = 1_048_576
"""Bytes of a message, or of all messages in one batch: bodies and attributes (SendMessage, SendMessageBatch)."""
MAX_DELAY = 900
"""Seconds that SQS can delay a message (SendMessage, DelaySeconds)."""
MAX_VISIBILITY = 43_200
"""Seconds a message can stay hidden, counted from its receipt (ChangeMessageVisibility)."""


@document_fields(
    body="The message's text.",
    delay="Seconds before it can be received.",
    traceparent="The W3C trace context that goes with it, or None.",
    group="The tenant of a fair queue, or None.",
)
class Letter(Struct, frozen=True, kw_only=True):
    """A message to send: `delay` in seconds, `traceparent` as W3C writes it, `group` a fair-queue tenant."""

    body: str
    delay: int = 0
    traceparent: str | None = None
    group: str | None = None

    @property
    def size(self) -> int:
        """Bytes that count against MAX_MESSAGE: the body, and the name, type and value of the trace's attribute."""
        trace = len(f"traceparentString{self.traceparent}") if self.traceparent is not None else 0
        return len(self.body.encode()) + trace


@document_fields(
    queue="Where it came from.",
    message_id="The message's id.",
    receipt="The handle of this receive: deletes and hides it.",
    body="The message's text.",
    receive_count="How often it was received, this time included.",
    sent_at="When it was sent (epoch ms).",
    received_at="When the receive was answered (monotonic s).",
    traceparent="The W3C trace context that came with it, or None.",
)
class Delivery(Struct, frozen=True, kw_only=True):
    """One copy of a message in our hands: `received_at` is the monotonic time of the answer, `sent_at` epoch ms."""

    queue: str
    message_id: str
    receipt: str
    body: str
    receive_count: int
    sent_at: int
    received_at: float
    traceparent: str | None = None

    def __repr__(self) -> str:
        """Without the receipt, with which anybody who reads a log could delete the message."""
        return f"<Delivery {self.message_id} of {self.queue}, received {self.receive_count} times>"


@document_fields(
    receipt="Which one.",
    reason="Why not.",
    gone="Whether repeating cannot help.",
)
class EntryFault(Struct, frozen=True):
    """One entry of a batch that was not done; `gone`: repeating cannot help (an expired or unknown receipt)."""

    receipt: str
    reason: str
    gone: bool


@document_fields(
    visible="Messages that wait.",
    in_flight="Messages in somebody's hands.",
    delayed="Messages that cannot be received yet.",
)
class Depth(Struct, frozen=True):
    """Approximate counts of a queue."""

    visible: int
    in_flight: int
    delayed: int


class JobQueue(Protocol):
    """One queue. Every method raises Unavailable where the service does not do its part."""

    @property
    def name(self) -> str:
        """The queue's name."""
        ...

    async def send(self, letter: Letter) -> None:
        """Returns once the queue has the message; Unavailable.ambiguous says that it may have it all the same.

        Raises MessageTooLarge when body and attributes exceed the queue's limit.
        """
        ...

    async def send_many(self, letters: Sequence[Letter]) -> Sequence[CqworkerError | None]:
        """Sends at most ten letters in one request; the answers are in their order.

        None: the queue has it. Else what `send` would have raised, for this letter alone. What does not fit into one
        request together (MAX_MESSAGE) is sent one by one. Raises Unavailable where the whole request failed.
        """
        ...

    async def receive(self, limit: int, wait: int, visibility: int) -> Sequence[Delivery]:
        """At most `limit` (1..10) messages, hidden for `visibility` s; waits up to `wait` s (0..20) for the first."""
        ...

    async def delete(self, receipts: Sequence[str]) -> Sequence[EntryFault]:
        """Deletes at most ten messages; what is not in the answer was done, as far as SQS can say."""
        ...

    async def change_visibility(self, changes: Sequence[tuple[str, int]]) -> Sequence[EntryFault]:
        """Hides at most ten messages for so many seconds from now; an accepted change proves nothing."""
        ...

    async def depth(self) -> Depth:
        """How many messages wait, are in hand and are delayed, as far as the queue knows."""
        ...


@document_fields(
    key="The key's hash.",
    job_id="The job that it stands for.",
    request="The hash of the request it stands for.",
    expires_at="Until when it counts (epoch ms).",
    decided="Whether that job is the answer to the request for good.",
    replacement="Which replacement of that job's payload the request is to be, or None.",
    standing="The round and the token under which that job may be replaced so, or None.",
)
class KeyItem(Struct, frozen=True):
    """An idempotency key's own item: `key` is its hash, `request` the hash of the request it stands for.

    Where `replacement` is a number the request is to be that replacement of the payload of its job, as long as that
    stands in the round and under the token that `standing` says.
    """

    key: str
    job_id: str
    request: str
    expires_at: int
    decided: bool = False
    replacement: int | None = None
    standing: str | None = None

    @property
    def named(self) -> tuple[str, bool, int | None, str | None]:
        """What it says of the request's job: all that is ever changed in it."""
        return self.job_id, self.decided, self.replacement, self.standing


class JobStore(Protocol):
    """The records. Every method raises Unavailable; a write whose answer was lost may have been applied."""

    async def get(self, job_id: str) -> JobRecord | None:
        """A consistent read; a record past its `purge_at` is absent whether or not it was deleted yet."""
        ...

    async def write(self, change: Change) -> Written | Refused:
        """One conditional write. A refusal brings the record that stood there, without a read."""
        ...

    async def reserve_key(self, key: KeyItem, now: int) -> KeyItem | None:
        """None: the key is ours from now on. Else the item that holds it, unexpired at `now` (epoch ms)."""
        ...

    async def check(self) -> None:
        """A read that fails as the others would."""
        ...

    async def check_writing(self) -> None:
        """A write that fails as the others would, and changes nothing where it is allowed."""
        ...


@document_fields(
    data="The bytes.",
    content_type="The media type, as it was stored.",
)
class StoredObject(Struct, frozen=True):
    """An object's bytes and what they are."""

    data: bytes
    content_type: str


WriteChunk = Callable[[bytes], Awaitable[None]]
"""Takes the next bytes of an object that is copied."""


class Artifacts(Protocol):
    """The store of artifacts. A reference is `s3://bucket/key`; every method raises Unavailable."""

    def reference(self, key: str) -> str:
        """The reference of a key below the configured bucket and prefix."""
        ...

    async def put(self, key: str, data: bytes | BinaryIO, content_type: str) -> str:
        """Stores the bytes, or the rest of a file, at `key` below the configured prefix and returns the reference."""
        ...

    async def get(self, reference: str, limit: int) -> StoredObject:
        """The object, at most `limit` bytes; raises ArtifactMissing or ArtifactTooLarge."""
        ...

    async def copy(self, reference: str, limit: int, keep: WriteChunk) -> str:
        """Hands on the object piece by piece, and returns its content type; `keep` raises CqworkerErrors.

        Raises ArtifactMissing or ArtifactTooLarge, as `get` does.
        """
        ...

    async def check(self) -> None:
        """A read that fails as the others would."""
        ...

    async def check_writing(self) -> None:
        """A write that fails as the others would, and changes nothing where it is allowed."""
        ...
