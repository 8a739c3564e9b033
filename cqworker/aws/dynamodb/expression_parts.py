"""The words of our expressions: the conditions that recur, and the clauses of an update."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any

from msgspec import Struct

from cqworker.aws.dynamodb.items import Cell, item_of, job_key, text
from cqworker.model.envelope import Envelope
from cqworker.model.record import record_from
from cqworker.model.status import RETRYABLE, WAITING, Status

Values = dict[str, Cell]
Request = dict[str, Any]

ALIASED = frozenset({"status", "token", "type", "result", "day"})
"""Those of our attribute names that are reserved words in expressions (DynamoDB developer guide, reserved words)."""


def _placeholders(statuses: Collection[Status]) -> dict[str, Status]:
    return {f":{status.lower()}": status for status in Status if status in statuses}


def _named(statuses: Collection[Status]) -> str:
    """Their placeholders, as IN has them."""
    return ", ".join(_placeholders(statuses))


def _values(statuses: Collection[Status]) -> Values:
    return {name: text(status) for name, status in _placeholders(statuses).items()}


ABSENT = "attribute_not_exists(pk)"
RETRYABLE_NOW = f"#status IN ({_named(RETRYABLE)})"
FREE = (
    f"(#status IN ({_named(WAITING)}) OR (#status = :running"
    " AND (attribute_not_exists(lease_expires_at) OR lease_expires_at < :now)))"
)
FREE_AFTER_GRACE = FREE.replace(":now", ":over")
UNCANCELLED = "attribute_not_exists(cancel_requested_at)"

RUNNING = _values({Status.RUNNING})
FREE_VALUES = _values(WAITING) | RUNNING
RETRYABLE_VALUES = _values(RETRYABLE)


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


class Shape:
    """The words of a change without its values: there are a few of each kind, and each is worded once."""

    __slots__ = ("condition", "names", "said")

    def __init__(self, condition: str, sets: Iterable[str], removes: Iterable[str] = ()) -> None:
        self.condition: str = condition
        self.said: str = "SET " + ", ".join(sets)
        if removed := ", ".join(map(alias, removes)):
            self.said += f" REMOVE {removed}"
        self.names: dict[str, str] = {
            name: name[1:] for name in sorted(set(re.findall(r"#\w+", f"{condition} {self.said}")))
        }


class Form(Struct, frozen=True):
    """A change of one job in DynamoDB's words: the shape, and the value of each of its placeholders."""

    job_id: str
    shape: Shape
    values: Values

    def request(self) -> Request:
        """An UpdateItem without its table."""
        return {
            "Key": job_key(self.job_id),
            "ConditionExpression": self.shape.condition,
            "UpdateExpression": self.shape.said,
            "ExpressionAttributeNames": self.shape.names,
            "ExpressionAttributeValues": self.values,
        }


def update(job_id: str, condition: str, values: Values, sets: Iterable[str], removes: Iterable[str] = ()) -> Form:
    """The condition, the clauses of SET, the attributes of REMOVE."""
    return Form(job_id, _shape(condition, tuple(sets), tuple(removes)), values)


def rewrite(
    job_id: str, condition: str, values: Values, written: dict[str, Cell | None], sets: tuple[str, ...] = ()
) -> Form:
    """An update that sets what is `written` and removes what is written as None."""
    removed = []
    for name, cell in written.items():
        if cell is None:
            removed.append(name)
        else:
            values[f":new_{name}"] = cell
    return Form(job_id, _rewriting(condition, tuple(written), tuple(removed), sets), values)


@lru_cache(maxsize=256)
def _shape(condition: str, sets: tuple[str, ...], removes: tuple[str, ...]) -> Shape:
    return Shape(condition, sets, removes)


@lru_cache(maxsize=256)
def _rewriting(condition: str, written: tuple[str, ...], removed: tuple[str, ...], sets: tuple[str, ...]) -> Shape:
    kept = [f"{alias(name)} = :new_{name}" for name in written if name not in removed]
    return Shape(condition, (*kept, *sets), removed)


def alias(name: str) -> str:
    """The attribute's name as an expression may say it."""
    return f"#{name}" if name in ALIASED else name
