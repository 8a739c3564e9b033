"""From a handler's outcome to what is written about it: a closed set of endings, and the hand-back that is none."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from cqworker.flow.backoff import retry_delay
from cqworker.flow.outcomes import (
    AskedReject,
    AskedRetry,
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
from cqworker.model.history import RETRIED
from cqworker.model.record import Failure, JobRecord
from cqworker.model.status import FailureKind
from cqworker.plugins.handler import Backoff

PATIENCE_MS = 86_400_000
"""24 h in which a worker that knows the type may be deployed, or a service that a handler needs may come back."""


class Success(Struct, frozen=True):
    """SUCCEEDED with this JSON text, or with a reference to where it lies."""

    result: str | None
    result_ref: str | None = None


class Retrying(Struct, frozen=True):
    """RETRYING after `delay` seconds."""

    failure: Failure
    delay: float


class Failing(Struct, frozen=True):
    """FAILED for good."""

    failure: Failure


class Cancelled(Struct, frozen=True):
    """CANCELLED, since somebody asked for it."""


class GivenBack(Struct, frozen=True):
    """No ending: the attempt is refunded and the job waits `delay` seconds for another start."""

    reason: str
    delay: float


class LeftAlone(Struct, frozen=True):
    """No ending, and nothing to write: the lease is lost, or a handler that will not stop still runs under it."""


Ending = Success | Retrying | Failing | Cancelled
Conclusion = Ending | GivenBack | LeftAlone


class Rules(Struct, frozen=True):
    """What concluding needs to know beside the outcome: the type's backoff, the time, and chance for the jitter."""

    backoff: Backoff
    now: int
    chance: Callable[[], float]


def conclude(record: JobRecord, outcome: Outcome, rules: Rules) -> Conclusion:
    """What an outcome means for this attempt of this job."""
    match outcome:
        case Returned(result):
            return Success(result)
        case AskedReject(reason):
            return Failing(Failure(FailureKind.REJECTED, reason))
        case PayloadRefused(faults):
            what = "; ".join(f"{fault.pointer or '/'}: {fault.message}" for fault in faults)
            return Failing(Failure(FailureKind.INVALID_PAYLOAD, what, stage="payload"))
        case AskedRetry(reason, after):
            return _again(record, Failure(FailureKind.RAISED, reason), rules, after)
        case Raised(error, message, traceback, stage, final=True):
            return Failing(Failure(FailureKind.REJECTED, message, error, stage, traceback))
        case Raised(error, message, traceback, stage):
            return _again(record, Failure(FailureKind.RAISED, message, error, stage, traceback), rules)
        case Died(message):
            return _again(record, Failure(FailureKind.CRASHED, message, stage="process"), rules)
        case Stopped():
            return _of_stop(record, outcome, rules)
        case NeverStarted(reason, delay):
            return GivenBack(reason, delay)
        case UnknownTypeMet() | Hindered():
            return _of_hindrance(record, outcome, rules)


def _of_stop(record: JobRecord, stop: Stopped, rules: Rules) -> Conclusion:
    """A handler that still runs is never handed back: its lease runs out."""
    match stop:
        case Stopped(StopReason.TIMEOUT):
            return _again(record, Failure(FailureKind.TIMEOUT, "The handler did not end within its timeout."), rules)
        case Stopped(StopReason.CANCEL):
            return Cancelled()
        case Stopped(StopReason.DRAIN, abandoned=False):
            return GivenBack("drain", 0.0)
        case Stopped(StopReason.SILENCE, abandoned=False):
            return _of_silence(record, rules)
        case _:
            return LeftAlone()


def _again(record: JobRecord, failure: Failure, rules: Rules, after: float | None = None) -> Retrying | Failing:
    """RETRYING while attempts are left; then FAILED, `exhausted` unless the last attempt has its own word for it."""
    if record.attempt < record.max_attempts:
        backoff = rules.backoff
        delay = retry_delay(record.attempt, backoff.first, backoff.factor, backoff.cap, rules.chance)
        return Retrying(failure, delay if after is None else after)
    kind = FailureKind.EXHAUSTED if failure.kind is FailureKind.RAISED else failure.kind
    return Failing(Failure(kind, failure.message, failure.error, failure.stage, failure.traceback))


def _of_hindrance(record: JobRecord, hindrance: UnknownTypeMet | Hindered, rules: Rules) -> Conclusion:
    """Nothing that the job could help: at first it waits, each time for as long as it has waited, within bounds."""
    waited = rules.now - _round_began(record)
    if waited < PATIENCE_MS:
        delay = min(rules.backoff.cap, max(5.0, waited / 1000)) * (0.5 + rules.chance() / 2)
        return GivenBack(hindrance.reason, delay)
    if isinstance(hindrance, Hindered):
        return conclude(record, hindrance.raised, rules)
    message = f"No worker knew the type {record.type!r} within 24 hours."
    return Failing(Failure(FailureKind.UNKNOWN_TYPE, message))


def _of_silence(record: JobRecord, rules: Rules) -> Conclusion:
    """An outage charges no attempt; a record that alone cannot be renewed, for a day, is no outage."""
    if rules.now - _round_began(record) < PATIENCE_MS:
        return GivenBack(StopReason.SILENCE, 0.0)
    return _again(record, Failure(FailureKind.CRASHED, "Its lease could not be renewed."), rules)


def _round_began(record: JobRecord) -> int:
    """When the present round was asked for: at the last retry in the history, else at the submission."""
    retried = [entry.at for entry in record.history if entry.event == RETRIED]
    return max([record.created_at, *retried])
