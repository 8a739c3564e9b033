"""The writes of an attempt: its start, its lease and its ending, each with the condition that keeps it the only writer.

These pure rules are the protocol. The store in memory applies them as they stand; the DynamoDB store says the same
in expressions, and one contract suite holds the two together.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from cqworker.field_docs import document_fields
from cqworker.model.envelope import Envelope
from cqworker.model.history import CLAIMED, RETRIED, Entry
from cqworker.model.listing import Listing
from cqworker.model.record import Failure, JobRecord, Progress, record_from, shard_of, without_past
from cqworker.model.status import Status

SOON_MS = 2_000
"""Milliseconds by which a start may come early: for so short a rest no message is hidden anew, in whole seconds."""


@document_fields(
    envelope="The message that is to run.",
    token="The claim's own, a fresh one.",  # noqa: S106 - of a claim
    worker="Who claims.",
    now="When it is done (epoch ms).",
    lease_expires_at="Until when the attempt holds the job (epoch ms).",
    purge_at="When the record may be deleted (epoch s).",
    trace_id="The trace of a record that is made now.",
    grace="Milliseconds that an ended lease is respected for.",
)
class Claim(Struct, frozen=True, kw_only=True):
    """A start of the round the record is in; an absent record is made from the message.

    A lease counts as over `grace` ms after its end: after an outage its holder, which could not renew it, goes first.
    A record that the index of due jobs has is started by the copy that was sent for its time alone: a start takes it
    out of the index, and only that copy is sure to be in the queue. One that is parked is started by the copy that was
    sent to end that.
    """

    envelope: Envelope
    token: str
    worker: str
    now: int
    lease_expires_at: int
    purge_at: int
    trace_id: str | None = None
    grace: int = 0

    @property
    def job_id(self) -> str:
        """The job."""
        return self.envelope.job_id

    def permits(self, seen: JobRecord | None) -> bool:
        """Whether the record that is stored (None: there is none) admits this write."""
        if seen is None:
            return True
        return (
            seen.round == self.envelope.round
            and seen.token != self.token
            and seen.is_free(self.now - self.grace)
            and seen.attempt < seen.max_attempts
            and seen.cancel_requested_at is None
            and (seen.scheduled_at is None or seen.scheduled_at <= self.now + SOON_MS)
            and (not seen.is_marked or seen.scheduled_at == self.envelope.at)
            and not seen.is_parked_otherwise(self.envelope)
        )

    def after(self, seen: JobRecord | None) -> JobRecord:
        """The record that this write leaves behind, where `permits(seen)`."""
        base = seen or record_from(self.envelope, self.purge_at, self.trace_id)
        return replace(
            base,
            status=Status.RUNNING,
            attempt=base.attempt + 1,
            token=self.token,
            lease_expires_at=self.lease_expires_at,
            started_at=self.now,
            purge_at=self.purge_at,
            scheduled_at=None,
            due=None,
            parked=None,
            history=(*base.history, *self.entries),
        )

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What is added to the history."""
        return (Entry(self.now, CLAIMED, 0, self.worker),)


