"""What `job.progress()` reports is kept here, and written with a renewal of the lease: once a second at most."""

from __future__ import annotations

from cqworker.model.record import Progress

WRITE_EVERY = 1.0
"""Seconds between two writes of one job's progress: a write unit each."""


class ProgressReport:
    """The latest report of one attempt: LeaseKeeper writes it with `Renew`, the settle with the ending."""

    __slots__ = ("progress", "written_at")

    progress: Progress | None
    """What was reported last and is not written yet."""
    written_at: float
    """When a report was last written (monotonic s)."""

    def report(self, progress: Progress) -> None:
        """Keeps the latest progress to be written with the next renewal; called from any thread."""
        self.progress = progress

    def is_report_due(self, monotonic: float) -> bool:
        """Whether there is something to write, a second after the last write."""
        return self.progress is not None and monotonic - self.written_at >= WRITE_EVERY

    def take_report(self, monotonic: float) -> Progress | None:
        """What was reported since the last time, to be written now."""
        progress, self.progress = self.progress, None
        self.written_at = monotonic
        return progress

    def put_back(self, progress: Progress | None) -> None:
        """It could not be written; something newer may have come meanwhile."""
        if self.progress is None:
            self.progress = progress
