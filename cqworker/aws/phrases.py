"""The words of our expressions: the conditions that recur, and the clauses of an update."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from cqworker.aws.wire import Cell, item_of, job_key, text
from cqworker.model.envelope import Envelope
from cqworker.model.record import record_from
from cqworker.model.status import Status

Values = dict[str, Cell]
Request = dict[str, Any]

ALIASED = frozenset({"status", "token", "type", "result", "day"})
"""Those of our attribute names that are reserved words in expressions (DynamoDB developer guide, reserved words)."""

ABSENT = "attribute_not_exists(pk)"
FREE = (
    "(#status IN (:queued, :retrying) OR (#status = :running"
    " AND (attribute_not_exists(lease_expires_at) OR lease_expires_at < :now)))"
)
UNCANCELLED = "attribute_not_exists(cancel_requested_at)"

RUNNING: Values = {":running": text(Status.RUNNING)}
FREE_VALUES: Values = {":queued": text(Status.QUEUED), ":retrying": text(Status.RETRYING), **RUNNING}
ENDED: Values = {":failed": text(Status.FAILED), ":cancelled": text(Status.CANCELLED)}

PAST = ("failure", "result", "result_ref", "finished_at", "cancel_requested_at", "scheduled_at", "progress")
"""What a new round begins without (cqworker.model.record.without_past), the lease apart."""


def made_from(envelope: Envelope, purge_at: int, trace_id: str | None) -> tuple[tuple[str, ...], Values]:
    """The clauses that make an absent record from its message, and leave alone what one has."""
    item = item_of(record_from(envelope, purge_at, trace_id))
    history = item.pop("history")
    for name in ("pk", "sk", "status", "round", "attempt", "purge_at"):
        del item[name]
    return _unless_there(tuple(item)), {":history": history, **{f":{name}": cell for name, cell in item.items()}}


@lru_cache(maxsize=64)
def _unless_there(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{alias(name)} = if_not_exists({alias(name)}, :{name})" for name in names)


def update(job_id: str, condition: str, values: Values, sets: Iterable[str], removes: Iterable[str] = ()) -> Request:
    """An UpdateItem without its table: the condition, the clauses of SET, the attributes of REMOVE."""
    said, names = _worded(condition, tuple(sets), tuple(removes))
    return {
        "Key": job_key(job_id),
        "ConditionExpression": condition,
        "UpdateExpression": said,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def rewrite(
    job_id: str, condition: str, values: Values, written: dict[str, Cell | None], sets: tuple[str, ...] = ()
) -> Request:
    """An update that sets what is `written` and removes what is written as None."""
    values |= {f":new_{name}": cell for name, cell in written.items() if cell is not None}
    kept = [f"{alias(name)} = :new_{name}" for name, cell in written.items() if cell is not None]
    removed = [name for name, cell in written.items() if cell is None]
    return update(job_id, condition, values, (*kept, *sets), removed)


@lru_cache(maxsize=256)
def _worded(condition: str, sets: tuple[str, ...], removes: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    """The update expression and the aliases that it and the condition use; there are a few shapes of each change."""
    said = "SET " + ", ".join(sets)
    if removes:
        said += " REMOVE " + ", ".join(map(alias, removes))
    aliases = sorted(set(re.findall(r"#\w+", f"{condition} {said}")))
    return said, {name: name[1:] for name in aliases}


def alias(name: str) -> str:
    """The attribute's name as an expression may say it."""
    return f"#{name}" if name in ALIASED else name
