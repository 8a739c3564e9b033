"""The writes from outside an attempt (cqworker.model.operator_writes) in DynamoDB's words."""

from __future__ import annotations

from cqworker.aws.dynamodb.conditional_update import ConditionalUpdate, Rewrite, record_from_message, update
from cqworker.aws.dynamodb.expression_parts import (
    Part,
    all_of,
    any_of,
    append_to_or_start,
    compare,
    differs,
    missing,
    set_if_missing,
    set_to,
    status_is,
)
from cqworker.aws.dynamodb.items import LISTING_KEYS, LISTING_WORDS, entries, failure_cell, listing_cells, number, text
from cqworker.aws.dynamodb.record_conditions import (
    ABSENT,
    FREE,
    FREE_AFTER_GRACE,
    FREE_VALUES,
    IS_RETRYABLE,
    PAST_ATTRIBUTES,
    RETRYABLE_VALUES,
    RUNNING,
    UNCANCELLED,
    UNMARKED,
)
from cqworker.model.history import trim
from cqworker.model.operator_writes import AskCancel, Forestall, Lose, NewRound
from cqworker.model.status import Status


def _losable(free: Part) -> Part:
    return any_of(
        ABSENT,
        all_of(IS_RETRYABLE, compare("round", "<", ":round")),
        all_of(compare("round", "<=", ":round"), free, UNCANCELLED, UNMARKED, differs("status", ":scheduled")),
    )


SEEN_STANDS = all_of(
    compare("status", "=", ":seen"), compare("round", "=", ":round"), compare("attempt", "=", ":attempt"), FREE
)
SAME_ROUND = compare("round", "=", ":round")
RUNS_THIS_ROUND = all_of(status_is(Status.RUNNING), SAME_ROUND)
LOSE = _losable(FREE)
LOSE_AFTER_GRACE = _losable(FREE_AFTER_GRACE)
KEPT_BY_LOSE = {"failure", "finished_at", *LISTING_KEYS, *LISTING_WORDS}
REMOVED_BY_LOSE = (*(name for name in PAST_ATTRIBUTES if name not in KEPT_BY_LOSE), "lease_expires_at")

SAME_TOKEN, NO_TOKEN = compare("token", "=", ":token"), missing("token")
FORESTALL = {
    (has_token, fails): Rewrite(
        all_of(SEEN_STANDS, SAME_TOKEN if has_token else NO_TOKEN, *((UNCANCELLED,) if fails else ()))
    )
    for has_token in (False, True)
    for fails in (False, True)
}
"""By whether the record that was seen has a token, and whether the ending is FAILED, which a cancel goes before."""
NEW_ROUND = Rewrite(all_of(compare("status", "=", ":seen"), SAME_ROUND), set_to("round", ":next"))
ASK_CANCEL = (set_if_missing("cancel_requested_at", ":now"),)
END_AS_LOST = (
    set_to("status", ":failed"),
    set_to("round", ":round"),
    set_if_missing("attempt", ":zero"),
    set_to("failure", ":failure"),
    set_to("finished_at", ":now"),
    set_to("purge_at", ":purge_at"),
    append_to_or_start("history", ":history", ":lost"),
)


def forestall(change: Forestall) -> ConditionalUpdate:
    """An ending while no lease holds the job and the record is as it was seen."""
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
        "due": None,
        "hindered_at": None,
        **listing_cells(change.job_id, change.status, change.now, change.listing),
        "lease_expires_at": None,
    }
    rewrite = FORESTALL[seen.token is not None, change.status is Status.FAILED]
    return rewrite.update(change.job_id, values, written)


def ask_cancel(change: AskCancel) -> ConditionalUpdate:
    """The request to cancel; the first one's time stays."""
    values = RUNNING | {":round": number(change.round), ":now": number(change.now)}
    return update(change.job_id, RUNS_THIS_ROUND, values, ASK_CANCEL)


def new_round(change: NewRound) -> ConditionalUpdate:
    """QUEUED in the next round, unless another retry made one before."""
    values = {":seen": text(change.seen.status), ":round": number(change.seen.round)}
    written = {
        "status": text(Status.QUEUED),
        "attempt": number(0),
        "purge_at": number(change.purge_at),
        "history": entries(change.history),
        **dict.fromkeys((*PAST_ATTRIBUTES, "lease_expires_at", "started_at")),
    }
    values[":next"] = number(change.seen.round + 1)
    return NEW_ROUND.update(change.job_id, values, written)


def lose(change: Lose) -> ConditionalUpdate:
    """FAILED `lost`, of an absent record too."""
    made, values = record_from_message(change.envelope, change.purge_at, change.trace_id)
    values |= FREE_VALUES | RETRYABLE_VALUES | {":now": number(change.now), ":round": number(change.envelope.round)}
    values |= {":purge_at": number(change.purge_at), ":zero": number(0), ":lost": entries((change.entry,))}
    values |= {":failure": failure_cell(change.failure)}
    condition = LOSE
    if change.grace:
        condition, values[":over"] = LOSE_AFTER_GRACE, number(change.now - change.grace)
    cells = listing_cells(change.job_id, Status.FAILED, change.now, change.listing)
    values |= {f":{name}": cell for name, cell in cells.items() if cell is not None}
    listed = tuple(set_to(name, f":{name}") for name, cell in cells.items() if cell is not None)
    removed = tuple(name for name, cell in cells.items() if cell is None)
    return update(change.job_id, condition, values, (*made, *END_AS_LOST, *listed), (*REMOVED_BY_LOSE, *removed))
