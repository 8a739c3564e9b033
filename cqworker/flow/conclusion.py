"""From a handler's outcome to what is written about it: a closed set of endings, and the hand-back that is none."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from cqworker.execution.outcome import (
    AskedReject,
    AskedRetry,
    AskedSnooze,
    Died,
    Hindered,
    NeverStarted,
    Outcome,
    PayloadRefused,
    Raised,
    Returned,
    Stopped,
    StopReason,
    UnknownTypeMet,
)
from cqworker.execution.stop_outcomes import ERROR_PREFIX
from cqworker.flow.unknown_types import PATIENCE_MS, seconds_to_hide, unknown_type_failure
from cqworker.model.backoff import retry_delay
from cqworker.model.envelope import Envelope
from cqworker.model.history import CROWDED, HANDED_BACK, PARKED, RATE, RETRIED, SNOOZED, snooze_reason
from cqworker.model.record import Failure, JobRecord
from cqworker.model.status import FailureKind
from cqworker.plugins.handler import Backoff
from cqworker.ports import MAX_DELAY


class Success(Struct, frozen=True):
    """SUCCEEDED with this JSON text, or with a reference to where it lies; `note` is for the history."""

    result: str | None
    result_ref: str | None = None
    note: str = ""


class Retrying(Struct, frozen=True):
    """RETRYING after `delay` seconds; `hindered`: by what the job could not help, for which its day is over."""

    failure: Failure
    delay: float
    hindered: bool = False


class Failing(Struct, frozen=True):
    """FAILED for good."""

    failure: Failure


class Cancelled(Struct, frozen=True):
    """CANCELLED, as `why` says; `note` is how the handler ended, in words."""

    note: str = ""
    why: str = "a cancel was asked for"


class HandedBack(Struct, frozen=True):
    """No ending: the attempt is refunded and the job waits `delay` seconds for another start.

    `note` is how the handler ended, in words, why it snoozed, or which key's rate put it off; `hindered`: by what the
    job could not help, for which it waits a day; `copy` is the message to send in place of the one that brought it;
    `parked` the limit on whose waiting list the job is.
    """

    reason: str
    delay: float
    note: str = ""
    hindered: bool = False
    copy: Envelope | None = None
    parked: str | None = None

    @property
    def history_reason(self) -> str:
        """The reason as the history has it."""
        if self.reason in (PARKED, RATE, CROWDED):
            return f"{self.reason} {self.note}"
        return snooze_reason(self.note) if self.reason == SNOOZED else with_note(self.reason, self.note)


class LeftAlone(Struct, frozen=True):
    """No ending, and nothing to write: the lease is lost, or a handler that will not stop still runs under it."""


Ending = Success | Retrying | Failing | Cancelled
Conclusion = Ending | HandedBack | LeftAlone


class Rules(Struct, frozen=True):
    """Needed beside the outcome: the type's backoff, `now` (epoch ms), and `chance` (0 to 1) for the jitter."""

    backoff: Backoff
    now: int
    chance: Callable[[], float]


def conclude(record: JobRecord, outcome: Outcome, rules: Rules) -> Conclusion:
    """What an outcome means for this attempt of this job."""
    match outcome:
        case Returned(result, late):
            return Success(result, note=f"succeeded {late:.1f} s after its timeout" if late else "")
        case AskedReject(reason):
            return Failing(Failure(FailureKind.REJECTED, reason))
        case PayloadRefused(faults):
            what = "; ".join(f"{fault.pointer or '/'}: {fault.message}" for fault in faults)
            return Failing(Failure(FailureKind.INVALID_PAYLOAD, what, stage="payload"))
        case AskedRetry(reason, after):
            return _retry_or_fail(record, Failure(FailureKind.RAISED, reason), rules, after)
        case AskedSnooze(reason, after):
            return HandedBack(SNOOZED, after, reason)
        case Raised(error, message, traceback, stage, final=True):
            return Failing(Failure(FailureKind.REJECTED, message, error, stage, traceback))
        case Raised(error, message, traceback, stage):
            return _retry_or_fail(record, Failure(FailureKind.RAISED, message, error, stage, traceback), rules)
        case Died(message):
            return _retry_or_fail(record, Failure(FailureKind.CRASHED, message, stage="process"), rules)
        case Stopped():
            return _conclude_stop(record, outcome, rules)
        case NeverStarted(reason, delay):
            return HandedBack(reason, delay)
        case UnknownTypeMet() | Hindered():
            return _wait_or_conclude(record, outcome, rules)


