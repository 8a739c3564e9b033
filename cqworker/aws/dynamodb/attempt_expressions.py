"""The writes of an attempt (cqworker.model.attempt_writes) in DynamoDB's words."""

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
    Shape,
    Values,
    made_from,
    rewrite,
    update,
)
from cqworker.aws.dynamodb.items import entries, failure_cell, number, progress_cell, text
from cqworker.model.attempt_writes import SOON_MS, Claim, HandBack, Renew, Reopen, Settle
from cqworker.model.record import PAST
from cqworker.model.status import Status

HELD = "#token = :token AND #status = :running"
STARTABLE = (
    f"round = :round AND #token <> :token AND {FREE} AND attempt < max_attempts AND {UNCANCELLED}"
    " AND (attribute_not_exists(scheduled_at) OR scheduled_at <= :soon)"
)
CLAIM = f"{ABSENT} OR ({STARTABLE})"
REOPEN = f"round < :round AND #token <> :token AND ({RETRYABLE_NOW} OR {FREE})"
AFTER_GRACE = {said: said.replace(FREE, FREE_AFTER_GRACE) for said in (STARTABLE, CLAIM, REOPEN)}
STARTED = (
    "#status = :running",
    "round = :round",
    "#token = :token",
    "lease_expires_at = :lease_expires_at",
    "started_at = :now",
    "purge_at = :purge_at",
)

STARTED_AGAIN = (*STARTED, "attempt = attempt + :one", "history = list_append(history, :claimed)")
USUAL_START = Shape(STARTABLE, STARTED_AGAIN, ("scheduled_at",))
START_AFTER_GRACE = Shape(AFTER_GRACE[STARTABLE], STARTED_AGAIN, ("scheduled_at",))
ONE = number(1)


def claim(change: Claim) -> Form:
    """A start, of an absent record too: what a record has is kept, what it lacks comes from the message."""
    made, values = made_from(change.envelope, change.purge_at, change.trace_id)
    values |= FREE_VALUES | {":one": number(1)} | _started(change)
    values |= {":zero": number(0), ":soon": number(change.now + SOON_MS)}
    sets = (
        *made,
        *STARTED,
        "attempt = if_not_exists(attempt, :zero) + :one",
        "history = list_append(if_not_exists(history, :history), :claimed)",
    )
    return update(change.job_id, _with_grace(CLAIM, change, values), values, sets, ("scheduled_at",))


def claim_existing(change: Claim) -> Form:
    """A start of a record that is there: the usual one, and the only one that a batch can hold."""
    values = _started(change)
    values.update(FREE_VALUES)
    values[":one"], values[":soon"] = ONE, number(change.now + SOON_MS)
    if change.grace:
        values[":over"] = number(change.now - change.grace)
        return Form(change.job_id, START_AFTER_GRACE, values)
    return Form(change.job_id, USUAL_START, values)


def reopen(change: Reopen) -> Form:
    """A start of a later round; its own form because an update cannot choose between attempt 1 and one more."""
    values = FREE_VALUES | RETRYABLE_VALUES | {":one": number(1)} | _started(change)
    sets = (*STARTED, "attempt = :one", "history = list_append(history, :claimed)")
    return update(change.job_id, _with_grace(REOPEN, change, values), values, sets, PAST)


def _with_grace(condition: str, change: Claim, values: Values) -> str:
    """The condition that counts a lease as over some time after its end, and the value that it then needs."""
    if not change.grace:
        return condition
    values[":over"] = number(change.now - change.grace)
    return AFTER_GRACE[condition]


def _started(change: Claim) -> Values:
    return {
        ":round": number(change.envelope.round),
        ":token": text(change.token),
        ":now": number(change.now),
        ":lease_expires_at": number(change.lease_expires_at),
        ":purge_at": number(change.purge_at),
        ":claimed": entries(change.entries),
    }


def renew(change: Renew) -> Form:
    """A longer lease, with the progress made under it."""
    values = _fence(change.token) | {":lease_expires_at": number(change.lease_expires_at)}
    if change.progress:
        values[":progress"] = progress_cell(change.progress)
    sets = ["lease_expires_at = :lease_expires_at", *(["progress = :progress"] if change.progress else ())]
    return update(change.job_id, HELD, values, sets)


def settle(change: Settle) -> Form:
    """The ending of an attempt; RETRYING gives way to a cancel that was asked for."""
    written = {
        "status": text(change.status),
        "purge_at": number(change.purge_at),
        "finished_at": number(change.now) if change.status.is_final else None,
        "result": text(change.result) if change.result is not None else None,
        "result_ref": text(change.result_ref) if change.result_ref is not None else None,
        "failure": failure_cell(change.failure) if change.failure else None,
        "scheduled_at": number(change.scheduled_at) if change.scheduled_at is not None else None,
        "lease_expires_at": None,
    }
    if change.progress:
        written["progress"] = progress_cell(change.progress)
    condition = f"{HELD} AND {UNCANCELLED}" if change.status is Status.RETRYING else HELD
    values = _fence(change.token)
    if change.history is not None:
        return rewrite(change.job_id, condition, values, written | {"history": entries(change.history)})
    values[":entry"] = entries((change.entry,))
    return rewrite(change.job_id, condition, values, written, ("history = list_append(history, :entry)",))


def hand_back(change: HandBack) -> Form:
    """QUEUED again, with one attempt less."""
    written = {
        "status": text(Status.QUEUED),
        "purge_at": number(change.purge_at),
        "scheduled_at": number(change.scheduled_at) if change.scheduled_at is not None else None,
        "lease_expires_at": None,
    }
    if change.history is not None:
        written["history"] = entries(change.history)
    return rewrite(
        change.job_id, HELD, _fence(change.token) | {":one": number(1)}, written, ("attempt = attempt - :one",)
    )


def _fence(token: str) -> Values:
    return RUNNING | {":token": text(token)}
