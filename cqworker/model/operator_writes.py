"""The writes from outside an attempt: submission, cancel, retry, and endings for jobs that nobody holds."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from cqworker.field_docs import document_fields
from cqworker.model.envelope import Envelope
from cqworker.model.fingerprint import with_fingerprint
from cqworker.model.history import RETRIED, Entry, ending_event, has_entry, trim
from cqworker.model.listing import Listing
from cqworker.model.record import Failure, JobRecord, record_from, without_past
from cqworker.model.status import FailureKind, Status


@document_fields(
    record="The record to be.",
)
class Enter(Struct, frozen=True, kw_only=True):
    """The submitter's put: the record QUEUED if nobody made it yet."""

    record: JobRecord

    @property
    def job_id(self) -> str:
        """The job."""
        return self.record.job_id

    def permits(self, seen: JobRecord | None) -> bool:
        """Whether the record that is stored (None: there is none) admits this write."""
        return seen is None

    def after(self, _seen: JobRecord | None) -> JobRecord:
        """The record that this write leaves behind, where `permits(seen)`."""
        return self.record


@document_fields(
    seen="The record as it was seen.",
    status="How it ends.",
    now="When it is done (epoch ms).",
    purge_at="When the record may be deleted (epoch s).",
    entry="What the history says of it.",
    failure="What was wrong.",
    listing="What the listing index is to say of it; None: it is not listed.",
)
class Forestall(Struct, frozen=True, kw_only=True):
    """An ending in place of a start, or of a wait: only while what was seen still stands.

    Written for a cancel, for used-up attempts and for a job that came out of the dead-letter queue. FAILED is refused
    where a cancel is asked for meanwhile: a cancel goes first.
    """

    seen: JobRecord
    status: Status
    now: int
    purge_at: int
    entry: Entry
    failure: Failure | None = None
    listing: Listing | None = None

    @property
    def job_id(self) -> str:
        """The job."""
        return self.seen.job_id

    def permits(self, seen: JobRecord | None) -> bool:
        """Whether the record that is stored (None: there is none) admits this write."""
        return (
            seen is not None
            and (seen.status, seen.round, seen.attempt, seen.token)
            == (self.seen.status, self.seen.round, self.seen.attempt, self.seen.token)
            and seen.is_free(self.now)
            and (self.status is not Status.FAILED or seen.cancel_requested_at is None)
        )

    def after(self, seen: JobRecord | None) -> JobRecord:
        """The record that this write leaves behind, where `permits(seen)`."""
        assert seen is not None
        return replace(
            seen,
            status=self.status,
            failure=self.failure,
            finished_at=self.now,
            purge_at=self.purge_at,
            scheduled_at=None,
            due=None,
            parked=None,
            hindered_at=None,
            listing=self.listing,
            lease_expires_at=None,
            history=trim(self.seen.history, self.entry),
        )

    def was_applied_to(self, seen: JobRecord | None) -> bool:
        """Whether a refusal shows this very ending: it was written before, and the answer was lost."""
        return (
            seen is not None
            and (seen.status, seen.round) == (self.status, self.seen.round)
            and bool(seen.history)
            and seen.history[-1].text() == self.entry.text()
        )

    def is_behind(self, seen: JobRecord) -> bool:
        """Whether a refusal shows that this ending was written, and a later round begun since."""
        return seen.round > self.seen.round and has_entry(seen.history, self.entry)


@document_fields(
    job_id="The job.",
    round="The round that was seen.",
    now="When it is done (epoch ms).",
)
class AskCancel(Struct, frozen=True, kw_only=True):
    """A cancel of a RUNNING job is a request: its holder writes CANCELLED, or the ending that came first."""

    job_id: str
    round: int
    now: int

    def permits(self, seen: JobRecord | None) -> bool:
        """Whether the record that is stored (None: there is none) admits this write."""
        return seen is not None and seen.status is Status.RUNNING and seen.round == self.round

    def after(self, seen: JobRecord | None) -> JobRecord:
        """The record that this write leaves behind, where `permits(seen)`."""
        assert seen is not None
        return replace(seen, cancel_requested_at=seen.cancel_requested_at or self.now)


@document_fields(
    seen="The record as it was seen.",
    now="When it is done (epoch ms).",
    purge_at="When the record may be deleted (epoch s).",
    reason="Who asked for it and why, or nothing.",
)
class NewRound(Struct, frozen=True, kw_only=True):
    """A retry's record: QUEUED in the round whose message is already out, if nobody was faster."""

    seen: JobRecord
    now: int
    purge_at: int
    reason: str = ""

    @property
    def job_id(self) -> str:
        """The job."""
        return self.seen.job_id

    def permits(self, seen: JobRecord | None) -> bool:
        """Whether the record that is stored (None: there is none) admits this write."""
        return seen is not None and seen.status is self.seen.status and seen.round == self.seen.round

    def after(self, seen: JobRecord | None) -> JobRecord:
        """The record that this write leaves behind, where `permits(seen)`."""
        assert seen is not None
        return replace(
            without_past(seen),
            status=Status.QUEUED,
            round=self.seen.round + 1,
            attempt=0,
            started_at=None,
            purge_at=self.purge_at,
            history=self.history,
        )

    @property
    def history(self) -> tuple[Entry, ...]:
        """The history with the retry added."""
        return trim(self.seen.history, Entry(self.now, RETRIED, reason=self.reason))


@document_fields(
    envelope="The message that arrived.",
    now="When it is done (epoch ms).",
    purge_at="When the record may be deleted (epoch s).",
    trace_id="The trace of a record that is made now.",
    grace="Milliseconds that an ended lease is respected for.",
    listing="What the listing index is to say of it; None: it is not listed.",
)
class Lose(Struct, frozen=True, kw_only=True):
    """FAILED `lost` for what arrived in the dead-letter queue; a job with a cancel asked for is forestalled instead.

    A lease counts as over `grace` ms after its end, as for a claim. A job that the index of due jobs has, or that is on
    a waiting list, is not lost: another message is sent to it.
    """

    envelope: Envelope
    now: int
    purge_at: int
    trace_id: str | None = None
    grace: int = 0
    listing: Listing | None = None

    @property
    def job_id(self) -> str:
        """The job."""
        return self.envelope.job_id

    def permits(self, seen: JobRecord | None) -> bool:
        """Whether the record that is stored (None: there is none) admits this write."""
        if seen is None:
            return True
        if seen.status.is_retryable:
            return seen.round < self.envelope.round
        is_free = seen.is_free(self.now - self.grace) and not seen.waits_elsewhere
        return seen.round <= self.envelope.round and is_free and seen.cancel_requested_at is None

    def after(self, seen: JobRecord | None) -> JobRecord:
        """The record that this write leaves behind, where `permits(seen)`."""
        base = seen or record_from(self.envelope, self.purge_at, self.trace_id)
        return replace(
            without_past(base),
            status=Status.FAILED,
            round=self.envelope.round,
            failure=self.failure,
            finished_at=self.now,
            purge_at=self.purge_at,
            listing=self.listing,
            history=(*base.history, self.entry),
        )

    @property
    def failure(self) -> Failure:
        """Why the job failed."""
        return loss_of(self.envelope)

    @property
    def entry(self) -> Entry:
        """What is added to the history."""
        return Entry(self.now, ending_event(Status.FAILED), 0, "", FailureKind.LOST)


def loss_of(envelope: Envelope) -> Failure:
    """How a job fails whose message ended in the dead-letter queue."""
    message = "The message ended in the dead-letter queue before the job could be finished."
    return with_fingerprint(envelope.type, Failure(FailureKind.LOST, message))