class Reopen(Claim, frozen=True, kw_only=True):
    """A start of a round later than the record's: its attempts begin anew."""

    def permits(self, seen: JobRecord | None) -> bool:
        """Whether the record that is stored (None: there is none) admits this write."""
        return (
            seen is not None
            and seen.round < self.envelope.round
            and seen.token != self.token
            and (seen.status.is_retryable or seen.is_free(self.now - self.grace))
        )

    def after(self, seen: JobRecord | None) -> JobRecord:
        """The record that this write leaves behind, where `permits(seen)`."""
        assert seen is not None  # permits() has seen to it
        return replace(
            without_past(seen),
            status=Status.RUNNING,
            round=self.envelope.round,
            attempt=1,
            token=self.token,
            lease_expires_at=self.lease_expires_at,
            started_at=self.now,
            purge_at=self.purge_at,
            history=(*seen.history, *self.entries),
        )

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The retry first: this write came before the one of whoever asked for it, which is refused from now on."""
        return (Entry(self.now, RETRIED), Entry(self.now, CLAIMED, 0, self.worker))


@document_fields(
    job_id="The job.",
    token="That of the claim that writes.",  # noqa: S106 - of a claim
)
class _Fenced(Struct, frozen=True, kw_only=True):
    """A write of the attempt that holds the lease, and of no other."""

    job_id: str
    token: str

    def permits(self, seen: JobRecord | None) -> bool:
        """Whether the record that is stored (None: there is none) admits this write."""
        return seen is not None and seen.status is Status.RUNNING and seen.token == self.token


@document_fields(
    lease_expires_at="Until when from now on (epoch ms).",
    progress="What the handler has reported since; None: nothing new.",
)
class Renew(_Fenced, frozen=True, kw_only=True):
    """A longer lease, and the progress that the handler has reported since the last one."""

    lease_expires_at: int
    progress: Progress | None = None

    def after(self, seen: JobRecord | None) -> JobRecord:
        """The record that this write leaves behind, where `permits(seen)`."""
        assert seen is not None
        progress = self.progress or seen.progress
        return replace(seen, lease_expires_at=self.lease_expires_at, progress=progress)


@document_fields(
    status="How it ended.",
    now="When it is done (epoch ms).",
    purge_at="When the record may be deleted (epoch s).",
    entry="What the history says of it.",
    history="The whole history in place of the one that is there; None: the entry is added.",
    result="What the handler returned, as JSON text.",
    result_ref="Where a result is kept that is too big.",
    failure="What was wrong.",
    progress="The last that the handler reported.",
    scheduled_at="Not to start again before (epoch ms).",
    marked="Whether its message goes, and the index of due jobs sends another when it is due.",
    hindered_at="Since when it has been hindered by what it could not help (epoch ms); None: it was not.",
    listing="What the listing index is to say of it; None: it is not listed.",
)
class Settle(_Fenced, frozen=True, kw_only=True):
    """The ending of an attempt: a final status, or RETRYING, which is refused while a cancel is asked for.

    `history` takes the place of one that would become too long with the entry; None adds the entry to what is there.
    """

    status: Status
    now: int
    purge_at: int
    entry: Entry
    history: tuple[Entry, ...] | None = None
    result: str | None = None
    result_ref: str | None = None
    failure: Failure | None = None
    progress: Progress | None = None
    scheduled_at: int | None = None
    marked: bool = False
    hindered_at: int | None = None
    listing: Listing | None = None

    def permits(self, seen: JobRecord | None) -> bool:
        """Whether the record that is stored (None: there is none) admits this write."""
        if not _Fenced.permits(self, seen) or seen is None:
            return False
        return self.status is not Status.RETRYING or seen.cancel_requested_at is None

    def after(self, seen: JobRecord | None) -> JobRecord:
        """The record that this write leaves behind, where `permits(seen)`."""
        assert seen is not None
        return replace(
            seen,
            status=self.status,
            result=self.result,
            result_ref=self.result_ref,
            failure=self.failure,
            progress=self.progress or seen.progress,
            scheduled_at=self.scheduled_at,
            due=shard_of(self.job_id) if self.marked else None,
            hindered_at=self.hindered_at,
            parked=None,
            listing=self.listing,
            finished_at=self.now if self.status.is_final else None,
            purge_at=self.purge_at,
            lease_expires_at=None,
            history=(*seen.history, self.entry) if self.history is None else self.history,
        )

    def was_applied_to(self, seen: JobRecord | None) -> bool:
        """Whether a refusal shows this very ending: it was written before, and the answer was lost."""
        return seen is not None and seen.token == self.token and seen.status is self.status

    def gives_way_to_cancel(self, seen: JobRecord | None) -> bool:
        """Whether a RETRYING was refused because of a cancel request alone: the attempt is still ours to end."""
        return _Fenced.permits(self, seen) and not self.permits(seen)


@document_fields(
    purge_at="When the record may be deleted (epoch s).",
    history="The whole history in place of the one that is there; None: it stays.",
    scheduled_at="Not to start again before (epoch ms).",
    marked="Whether its message goes, and the index of due jobs sends another when it is due.",
    hindered_at="Since when it has been hindered by what it could not help (epoch ms); None: it was not.",
    parked="The limit on whose waiting list it is, so that its message goes; None: it is on none.",
)
class HandBack(_Fenced, frozen=True, kw_only=True):
    """QUEUED again with the attempt refunded; `history` is None where the claim's answer never came.

    One that waits (`scheduled_at`, `parked`) is refused while a cancel is asked for, as RETRYING is.
    """

    purge_at: int
    history: tuple[Entry, ...] | None = None
    scheduled_at: int | None = None
    marked: bool = False
    hindered_at: int | None = None
    parked: str | None = None

    @property
    def waits(self) -> bool:
        """Whether nobody starts the job at once."""
        return self.scheduled_at is not None or self.parked is not None

    def permits(self, seen: JobRecord | None) -> bool:
        """Whether the record that is stored (None: there is none) admits this write."""
        if not _Fenced.permits(self, seen) or seen is None:
            return False
        return not self.waits or seen.cancel_requested_at is None

    def after(self, seen: JobRecord | None) -> JobRecord:
        """The record that this write leaves behind, where `permits(seen)`."""
        assert seen is not None
        return replace(
            seen,
            status=Status.QUEUED,
            attempt=seen.attempt - 1,
            scheduled_at=self.scheduled_at,
            due=shard_of(self.job_id) if self.marked else None,
            hindered_at=self.hindered_at,
            parked=self.parked,
            purge_at=self.purge_at,
            lease_expires_at=None,
            history=seen.history if self.history is None else self.history,
        )

    def was_applied_to(self, seen: JobRecord | None) -> bool:
        """Whether a refusal shows this very write: it was done before, and the answer was lost."""
        return seen is not None and seen.token == self.token and seen.status is Status.QUEUED

    def gives_way_to_cancel(self, seen: JobRecord | None) -> bool:
        """Whether it was refused because of a cancel request alone: the attempt is still ours to end."""
        return _Fenced.permits(self, seen) and not self.permits(seen)
