"""What the end of a stopped handler counts as: docs/stops.md is this table in the users' words."""

from __future__ import annotations

from cqworker.execution.outcome import (
    AskedReject,
    AskedRetry,
    AskedSnooze,
    Died,
    Ended,
    Hindered,
    Interrupted,
    NeverStarted,
    Outcome,
    PayloadRefused,
    Raised,
    Returned,
    Stopped,
    StopReason,
    UnknownTypeMet,
)
from cqworker.model.redaction import truncate

ERROR_PREFIX = "it said: "
"""Before the words of an error, and of nothing else: the history remembers by it."""
RETURNED_NOTE = "it returned after it saw the stop"
"""The note of a return that does not count as finished."""
NOTE_LIMIT = 300
"""Characters of an error or a reason that a note keeps: it stands in the history, beside others."""


def judge(end: Ended | Outcome | Interrupted, stop: StopReason | None, *, draining: bool, late: float) -> Outcome:
    """The outcome of a handler that ended `late` s after its timeout; `stop` is what it was told, if it was.

    Of two stops a refused lease beats all, else the first counts: what it saw had come before what it was stopped for.
    """
    if stop is StopReason.LOST:
        return Stopped(stop)
    if not isinstance(end, Ended):
        return _judge_free(end, draining=draining) if stop is None else _judge_killed(end, stop)
    reason = end.seen or stop
    if reason is None:
        return _judge_free(end.outcome, draining=draining)
    return _judge_stopped(end, reason, late)


def _judge_stopped(end: Ended, reason: StopReason, late: float) -> Outcome:
    """Returning means finished where the stop was not seen, else only with the handler's word for it."""
    outcome = end.outcome
    match outcome:
        case AskedReject():
            return outcome
        case Returned(result) if end.finished or end.seen is None:
            return Returned(result, late)
        case PayloadRefused() if reason is not StopReason.CANCEL:
            return outcome
        case AskedSnooze() if reason in (StopReason.DRAIN, StopReason.SILENCE):
            return outcome
        case Raised() if end.seen is None and reason not in (StopReason.CANCEL, StopReason.TIMEOUT):
            return outcome
        case Returned() | Raised() | PayloadRefused() | AskedRetry() | AskedSnooze() | Hindered() | Interrupted():
            return stopped_by(outcome, reason)
        case Died() | NeverStarted() | UnknownTypeMet() | Stopped():
            return stopped_by(outcome, reason)


def _judge_killed(outcome: Outcome | Interrupted, reason: StopReason) -> Outcome:
    """A call without a word of its handler, or with a whole one that came before the kill: that one stands."""
    match outcome:
        case Interrupted() | Died():
            return Stopped(reason)
        case NeverStarted() if reason is StopReason.CANCEL:
            return Stopped(reason)
        case _:
            return outcome


def _judge_free(outcome: Outcome | Interrupted, *, draining: bool) -> Outcome:
    """No stop came before its end."""
    match outcome:
        case Interrupted() | Died() if draining:
            return Stopped(StopReason.DRAIN)  # what ends a worker may end its processes, too
        case Interrupted("Stopping"):
            return Raised("Stopping", "The handler gave up, and nothing had told it to stop.")
        case Interrupted(error):
            return Raised(error, "The handler cancelled itself.")
        case _:
            return outcome


def stopped_by(outcome: Outcome | Interrupted, reason: StopReason) -> Stopped:
    """It stopped, for this reason and unfinished; how it ended is kept as a note."""
    return Stopped(
        reason,
        note=note_of(outcome),
        raised=outcome if isinstance(outcome, Raised) else None,
        after=outcome.after if isinstance(outcome, AskedRetry | AskedSnooze) else None,
        returned=isinstance(outcome, Returned),
    )


def note_of(outcome: Outcome | Interrupted) -> str:
    """How a handler ended, in words for the history; "" where it only obeyed."""
    match outcome:
        case Returned():
            return RETURNED_NOTE
        case Raised(error, message):
            return f"{ERROR_PREFIX}{error}: {truncate(message, NOTE_LIMIT)}"
        case Hindered(reason):
            return reason
        case AskedRetry(reason):
            return f"it asked for another attempt: {truncate(reason, NOTE_LIMIT)}"
        case AskedSnooze(reason):
            return f"it asked to be snoozed: {truncate(reason, NOTE_LIMIT)}" if reason else "it asked to be snoozed"
        case AskedReject(reason):
            return f"it rejected the job: {truncate(reason, NOTE_LIMIT)}"
        case Died() | NeverStarted() | PayloadRefused() | UnknownTypeMet() | Stopped() | Interrupted():
            return ""