def with_note(reason: str, note: str) -> str:
    """A reason with how the handler ended, in words."""
    return f"{reason}; {note}" if note else reason


def _conclude_stop(record: JobRecord, stop: Stopped, rules: Rules) -> Conclusion:
    """A handler that still runs is never handed back: its lease runs out."""
    match stop.reason:
        case StopReason.LOST:
            return LeftAlone()
        case StopReason.TIMEOUT:
            return _retry_or_fail(record, _timeout_failure(stop), rules, stop.after)
        case StopReason.CANCEL:
            return LeftAlone() if stop.abandoned else Cancelled(stop.note)
        case StopReason.DRAIN if not stop.abandoned and stop.raised is not None and _was_forgiven(record):
            return conclude(record, stop.raised, rules)
        case StopReason.SILENCE if not stop.abandoned and not _is_in_time(record, rules):
            message = with_note("Its lease could not be renewed", stop.note)
            return _retry_or_fail(record, Failure(FailureKind.CRASHED, f"{message}."), rules)
        case StopReason.DRAIN | StopReason.SILENCE if stop.abandoned:
            return LeftAlone()
        case StopReason.DRAIN | StopReason.SILENCE:
            hindered = stop.reason is StopReason.SILENCE
            return HandedBack(stop.reason, stop.after or 0.0, stop.note, hindered=hindered)


def _timeout_failure(stop: Stopped) -> Failure:
    """The failure quotes what the handler raised when its time was over: it may be why it took so long."""
    message = with_note("The handler did not end within its timeout", stop.note) + ("" if stop.note else ".")
    error = stop.raised or Raised("", "")
    return Failure(FailureKind.TIMEOUT, message, error.error or None, traceback=error.traceback)


def _was_forgiven(record: JobRecord) -> bool:
    """Whether this round was handed back for an error in a drain before: one that shows in drains alone must count."""
    marked = with_note(StopReason.DRAIN, ERROR_PREFIX)
    began = max((place for place, entry in enumerate(record.history) if entry.event == RETRIED), default=0)
    return any(entry.reason.startswith(marked) for entry in record.history[began:] if entry.event == HANDED_BACK)


def _retry_or_fail(record: JobRecord, failure: Failure, rules: Rules, after: float | None = None) -> Retrying | Failing:
    """RETRYING while attempts are left; then FAILED, `exhausted` unless the last attempt has its own word for it."""
    if record.attempt < record.max_attempts:
        backoff = rules.backoff
        delay = retry_delay(record.attempt, backoff.first, backoff.factor, backoff.cap, rules.chance)
        return Retrying(failure, delay if after is None else after)
    kind = FailureKind.EXHAUSTED if failure.kind is FailureKind.RAISED else failure.kind
    return Failing(Failure(kind, failure.message, failure.error, failure.stage, failure.traceback))


def _wait_or_conclude(record: JobRecord, hindrance: UnknownTypeMet | Hindered, rules: Rules) -> Conclusion:
    """Nothing that the job could help: at first it waits, each time for as long as it has waited, within bounds.

    Whatever the cap, never so long that it takes the index of due jobs: an outage hinders many, and may end any moment.
    """
    longest = min(rules.backoff.cap, MAX_DELAY)
    delay = seconds_to_hide(_hindered_for(record, rules), longest, rules.chance)
    if delay is not None:
        return HandedBack(hindrance.reason, delay, hindered=True)
    if isinstance(hindrance, Hindered):
        conclusion = conclude(record, hindrance.raised, rules)
        return replace(conclusion, hindered=True) if isinstance(conclusion, Retrying) else conclusion
    return Failing(unknown_type_failure(record.type))


def _is_in_time(record: JobRecord, rules: Rules) -> bool:
    """An outage charges no attempt; a record that alone cannot be renewed, for a day, is no outage."""
    return _hindered_for(record, rules) < PATIENCE_MS


def _hindered_for(record: JobRecord, rules: Rules) -> int:
    """Milliseconds since the first hindrance in a row: to wait for days as asked is none."""
    return rules.now - (rules.now if record.hindered_at is None else record.hindered_at)
