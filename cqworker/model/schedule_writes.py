"""The writes of time: a job is put off to another moment, or its message has been sent for the moment it waits for."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from cqworker.field_docs import document_fields
from cqworker.model.history import REPLACED, Entry, has_entry, trim
from cqworker.model.record import JobRecord, shard_of
from cqworker.model.status import WAITING, Status


@document_fields(
    seen="The record as it was read before its message was sent.",
)
class HandOver(Struct, frozen=True, kw_only=True):
    """A job that is due leaves the index: its message is sent.

    Only while it still waits for the time that the message was sent for. A SCHEDULED job is QUEUED from then on; one in
    any other status keeps it.
    """

    seen: JobRecord

    @property
    def job_id(self) -> str:
        """The job."""
        return self.seen.job_id

    def permits(self, seen: JobRecord | None) -> bool:
        """Whether the record that is stored (None: there is none) admits this write."""
        return (
            seen is not None
            and seen.is_marked
            and (seen.status, seen.round, seen.scheduled_at)
            == (self.seen.status, self.seen.round, self.seen.scheduled_at)
        )

    def after(self, seen: JobRecord | None) -> JobRecord:
        """The record that this write leaves behind, where `permits(seen)`."""
        assert seen is not None
        return replace(seen, status=self.status, due=None)

    @property
    def status(self) -> Status:
        """What it is from then on."""
        return Status.QUEUED if self.seen.status is Status.SCHEDULED else self.seen.status


@document_fields(
    seen="The record as it was seen.",
    scheduled_at="When it shall start (epoch ms).",
    purge_at="When the record may be deleted (epoch s).",
    entry="What the history says of it.",
    payload="Another payload in place of the one that is there, as JSON text; None: it stays.",
)
class Reschedule(Struct, frozen=True, kw_only=True):
    """SCHEDULED for another time, and in the index: a job that waits, only while what was seen still stands.

    Whatever copies of its message there are start nothing any more: they were not sent for that time. Where it brings
    another `payload`, nobody may have replaced it since it was seen: a write that was delayed must not bring one back.
    """

    seen: JobRecord
    scheduled_at: int
    purge_at: int
    entry: Entry
    payload: str | None = None

    @property
    def job_id(self) -> str:
        """The job."""
        return self.seen.job_id

    def permits(self, seen: JobRecord | None) -> bool:
        """Whether the record that is stored (None: there is none) admits this write."""
        return (
            seen is not None
            and seen.status in WAITING
            and seen.cancel_requested_at is None
            and standing_of(seen) == standing_of(self.seen)
            and (self.payload is None or seen.replacements == self.seen.replacements)
        )

    def after(self, seen: JobRecord | None) -> JobRecord:
        """The record that this write leaves behind, where `permits(seen)`."""
        assert seen is not None
        if self.payload is not None:
            seen = replace(seen, payload=self.payload, payload_ref=None, replacements=self.replacements)
        return replace(
            seen,
            status=Status.SCHEDULED,
            scheduled_at=self.scheduled_at,
            due=shard_of(seen.job_id),
            hindered_at=None,
            parked=None,
            purge_at=self.purge_at,
            history=self.history,
        )

    @property
    def history(self) -> tuple[Entry, ...]:
        """The history with the new time added; of payloads that were replaced in a row the last entry stays."""
        former = self.seen.history
        is_again = self.entry.event == REPLACED and bool(former) and former[-1].event == REPLACED
        return trim(former[:-1] if is_again else former, self.entry)

    @property
    def replacements(self) -> int:
        """How often its payload was replaced, this time included."""
        return (self.seen.replacements or 0) + 1

    def was_applied_to(self, seen: JobRecord | None) -> bool:
        """Whether a refusal shows this very write: it was done before, and the answer was lost."""
        return (
            seen is not None
            and (seen.round, seen.attempt, seen.token) == (self.seen.round, self.seen.attempt, self.seen.token)
            and seen.scheduled_at == self.scheduled_at
            and (self.payload is None or seen.payload == self.payload)
            and bool(seen.history)
            and seen.history[-1].text() == self.entry.text()
        )

    def is_behind(self, seen: JobRecord) -> bool:
        """Whether a refusal shows that this write was done, or may have been, before what stands there now.

        Without a payload its entry in the history tells, whatever has started or moved the job since. With one, the
        number and the payload do; where there is a higher number nobody can tell any more, for the last of the payloads
        that were replaced in a row takes the place of their entries.
        """
        if self.payload is None:
            return has_entry(seen.history, self.entry)
        number = seen.replacements or 0
        return number > self.replacements or (number == self.replacements and seen.payload == self.payload)


def standing_of(record: JobRecord) -> tuple[Status, int, int, str | None, int | None]:
    """What must not have changed since a job that waits was seen: status, round, attempt, token, time."""
    return record.status, record.round, record.attempt, record.token, record.scheduled_at
