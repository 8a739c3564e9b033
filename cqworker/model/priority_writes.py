"""The write of a priority: a job that waits is given another level of its queue."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from cqworker.field_docs import document_fields
from cqworker.model.history import Entry, trim
from cqworker.model.record import JobRecord
from cqworker.model.schedule_writes import standing_of
from cqworker.model.status import WAITING


@document_fields(
    seen="The record as it was seen.",
    priority="Its level from then on, medium too by its name.",
    purge_at="When the record may be deleted (epoch s).",
    entry="What the history says of it.",
)
class Reprioritise(Struct, frozen=True, kw_only=True):
    """Another level for a job that waits, only while what was seen still stands.

    Its message lies where it lay; another one is sent to the new level, and whichever is claimed first starts the job.
    """

    seen: JobRecord
    priority: str
    purge_at: int
    entry: Entry

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
        )

    def after(self, seen: JobRecord | None) -> JobRecord:
        """The record that this write leaves behind, where `permits(seen)`."""
        assert seen is not None
        return replace(seen, priority=self.priority, purge_at=self.purge_at, history=self.history)

    @property
    def history(self) -> tuple[Entry, ...]:
        """The history with the new level added."""
        return trim(self.seen.history, self.entry)
