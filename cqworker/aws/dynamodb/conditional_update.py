"""A change of one job as a conditional write: the words, made once of parts, and the values of one write."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any

from msgspec import Struct

from cqworker.aws.dynamodb.expression_parts import Part, UpdatePart, operand, set_if_missing, set_to
from cqworker.aws.dynamodb.items import Cell, item_of, job_key
from cqworker.model.envelope import Envelope
from cqworker.model.record import record_from

Values = dict[str, Cell]
Request = dict[str, Any]


class UpdateTemplate:
    """The words of an UpdateItem without its values: there are a few of each kind, and each is made once."""

    __slots__ = ("condition", "names", "update")

    def __init__(self, condition: Part, sets: Iterable[UpdatePart], removes: Iterable[str] = ()) -> None:
        sets, removed = tuple(sets), tuple(map(operand, removes))
        self.condition: str = condition.expression
        self.update: str = "SET " + ", ".join([part.expression for part in sets])
        if removed:
            self.update += " REMOVE " + ", ".join([part.expression for part in removed])
        reserved = frozenset[str]().union(*[part.reserved for part in (condition, *sets, *removed)])
        self.names: dict[str, str] = {f"#{name}": name for name in sorted(reserved)}


class StatementTemplate(UpdateTemplate):
    """The words of a change that can be an UpdateItem and a statement of PartiQL.

    `clauses` is what follows the table's name, `values` names the value of each question mark in it. Raises
    NotImplementedError where PartiQL has no words for a part.
    """

    __slots__ = ("clauses", "values")

    def __init__(self, condition: Part, sets: Iterable[Part], removes: Iterable[str] = ()) -> None:
        sets, removes = check_wordable(sets), tuple(removes)
        super().__init__(condition, sets, removes)
        changes = [f"SET {part.statement}" for part in sets]
        changes += [f"REMOVE {operand(name).statement}" for name in removes]
        where = f"WHERE pk = ? AND sk = ? AND ({condition.statement})"
        self.clauses: str = f"{' '.join(changes)} {where} RETURNING ALL NEW *"
        self.values: tuple[str, ...] = (
            *[value for part in sets for value in part.values],
            ":pk",
            ":sk",
            *condition.values,
        )


def check_wordable(parts: Iterable[UpdatePart]) -> tuple[Part, ...]:
    """The parts; raises NotImplementedError for one that PartiQL has no words for."""
    wordable: list[Part] = []
    for part in parts:
        if not isinstance(part, Part):
            raise NotImplementedError(f"PartiQL has no words for `{part.expression}`: let it be a single write")
        wordable.append(part)
    return tuple(wordable)


class ConditionalUpdate(Struct, frozen=True):
    """A change of one job: the template, and the value of each of its placeholders."""

    job_id: str
    template: UpdateTemplate
    values: Values

    def request(self) -> Request:
        """An UpdateItem without its table."""
        return {
            "Key": job_key(self.job_id),
            "ConditionExpression": self.template.condition,
            "UpdateExpression": self.template.update,
            "ExpressionAttributeNames": self.template.names,
            "ExpressionAttributeValues": self.values,
        }


class BatchableUpdate(ConditionalUpdate, frozen=True):
    """A change of one job that can be a statement of a batch, too."""

    template: StatementTemplate


class Rewrite:
    """Updates under one condition that set or remove attributes as each of them needs it, and do `sets` besides.

    Raises NotImplementedError, when it is made, where PartiQL has no words for one of `sets`.
    """

    def __init__(self, condition: Part, *sets: Part) -> None:
        self._condition = condition
        self._sets = check_wordable(sets)

    def update(self, job_id: str, values: Values, written: dict[str, Cell | None]) -> BatchableUpdate:
        """Sets what is `written`, removes what is written as None; `values` takes up the values that are written."""
        removed = []
        for name, cell in written.items():
            if cell is None:
                removed.append(name)
            else:
                values[f":new_{name}"] = cell
        return BatchableUpdate(job_id, _rewrite_template(self, tuple(written), tuple(removed)), values)

    def template(self, written: Iterable[str], removed: Collection[str]) -> StatementTemplate:
        """The template of an update that writes these attributes, of which it removes some."""
        kept = [set_to(name, f":new_{name}") for name in written if name not in removed]
        return StatementTemplate(self._condition, (*kept, *self._sets), removed)


@lru_cache(maxsize=256)
def _rewrite_template(rewrite: Rewrite, written: tuple[str, ...], removed: tuple[str, ...]) -> StatementTemplate:
    return rewrite.template(written, removed)


def update(
    job_id: str, condition: Part, values: Values, sets: tuple[UpdatePart, ...], removes: tuple[str, ...] = ()
) -> ConditionalUpdate:
    """An UpdateItem that need not be a statement: the condition, the clauses of SET, the attributes of REMOVE."""
    return ConditionalUpdate(job_id, _update_template(condition, sets, removes), values)


@lru_cache(maxsize=256)
def _update_template(condition: Part, sets: tuple[UpdatePart, ...], removes: tuple[str, ...]) -> UpdateTemplate:
    return UpdateTemplate(condition, sets, removes)


def record_from_message(
    envelope: Envelope, purge_at: int, trace_id: str | None
) -> tuple[tuple[UpdatePart, ...], Values]:
    """The clauses that make an absent record from its message, and leave alone what one has."""
    item = item_of(record_from(envelope, purge_at, trace_id))
    history = item.pop("history")
    for name in ("pk", "sk", "status", "round", "attempt", "purge_at"):
        del item[name]
    return _set_unless_there(tuple(item)), {":history": history, **{f":{name}": cell for name, cell in item.items()}}


@lru_cache(maxsize=64)
def _set_unless_there(names: tuple[str, ...]) -> tuple[UpdatePart, ...]:
    return tuple(set_if_missing(name, f":{name}") for name in names)
