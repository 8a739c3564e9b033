"""The writes of an attempt (cqworker.model.attempt_writes) in DynamoDB's words."""

from __future__ import annotations

from cqworker.aws.dynamodb.conditional_update import (
    BatchableUpdate,
    ConditionalUpdate,
    Rewrite,
    StatementTemplate,
    Values,
    record_from_message,
    update,
)
from cqworker.aws.dynamodb.expression_parts import (
    Part,
    add_to,
    add_to_or_start,
    all_of,
    any_of,
    append_to,
    append_to_or_start,
    compare,
    differs,
    missing,
    set_to,
    status_is,
    take_from,
)
from cqworker.aws.dynamodb.items import Cell, entries, failure_cell, listing_cells, number, progress_cell, text
from cqworker.aws.dynamodb.record_conditions import (
    ABSENT,
    FREE,
    FREE_AFTER_GRACE,
    FREE_VALUES,
    IS_RETRYABLE,
    NOT_PARKED,
    PAST_ATTRIBUTES,
    RETRYABLE_VALUES,
    RUNNING,
    UNCANCELLED,
)
from cqworker.model.attempt_writes import SOON_MS, Claim, HandBack, Renew, Reopen, Settle
from cqworker.model.record import shard_of
from cqworker.model.status import Status


def _startable(free: Part) -> Part:
    is_due = any_of(missing("scheduled_at"), compare("scheduled_at", "<=", ":soon"))
    is_sent_for = any_of(missing("due"), missing("scheduled_at"), compare("scheduled_at", "=", ":at"))
    is_woken_for = any_of(NOT_PARKED, compare("token", "=", ":parker"))
    return all_of(
        compare("round", "=", ":round"),
        differs("token", ":token"),
        free,
        compare("attempt", "<", "max_attempts"),
        UNCANCELLED,
        is_due,
        is_sent_for,
        is_woken_for,
    )


def _reopenable(free: Part) -> Part:
    return all_of(compare("round", "<", ":round"), differs("token", ":token"), any_of(IS_RETRYABLE, free))


HELD = all_of(compare("token", "=", ":token"), status_is(Status.RUNNING))
STARTABLE = _startable(FREE)
STARTABLE_AFTER_GRACE = _startable(FREE_AFTER_GRACE)
CLAIM = any_of(ABSENT, STARTABLE)
CLAIM_AFTER_GRACE = any_of(ABSENT, STARTABLE_AFTER_GRACE)
REOPEN = _reopenable(FREE)
REOPEN_AFTER_GRACE = _reopenable(FREE_AFTER_GRACE)

START = (
    set_to("status", ":running"),
    set_to("round", ":round"),
    set_to("token", ":token"),
    set_to("lease_expires_at", ":lease_expires_at"),
    set_to("started_at", ":now"),
    set_to("purge_at", ":purge_at"),
)
COUNT_ATTEMPT = (add_to("attempt", ":one"), append_to("history", ":claimed"))
COUNT_ATTEMPT_OR_FIRST = (
    add_to_or_start("attempt", ":zero", ":one"),
    append_to_or_start("history", ":history", ":claimed"),
)
FIRST_ATTEMPT_OF_ROUND = (set_to("attempt", ":one"), append_to("history", ":claimed"))

TIMES = ("scheduled_at", "due", "parked")
"""What a start removes: the time or the limit it waited for, and with it its place in the index of due jobs."""
CLAIM_EXISTING = StatementTemplate(STARTABLE, (*START, *COUNT_ATTEMPT), TIMES)
CLAIM_EXISTING_AFTER_GRACE = StatementTemplate(STARTABLE_AFTER_GRACE, (*START, *COUNT_ATTEMPT), TIMES)
RENEW = StatementTemplate(HELD, (set_to("lease_expires_at", ":lease_expires_at"),))
RENEW_WITH_PROGRESS = StatementTemplate(
    HELD, (set_to("lease_expires_at", ":lease_expires_at"), set_to("progress", ":progress"))
)
SETTLE = Rewrite(HELD)
SETTLE_APPENDING = Rewrite(HELD, append_to("history", ":entry"))
SETTLE_RETRYING = Rewrite(all_of(HELD, UNCANCELLED))
SETTLE_RETRYING_APPENDING = Rewrite(all_of(HELD, UNCANCELLED), append_to("history", ":entry"))
HAND_BACK = Rewrite(HELD, take_from("attempt", ":one"))
HAND_BACK_WAITING = Rewrite(all_of(HELD, UNCANCELLED), take_from("attempt", ":one"))
NO_TIME = number(0)
"""The time of a copy that was sent for none: no record waits for it."""
NO_PARKER = text("-")
"""The token of a copy that ends no park: no claim ever had it."""
ONE = number(1)
"""One attempt, as a value that every claim shares: never to be changed."""


