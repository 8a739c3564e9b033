"""The record of a job: what the store knows about it."""

from __future__ import annotations

from collections.abc import Mapping
from zlib import crc32

from msgspec import Struct
from msgspec.structs import replace

from cqworker.field_docs import document_fields
from cqworker.model.envelope import Envelope
from cqworker.model.history import SUBMITTED, Entry
from cqworker.model.limits import Woken
from cqworker.model.listing import Listing
from cqworker.model.status import WAITING, FailureKind, Status
from cqworker.model.timestamps import day_of

SHARDS = 8
"""Partitions over which the writes of each index are spread: DynamoDB takes 1,000 a second of one."""
PAST = (
    "failure",
    "result",
    "result_ref",
    "finished_at",
    "cancel_requested_at",
    "scheduled_at",
    "due",
    "hindered_at",
    "parked",
    "listing",
    "progress",
)
"""What a new round begins without, the lease apart: that is given up or taken anew with it."""


@document_fields(
    kind="Why, in one word.",
    message="What was wrong, in a sentence.",
    error="The exception's type, or None.",
    stage="Where it happened, or None.",
    traceback="The end of its traceback, or None.",
    fingerprint="The same for failures that are alike, or None.",
)
class Failure(Struct, frozen=True):
    """How the last attempt ended, for a person: `error` is the exception's type, `stage` where it happened."""

    kind: FailureKind
    message: str
    error: str | None = None
    stage: str | None = None
    traceback: str | None = None
    fingerprint: str | None = None


@document_fields(
    done="How much is done.",
    total="Of how much, or None.",
    note="What the handler adds to it, or None.",
    at="When it reported that (epoch ms).",
)
class Progress(Struct, frozen=True):
    """How far a running attempt says it is; `at` is epoch ms."""

    done: float
    total: float | None
    note: str | None
    at: int


@document_fields(
    job_id="The job's id.",
    type="The job type.",
    queue="Where its messages go.",
    tenant="Whose it is.",
    status="Where it stands.",
    max_attempts="Starts that a round may have.",
    created_at="When it was submitted.",
    purge_at="When the record may be deleted (epoch s).",
    round="1, and one more with each retry by hand.",
    attempt="Starts in this round so far, refunded ones left out.",
    payload="As submitted, as JSON text; None where it is kept at `payload_ref`.",
    payload_ref="Where a payload is kept that is too big, or None.",
    metadata="Texts by name, as submitted.",
    tags="As submitted.",
    token="That of the last claim, or None.",  # noqa: S106 - of a claim
    lease_expires_at="Until when an attempt holds it; None: nobody does.",
    scheduled_at="Not to start before, or None.",
    started_at="When the last attempt started, or None.",
    finished_at="When it became final, or None.",
    cancel_requested_at="When somebody asked to cancel it, or None.",
    progress="How far the running attempt says it is, or None.",
    result="What the handler returned, as JSON text, or None.",
    result_ref="Where a result is kept that is too big, or None.",
    failure="How the last attempt ended where that was no success, or None.",
    history="What happened to it, oldest first.",
    trace_id="Its submitter's trace, or None.",
    due="Its shard of the index of jobs whose message is sent when they are due; None: its message is there.",
    hindered_at="Since when it has been given back for what it could not help, or None.",
    listing="What the listing index says of it, or None where it is not listed.",
    priority="Its level of the queue; None: medium.",
    limit_key="What its submitter has it share slots by, or None.",
    parked="The limit on whose waiting list it is, or None.",
    replacements="How often a later submission replaced its payload, or None.",
    unique="Its unique key and the scope that it was taken for, or None.",
)
class JobRecord(Struct, frozen=True, kw_only=True):
    """The truth about one job. Times are epoch ms, `purge_at` epoch s (the TTL attribute), JSON values are text.

    `token` is the last claim's; it stays after the settle so that a repeated settle knows its own.
    """

    job_id: str
    type: str
    queue: str
    tenant: str
    status: Status
    max_attempts: int
    created_at: int
    purge_at: int
    round: int = 1
    attempt: int = 0
    payload: str | None = None
    payload_ref: str | None = None
    metadata: Mapping[str, str] = {}
    tags: tuple[str, ...] = ()
    token: str | None = None
    lease_expires_at: int | None = None
    scheduled_at: int | None = None
    started_at: int | None = None
    finished_at: int | None = None
    cancel_requested_at: int | None = None
    progress: Progress | None = None
    result: str | None = None
    result_ref: str | None = None
    failure: Failure | None = None
    history: tuple[Entry, ...] = ()
    trace_id: str | None = None
    due: str | None = None
    hindered_at: int | None = None
    listing: Listing | None = None
    priority: str | None = None
    limit_key: str | None = None
    parked: str | None = None
    unique: str | None = None
    replacements: int | None = None

    def is_free(self, now: int) -> bool:
        """Whether nobody holds it at `now` (epoch ms): it waits, or it is RUNNING under a lease that has ended."""
        return self.status in WAITING or self.has_expired(now)

    def has_expired(self, now: int) -> bool:
        """Whether it is RUNNING and its lease ended before `now` (epoch ms)."""
        return self.status is Status.RUNNING and (self.lease_expires_at or 0) < now

    @property
    def is_marked(self) -> bool:
        """Whether the index of due jobs has it: at `scheduled_at` somebody must send its message."""
        return self.due is not None and self.scheduled_at is not None

    @property
    def waits_in_index(self) -> bool:
        """Whether another message is going to be sent to it, whatever becomes of those that were.

        Not where `due` alone is there: a worker from before the index takes the time away when it starts a job, and
        leaves `due`. What it has in hand is then all that there is.
        """
        return self.is_marked or self.status is Status.SCHEDULED

    @property
    def waits_elsewhere(self) -> bool:
        """Whether it needs no message: the index of due jobs has it, or the waiting list of a limit."""
        return self.waits_in_index or self.is_parked

    @property
    def is_parked(self) -> bool:
        """Whether it is on the waiting list of a limit; a worker that knows none leaves `parked` when it starts it.

        Without a token, which no park leaves behind, no message could end that: it is then as if it were on none.
        """
        return self.parked is not None and self.token is not None and self.status in WAITING

    def is_parked_otherwise(self, envelope: Envelope) -> bool:
        """Whether it is parked, and this copy was not sent to end that: nobody is sure to have a message of it then."""
        return self.is_parked and (envelope.woken is None or envelope.woken.token != self.token)

    @property
    def day(self) -> str:
        """The partition of the index of all jobs: the day it was made, and a shard of the id."""
        return f"{day_of(self.created_at)}#{shard_of(self.job_id)}"


