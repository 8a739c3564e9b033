"""The writes from outside an attempt (cqworker.model.operator_writes) in DynamoDB's words."""

from __future__ import annotations

from cqworker.aws.dynamodb.expression_parts import (
    ABSENT,
    FREE,
    FREE_AFTER_GRACE,
    FREE_VALUES,
    RETRYABLE_NOW,
    RETRYABLE_VALUES,
    RUNNING,
    UNCANCELLED,
    Form,
    made_from,
    rewrite,
    update,
)
from cqworker.aws.dynamodb.items import entries, failure_cell, number, text
from cqworker.model.history import trim
from cqworker.model.operator_writes import AskCancel, Forestall, Lose, NewRound
from cqworker.model.record import PAST
from cqworker.model.status import Status

SEEN_STANDS = f"#status = :seen AND round = :round AND attempt = :attempt AND {FREE}"
RUNS_THIS_ROUND = "#status = :running AND round = :round"
SAME_ENDING = "#status = :seen AND round = :round"
LOSE = f"{ABSENT} OR ({RETRYABLE_NOW} AND round < :round) OR (round <= :round AND {FREE} AND {UNCANCELLED})"
LOSE_AFTER_GRACE = LOSE.replace(FREE, FREE_AFTER_GRACE)


def forestall(change: Forestall) -> Form:
    """An ending while nobody holds the job and what was seen still stands."""
    seen, values = change.seen, FREE_VALUES | {":now": number(change.now), ":seen": text(change.seen.status)}
    values |= {":round": number(seen.round), ":attempt": number(seen.attempt)}
    if seen.token is not None:
        values[":token"] = text(seen.token)
    written = {
        "status": text(change.status),
        "purge_at": number(change.purge_at),
        "finished_at": number(change.now),
        "history": entries(trim(seen.history, change.entry)),
        "failure": failure_cell(change.failure) if change.failure else None,
        "scheduled_at": None,
        "lease_expires_at": None,
    }
    same_token = "attribute_not_exists(#token)" if seen.token is None else "#token = :token"
    return rewrite(change.job_id, f"{SEEN_STANDS} AND {same_token}", values, written)


def ask_cancel(change: AskCancel) -> Form:
    """The request to cancel; the first one's time stays."""
    values = RUNNING | {":round": number(change.round), ":now": number(change.now)}
    sets = ("cancel_requested_at = if_not_exists(cancel_requested_at, :now)",)
    return update(change.job_id, RUNS_THIS_ROUND, values, sets)


def new_round(change: NewRound) -> Form:
    """QUEUED in the next round, as long as nobody else made one."""
    values = {":seen": text(change.seen.status), ":round": number(change.seen.round)}
    written = {
        "status": text(Status.QUEUED),
        "attempt": number(0),
        "purge_at": number(change.purge_at),
        "history": entries(change.history),
        **dict.fromkeys((*PAST, "lease_expires_at", "started_at")),
    }
    values[":next"] = number(change.seen.round + 1)
    return rewrite(change.job_id, SAME_ENDING, values, written, ("round = :next",))


def lose(change: Lose) -> Form:
    """FAILED `lost`, of an absent record too."""
    made, values = made_from(change.envelope, change.purge_at, change.trace_id)
    values |= FREE_VALUES | RETRYABLE_VALUES | {":now": number(change.now), ":round": number(change.envelope.round)}
    values |= {":purge_at": number(change.purge_at), ":zero": number(0), ":lost": entries((change.entry,))}
    values |= {":failure": failure_cell(change.failure)}
    removes = [*(name for name in PAST if name not in {"failure", "finished_at"}), "lease_expires_at"]
    sets = (
        *made,
        "#status = :failed",
        "round = :round",
        "attempt = if_not_exists(attempt, :zero)",
        "failure = :failure",
        "finished_at = :now",
        "purge_at = :purge_at",
        "history = list_append(if_not_exists(history, :history), :lost)",
    )
    condition = LOSE
    if change.grace:
        condition, values[":over"] = LOSE_AFTER_GRACE, number(change.now - change.grace)
    return update(change.job_id, condition, values, sets, removes)
