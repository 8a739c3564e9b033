"""The writes of time (cqworker.model.schedule_writes) in DynamoDB's words."""

from __future__ import annotations

from cqworker.aws.dynamodb.conditional_update import BatchableUpdate, ConditionalUpdate, Rewrite, StatementTemplate
from cqworker.aws.dynamodb.expression_parts import Part, all_of, compare, missing, present, set_to
from cqworker.aws.dynamodb.items import entries, number, text
from cqworker.aws.dynamodb.record_conditions import UNCANCELLED
from cqworker.model.record import shard_of
from cqworker.model.schedule_writes import HandOver, Reschedule
from cqworker.model.status import WAITING, Status

STILL_WAITS = all_of(
    compare("status", "=", ":seen"),
    compare("round", "=", ":round"),
    compare("scheduled_at", "=", ":at"),
    present("due"),
)
HAND_OVER = StatementTemplate(STILL_WAITS, (set_to("status", ":new_status"),), ("due",))


NOWHERE = ""
"""No record's status: what does not wait cannot be put off."""


def _standing(*, token: bool, time: bool) -> Part:
    return all_of(
        compare("status", "=", ":seen"),
        compare("round", "=", ":round"),
        compare("attempt", "=", ":attempt"),
        compare("token", "=", ":token") if token else missing("token"),
        compare("scheduled_at", "=", ":at") if time else missing("scheduled_at"),
        UNCANCELLED,
    )


RESCHEDULE = {
    (token, time): Rewrite(_standing(token=token, time=time)) for token in (False, True) for time in (False, True)
}
"""By whether the record that was seen has a token, and a time."""


def schedule_update(change: HandOver | Reschedule) -> ConditionalUpdate:
    """A write of time as an update."""
    match change:
        case HandOver():
            return hand_over(change)
        case Reschedule():
            return reschedule(change)


def hand_over(change: HandOver) -> BatchableUpdate:
    """Out of the index, while the record waits for the time that its message was sent for."""
    seen = change.seen
    values = {":seen": text(seen.status), ":round": number(seen.round), ":new_status": text(change.status)}
    values[":at"] = number(seen.scheduled_at or 0)
    return BatchableUpdate(change.job_id, HAND_OVER, values)


def reschedule(change: Reschedule) -> ConditionalUpdate:
    """Into the index with another time, while the record is as it was seen and waits."""
    seen = change.seen
    status = seen.status if seen.status in WAITING else NOWHERE
    values = {":seen": text(status), ":round": number(seen.round), ":attempt": number(seen.attempt)}
    if seen.token is not None:
        values[":token"] = text(seen.token)
    if seen.scheduled_at is not None:
        values[":at"] = number(seen.scheduled_at)
    written = {
        "status": text(Status.SCHEDULED),
        "scheduled_at": number(change.scheduled_at),
        "due": text(shard_of(change.job_id)),
        "purge_at": number(change.purge_at),
        "history": entries(change.history),
        "hindered_at": None,
    }
    rewrite = RESCHEDULE[seen.token is not None, seen.scheduled_at is not None]
    return rewrite.update(change.job_id, values, written)