def shard_of(job_id: str) -> str:
    """The shard of an index that a job belongs to: "0" to "7"."""
    return str(crc32(job_id.encode()) % SHARDS)


def envelope_of(record: JobRecord, *, round_number: int | None = None) -> Envelope:
    """The message that runs this job (again), in its own round or in `round_number`."""
    usual = Envelope(
        job_id=record.job_id,
        type=record.type,
        queue=record.queue,
        tenant=record.tenant,
        round=round_number or record.round,
        max_attempts=record.max_attempts,
        created_at=record.created_at,
        payload=record.payload,
        payload_ref=record.payload_ref,
        metadata=record.metadata,
        tags=record.tags,
        priority=record.priority,
        limit_key=record.limit_key,
        unique=record.unique,
        at=record.scheduled_at if record.is_marked and round_number in (None, record.round) else None,
    )
    if record.replacements is None and record.parked is None:
        return usual
    woken = _woken_for(record) if round_number in (None, record.round) else None
    return replace(usual, replacements=record.replacements, woken=woken)


def _woken_for(record: JobRecord) -> Woken | None:
    """What lets a message start this record while it is parked."""
    if not record.is_parked or record.parked is None or record.token is None:
        return None
    return Woken(record.parked, record.token)


def record_from(envelope: Envelope, purge_at: int, trace_id: str | None) -> JobRecord:
    """The QUEUED record of a message, as its submitter would have put it; `purge_at` in epoch s."""
    usual = JobRecord(
        job_id=envelope.job_id,
        type=envelope.type,
        queue=envelope.queue,
        tenant=envelope.tenant,
        status=Status.QUEUED,
        round=envelope.round,
        max_attempts=envelope.max_attempts,
        created_at=envelope.created_at,
        purge_at=purge_at,
        payload=envelope.payload,
        payload_ref=envelope.payload_ref,
        metadata=envelope.metadata,
        tags=envelope.tags,
        history=(Entry(envelope.created_at, SUBMITTED),),
        trace_id=trace_id,
    )
    if (envelope.priority or envelope.limit_key or envelope.unique) is None:
        return usual  # a call that names more than fifteen fields costs three times as much
    rare = {"priority": envelope.priority, "limit_key": envelope.limit_key, "unique": envelope.unique}
    return replace(usual, replacements=envelope.replacements, **rare)


def without_past(record: JobRecord) -> JobRecord:
    """The record as a new round begins with it: no ending, no cancel, no schedule, no lease."""
    return replace(record, lease_expires_at=None, **dict.fromkeys(PAST))
