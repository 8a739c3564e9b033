"""The writes of time and priority (cqworker.model.schedule_writes, priority_writes) in DynamoDB's words."""

from __future__ import annotations

from cqworker.aws.dynamodb.conditional_update import BatchableUpdate, ConditionalUpdate, Rewrite, StatementTemplate
from cqworker.aws.dynamodb.expression_parts import Part, all_of, compare, missing, present, set_to
from cqworker.aws.dynamodb.items import Cell, entries, number, text
from cqworker.aws.dynamodb.record_conditions import UNCANCELLED
from cqworker.model.priority_writes import Reprioritise
from cqworker.model.record import JobRecord, shard_of
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


WAITS_AS_SEEN = {
    (token, time): Rewrite(_standing(token=token, time=time)) for token in (False, True) for time in (False, True)
}
"""By whether the record that was seen has a token, and a time."""
WAITS_UNREPLACED = {
    (token, time, replaced): Rewrite(
        all_of(
            _standing(token=token, time=time),
            compare("replacements", "=", ":former") if replaced else missing("replacements"),
        )
    )
    for token in (False, True)
    for time in (False, True)
    for replaced in (False, True)
}
"""The same, and whether its payload was replaced before: nobody may have done so since."""


def schedule_update(change: HandOver | Reschedule | Reprioritise) -> ConditionalUpdate:
    """A write of time or priority as an update."""
    match change:
        case HandOver():
            return hand_over(change)
        case Reschedule():
            return reschedule(change)
        case Reprioritise():
            return reprioritise(change)


def hand_over(change: HandOver) -> BatchableUpdate:
    """Out of the index, while the record waits for the time that its message was sent for."""
    seen = change.seen
    values = {":seen": text(seen.status), ":round": number(seen.round), ":new_status": text(change.status)}
    values[":at"] = number(seen.scheduled_at or 0)
    return BatchableUpdate(change.job_id, HAND_OVER, values)


def reschedule(change: Reschedule) -> ConditionalUpdate:
    """Into the index with another time, while the record is as it was seen and waits."""
    rewrite, values = rewrite_of_waiting(change.seen)
    written: dict[str, Cell | None] = {
        "status": text(Status.SCHEDULED),
        "scheduled_at": number(change.scheduled_at),
        "due": text(shard_of(change.job_id)),
        "purge_at": number(change.purge_at),
        "history": entries(change.history),
        "hindered_at": None,
        "parked": None,
    }
    if change.payload is not None:
        former = change.seen.replacements
        rewrite = WAITS_UNREPLACED[
            change.seen.token is not None, change.seen.scheduled_at is not None, former is not None
        ]
        if former is not None:
            values[":former"] = number(former)
        written |= {"payload": text(change.payload), "payload_ref": None, "replacements": number(change.replacements)}
    return rewrite.update(change.job_id, values, written)


def reprioritise(change: Reprioritise) -> ConditionalUpdate:
    """Another level, while the record is as it was seen and waits."""
    rewrite, values = rewrite_of_waiting(change.seen)
    written: dict[str, Cell | None] = {
        "priority": text(change.priority),
        "purge_at": number(change.purge_at),
        "history": entries(change.history),
    }
    return rewrite.update(change.job_id, values, written)


def rewrite_of_waiting(seen: JobRecord) -> tuple[Rewrite, dict[str, Cell]]:
    """What writes anew a record that waits as it was seen, and the values of its condition."""
    status = seen.status if seen.status in WAITING else NOWHERE
    values = {":seen": text(status), ":round": number(seen.round), ":attempt": number(seen.attempt)}
    if seen.token is not None:
        values[":token"] = text(seen.token)
    if seen.scheduled_at is not None:
        values[":at"] = number(seen.scheduled_at)
    return WAITS_AS_SEEN[seen.token is not None, seen.scheduled_at is not None], values