def claim(change: Claim) -> ConditionalUpdate:
    """A start, of an absent record too: what a record has is kept, what it lacks comes from the message."""
    made, values = record_from_message(change.envelope, change.purge_at, change.trace_id)
    values |= FREE_VALUES | {":one": number(1)} | _start_values(change)
    values |= {":zero": number(0), ":soon": number(change.now + SOON_MS), ":at": _sent_for(change)}
    values[":parker"] = _woken_for(change)
    sets = (*made, *START, *COUNT_ATTEMPT_OR_FIRST)
    condition = _select_condition(change, values, CLAIM, CLAIM_AFTER_GRACE)
    return update(change.job_id, condition, values, sets, TIMES)


def claim_existing(change: Claim) -> BatchableUpdate:
    """A start of a record that is there: the usual one, and the only one that a batch can hold."""
    values = _start_values(change)
    values.update(FREE_VALUES)
    values[":one"], values[":soon"] = ONE, number(change.now + SOON_MS)
    values[":at"], values[":parker"] = _sent_for(change), _woken_for(change)
    if change.grace:
        values[":over"] = number(change.now - change.grace)
        return BatchableUpdate(change.job_id, CLAIM_EXISTING_AFTER_GRACE, values)
    return BatchableUpdate(change.job_id, CLAIM_EXISTING, values)


def reopen(change: Reopen) -> ConditionalUpdate:
    """A start of a later round; its own form because an update cannot choose between attempt 1 and one more."""
    values = FREE_VALUES | RETRYABLE_VALUES | {":one": number(1)} | _start_values(change)
    condition = _select_condition(change, values, REOPEN, REOPEN_AFTER_GRACE)
    return update(change.job_id, condition, values, (*START, *FIRST_ATTEMPT_OF_ROUND), PAST_ATTRIBUTES)


def _woken_for(change: Claim) -> Cell:
    return NO_PARKER if change.envelope.woken is None else text(change.envelope.woken.token)


def _sent_for(change: Claim) -> Cell:
    return NO_TIME if change.envelope.at is None else number(change.envelope.at)


def _select_condition(change: Claim, values: Values, usual: Part, after_grace: Part) -> Part:
    """The condition; `values` takes up the moment from which a lease counts as over some time after its end."""
    if not change.grace:
        return usual
    values[":over"] = number(change.now - change.grace)
    return after_grace


def _start_values(change: Claim) -> Values:
    return {
        ":round": number(change.envelope.round),
        ":token": text(change.token),
        ":now": number(change.now),
        ":lease_expires_at": number(change.lease_expires_at),
        ":purge_at": number(change.purge_at),
        ":claimed": entries(change.entries),
    }


def renew(change: Renew) -> BatchableUpdate:
    """A longer lease, with the progress made under it."""
    values = _held_values(change.token) | {":lease_expires_at": number(change.lease_expires_at)}
    if not change.progress:
        return BatchableUpdate(change.job_id, RENEW, values)
    values[":progress"] = progress_cell(change.progress)
    return BatchableUpdate(change.job_id, RENEW_WITH_PROGRESS, values)


def settle(change: Settle) -> BatchableUpdate:
    """The ending of an attempt; RETRYING gives way to a cancel that was asked for."""
    written = {
        "status": text(change.status),
        "purge_at": number(change.purge_at),
        "finished_at": number(change.now) if change.status.is_final else None,
        "result": text(change.result) if change.result is not None else None,
        "result_ref": text(change.result_ref) if change.result_ref is not None else None,
        "failure": failure_cell(change.failure) if change.failure else None,
        "scheduled_at": number(change.scheduled_at) if change.scheduled_at is not None else None,
        "due": text(shard_of(change.job_id)) if change.marked else None,
        "hindered_at": number(change.hindered_at) if change.hindered_at is not None else None,
        "parked": None,
        **listing_cells(change.job_id, change.status, change.now, change.listing),
        "lease_expires_at": None,
    }
    if change.progress:
        written["progress"] = progress_cell(change.progress)
    values = _held_values(change.token)
    is_retrying = change.status is Status.RETRYING
    if change.history is not None:
        written["history"] = entries(change.history)
        return (SETTLE_RETRYING if is_retrying else SETTLE).update(change.job_id, values, written)
    values[":entry"] = entries((change.entry,))
    return (SETTLE_RETRYING_APPENDING if is_retrying else SETTLE_APPENDING).update(change.job_id, values, written)


def hand_back(change: HandBack) -> BatchableUpdate:
    """QUEUED again, with one attempt less."""
    written = {
        "status": text(Status.QUEUED),
        "purge_at": number(change.purge_at),
        "scheduled_at": number(change.scheduled_at) if change.scheduled_at is not None else None,
        "due": text(shard_of(change.job_id)) if change.marked else None,
        "hindered_at": number(change.hindered_at) if change.hindered_at is not None else None,
        "parked": text(change.parked) if change.parked is not None else None,
        "lease_expires_at": None,
    }
    if change.history is not None:
        written["history"] = entries(change.history)
    return (HAND_BACK_WAITING if change.waits else HAND_BACK).update(
        change.job_id, _held_values(change.token) | {":one": ONE}, written
    )


def _held_values(token: str) -> Values:
    return RUNNING | {":token": text(token)}
