"""The parts of our expressions in DynamoDB's two languages: conditions, and clauses that set an attribute.

An UpdateItem writes `#status = :running`, a PartiQL statement `"status" = ?`. Each part is made once, at import, with
its words in both; whole expressions are joined from parts and never taken apart again. A part that PartiQL has no words
for is an UpdatePart, and a template for statements refuses it when the template is made.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from cqworker.model.status import Status

RESERVED = frozenset({"status", "token", "type", "result", "day", "release", "unique"})
"""Those of our attribute names that are reserved words in expressions (DynamoDB developer guide, reserved words)."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class UpdatePart:
    """A part as an UpdateItem reads it; `reserved` are the attributes that it names by an alias."""

    expression: str
    reserved: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Part(UpdatePart):
    """A part in both languages. Parts are compared by identity: they are keys of caches.

    `values` are the placeholders of the statement's question marks in their order; `joined_by` is what joins a
    condition's members, where it is made of several.
    """

    statement: str
    values: tuple[str, ...]
    joined_by: Literal["", "AND", "OR"] = ""


def operand(word: str) -> Part:
    """A value's placeholder (`:now`) or an attribute's name."""
    if word.startswith(":"):
        return Part(expression=word, statement="?", values=(word,), reserved=frozenset())
    if word in RESERVED:
        return Part(expression=f"#{word}", statement=f'"{word}"', values=(), reserved=frozenset({word}))
    return Part(expression=word, statement=word, values=(), reserved=frozenset())


def compare(left: str, sign: Literal["=", "<", "<="], right: str) -> Part:
    """A comparison, which no missing attribute fulfils."""
    return _fill(f"{{}} {sign} {{}}", f"{{}} {sign} {{}}", operand(left), operand(right))


def differs(name: str, value: str) -> Part:
    """That the attribute has another value, or none: PartiQL's `<>` alone is not fulfilled where there is none."""
    attribute, other = operand(name), operand(value)
    missing_or_other = f"({attribute.statement} IS MISSING OR {attribute.statement} <> {other.statement})"
    return Part(
        expression=f"{attribute.expression} <> {other.expression}",
        statement=missing_or_other,
        values=other.values,
        reserved=attribute.reserved,
    )


def missing(name: str) -> Part:
    """That there is no such attribute."""
    return _fill("attribute_not_exists({})", "{} IS MISSING", operand(name))


def present(name: str) -> Part:
    """That there is such an attribute."""
    return _fill("attribute_exists({})", "{} IS NOT MISSING", operand(name))


def is_among(name: str, placeholders: Collection[str]) -> Part:
    """That the attribute has one of these values."""
    marks = ", ".join("{}" for _ in placeholders)
    return _fill(f"{{}} IN ({marks})", f"{{}} IN [{marks}]", operand(name), *map(operand, placeholders))


def all_of(*conditions: Part) -> Part:
    """That each of these is fulfilled."""
    return _join("AND", conditions)


def any_of(*conditions: Part) -> Part:
    """That one of these is fulfilled."""
    return _join("OR", conditions)


def set_to(name: str, value: str) -> Part:
    """Sets the attribute."""
    return compare(name, "=", value)


def add_to(name: str, value: str) -> Part:
    """Adds to a number that is there."""
    attribute = operand(name)
    return _fill("{} = {} + {}", "{} = {} + {}", attribute, attribute, operand(value))


def take_from(name: str, value: str) -> Part:
    """Takes from a number that is there."""
    attribute = operand(name)
    return _fill("{} = {} - {}", "{} = {} - {}", attribute, attribute, operand(value))


def append_to(name: str, value: str) -> Part:
    """Appends to a list that is there."""
    attribute = operand(name)
    words = "{} = list_append({}, {})"
    return _fill(words, words, attribute, attribute, operand(value))


def set_if_missing(name: str, value: str) -> UpdatePart:
    """Sets the attribute unless it is there. PartiQL knows no if_not_exists: it makes no items either."""
    return _of_update("{} = if_not_exists({}, {})", name, name, value)


def add_to_or_start(name: str, start: str, value: str) -> UpdatePart:
    """Adds to a number, or to `start` where there is none."""
    return _of_update("{} = if_not_exists({}, {}) + {}", name, name, start, value)


def append_to_or_start(name: str, start: str, value: str) -> UpdatePart:
    """Appends to a list, or to `start` where there is none."""
    return _of_update("{} = list_append(if_not_exists({}, {}), {})", name, name, start, value)


def placeholders_of(statuses: Collection[Status]) -> dict[str, Status]:
    """The placeholder of each of these statuses, in the order in which Status names them."""
    return {f":{status.lower()}": status for status in Status if status in statuses}


def status_is(status: Status) -> Part:
    """That the record has this status."""
    return compare("status", "=", *placeholders_of({status}))


def status_is_among(statuses: Collection[Status]) -> Part:
    """That the record has one of these statuses."""
    return is_among("status", placeholders_of(statuses))


def _fill(expression: str, statement: str, *operands: Part) -> Part:
    return Part(
        expression=expression.format(*[part.expression for part in operands]),
        statement=statement.format(*[part.statement for part in operands]),
        values=tuple(value for part in operands for value in part.values),
        reserved=frozenset().union(*[part.reserved for part in operands]),
    )


def _of_update(expression: str, *words: str) -> UpdatePart:
    filled = _fill(expression, "", *map(operand, words))
    return UpdatePart(expression=filled.expression, reserved=filled.reserved)


def _join(word: Literal["AND", "OR"], conditions: Collection[Part]) -> Part:
    """A member that is itself joined stands in parentheses, unless all of it is joined by AND."""
    within = ["({})" if part.joined_by and not (part.joined_by == word == "AND") else "{}" for part in conditions]
    words = f" {word} ".join(within)
    made = _fill(words, words, *conditions)
    return Part(
        expression=made.expression,
        statement=made.statement,
        values=made.values,
        reserved=made.reserved,
        joined_by=word,
    )
