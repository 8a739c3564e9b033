"""One attempt's hold on its message and its record, and how long it may still be trusted."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from cqworker.events import JobRef
from cqworker.execution.outcome import StopReason
from cqworker.flow.progress import ProgressReport
from cqworker.model.record import Progress
from cqworker.ports import Delivery


class LeaseState(StrEnum):
    """Who may act on the receipt: the keeper while held or hidden, the settle after that, nobody once it is gone.

    HIDDEN: the handler has ended and its ending is not answered yet; the message stays hidden, the record is let be.
    """

    HELD = "held"
    HIDDEN = "hidden"
    SETTLING = "settling"
    GONE = "gone"


LONGEST_MARGIN = 5.0
"""Seconds of margin at most, for clocks that differ and answers that lag."""


def margin_of(period: float) -> float:
    """Seconds by which our own deadline comes before the lease's end, for clocks and answers that lag."""
    return min(LONGEST_MARGIN, period / 6)


class Lease(ProgressReport):
    """Two ledgers: the record's `lease_expires_at`, which says whose the job is, and SQS visibility, which keeps its
    message from others.

    A renewal that SQS answers with 200 proves nothing about an expired receipt, so what counts are monotonic deadlines,
    counted from when the last answered claim or renewal was sent. Past the record's it is unknown whose the job is
    before the next answer; past the receipt's the message may be in other hands, which find the record and hide it.
    """

    __slots__ = (
        "_kept",
        "_on_stop",
        "_stop_reason",
        "delivery",
        "is_receipt_gone",
        "is_silent",
        "job",
        "period",
        "receipt_until",
        "record_until",
        "renew_at",
        "state",
        "token",
    )

    def __init__(self, delivery: Delivery, job: JobRef, token: str, period: float, claimed_at: float) -> None:
        self.delivery: Delivery = delivery
        self.job: JobRef = job
        self.token: str = token
        self.period: float = period
        self.state: LeaseState = LeaseState.HELD
        self.is_receipt_gone: bool = False
        self.is_silent: bool = False
        self.progress: Progress | None = None
        self.written_at: float = claimed_at
        self.renew_at: float = min(claimed_at, delivery.received_at) + period / 3
        self._kept = period - margin_of(period)
        self.record_until: float = claimed_at + self._kept
        self.receipt_until: float = delivery.received_at + self._kept
        self._on_stop: Callable[[StopReason], None] | None = None
        self._stop_reason: StopReason | None = None

    @property
    def ends(self) -> float:
        """The monotonic time (s) at which others may take the job over: our own deadline and the margin."""
        return self.record_until - self._kept + self.period

    def is_alive(self, monotonic: float) -> bool:
        """Whether the record is surely ours, so that a handler may start."""
        return monotonic < self.record_until and self._stop_reason is not StopReason.LOST

    def extend_record(self, sent: float) -> None:
        """The record answered a renewal that was sent at this monotonic time (s)."""
        self.record_until = sent + self._kept
        self.is_silent = False

    def extend_receipt(self, sent: float) -> None:
        """SQS answered a renewal of the receipt that was sent at this monotonic time (s)."""
        self.receipt_until = sent + self._kept

    def is_record_due(self, monotonic: float) -> bool:
        """Whether the record is ours to renew and answered no renewal sent in the last quarter of the period."""
        return self.state is LeaseState.HELD and self.record_until - self._kept <= monotonic - self.period / 4

    def is_receipt_due(self, monotonic: float) -> bool:
        """Whether there is a receipt that answered no renewal sent in the last quarter of the period."""
        return not self.is_receipt_gone and self.receipt_until - self._kept <= monotonic - self.period / 4

    @property
    def next_renewal(self) -> float:
        """The monotonic time (s) of the next renewal: a third of the period after the older of the last two."""
        until = self.record_until if self.state is LeaseState.HELD else self.receipt_until
        if not self.is_receipt_gone:
            until = min(until, self.receipt_until)
        return until - self._kept + self.period / 3

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
