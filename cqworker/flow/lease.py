"""One attempt's hold on its message and its record, and how long it may still be trusted."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from cqworker.events import Subject
from cqworker.flow.outcomes import StopReason
from cqworker.model.record import Progress
from cqworker.ports import Delivery


class Hold(StrEnum):
    """Who may act on the receipt: the keeper while held, the settle after that, nobody once it is gone."""

    HELD = "held"
    SETTLING = "settling"
    GONE = "gone"


def margin_of(period: float) -> float:
    """Seconds by which our own deadline comes before the lease's end, for clocks and answers that lag."""
    return min(5.0, period / 6)


class Lease:
    """Two ledgers with one deadline: SQS visibility and the record's `lease_expires_at`.

    A renewal that SQS answers with 200 proves nothing about an expired receipt, so what counts is a monotonic deadline
    counted from when the last answered claim or renewal was sent.
    """

    __slots__ = (
        "_kept",
        "_on_stop",
        "_stop_reason",
        "delivery",
        "hold",
        "job",
        "period",
        "progress",
        "receipt_until",
        "record_until",
        "renew_at",
        "reported_at",
        "token",
    )

    def __init__(self, delivery: Delivery, job: Subject, token: str, period: float, claimed_at: float) -> None:
        self.delivery = delivery
        self.job = job
        self.token = token
        self.period = period
        self.hold = Hold.HELD
        self.progress: Progress | None = None
        self.reported_at = claimed_at
        self.renew_at = min(claimed_at, delivery.received_at) + period / 3
        self._kept = period - margin_of(period)
        self.record_until = claimed_at + self._kept
        self.receipt_until = delivery.received_at + self._kept
        self._on_stop: Callable[[StopReason], None] | None = None
        self._stop_reason: StopReason | None = None

    @property
    def deadline(self) -> float:
        """The monotonic time after which this attempt may write nothing."""
        return min(self.record_until, self.receipt_until)

    def is_alive(self, monotonic: float) -> bool:
        in_time = monotonic < self.record_until and monotonic < self.receipt_until
        return in_time and self._stop_reason is not StopReason.LOST

    def record_renewed(self, sent: float) -> None:
        self.record_until = sent + self._kept

    def receipt_renewed(self, sent: float) -> None:
        self.receipt_until = sent + self._kept

    def was_renewed(self, sent: float) -> bool:
        """Whether both ledgers have answered a renewal that was sent then or later."""
        return self.deadline >= sent + self._kept

    @property
    def stop_reason(self) -> StopReason | None:
        """Why this attempt was told to stop, if it was."""
        return self._stop_reason

    def stop(self, reason: StopReason) -> None:
        """Tells the handler to stop; a lost lease overrides every other reason."""
        if self._stop_reason is None or reason is StopReason.LOST:
            self._stop_reason = reason
        if self._on_stop is not None:
            self._on_stop(reason)

    def when_stopped(self, act: Callable[[StopReason], None]) -> None:
        """Calls `act` at every stop from now on, and at once for one that came before."""
        self._on_stop = act
        if self._stop_reason is not None:
            act(self._stop_reason)

    def report(self, progress: Progress) -> None:
        """Keeps the latest progress for the keeper to write; called from any thread."""
        self.progress = progress

    def take_progress(self) -> Progress | None:
        """What was reported since the last time, to be written now."""
        progress, self.progress = self.progress, None
        return progress

    def put_back(self, progress: Progress | None) -> None:
        """It could not be written; something newer may have come meanwhile."""
        if self.progress is None:
            self.progress = progress
