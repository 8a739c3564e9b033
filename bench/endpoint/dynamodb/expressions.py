"""Condition and update expressions, compiled once for each text; strict about names, values and reserved words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from bench.endpoint.dynamodb.cells import Cell, Item
from bench.endpoint.dynamodb.grammar import Grammar, tokens_of
from bench.endpoint.dynamodb.terms import (
    MISSING_OPERAND,
    Term,
    Test,
    Values,
    attribute,
    if_not_exists,
    list_append,
    placeholder,
    size_of,
    sum_of,
)
from bench.endpoint.errors import invalid

PATTERN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z_]\w*)|(?P<alias>#\w+)|(?P<value>:\w+)|(?P<sign><>|<=|>=|[=<>(),+\-.\[\]]))"
)
RESERVED = frozenset(Path(__file__).with_name("reserved.txt").read_text(encoding="ascii").split())
"""Reserved words (DynamoDB developer guide, "Reserved words in DynamoDB")."""
CONDITION, UPDATE = "ConditionExpression", "UpdateExpression"
Names = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled write: the condition, what is set and removed, and the placeholders that it needs."""

    test: Test | None
    sets: Mapping[str, Term]
    removes: Sequence[str] = ()
    values: frozenset[str] = frozenset()
    touched: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "touched", frozenset([*self.sets, *self.removes]))

    def permits(self, item: Item | None, values: Values) -> bool:
        """Whether the condition holds for the item, or for none."""
        return self.test is None or self.test(item or {}, values)

    def apply(self, item: Item, values: Values) -> Item:
        """The item after the update: every term sees it as it was before."""
        after = dict(item)
        for name, term in self.sets.items():
            cell = term(item, values)
            if cell is None:
                raise invalid(MISSING_OPERAND)
            after[name] = cell
        for name in self.removes:
            after.pop(name, None)
        return after

    def shown(self, which: str | None, before: Item | None, after: Item) -> Item | None:
        """What a request wants to see: ALL, UPDATED or MODIFIED, OLD or NEW; None where it wants nothing."""
        if not which:
            return None
        item = after if which.endswith("NEW") else before or {}
        return item if which.startswith("ALL") else {name: item[name] for name in self.touched & item.keys()}


@lru_cache(maxsize=1024)
def expression_of(condition: str | None, update: str | None, names: Names) -> Expression:
    """The expression of these texts; refuses what does not parse and unused names."""
    known, aliases, values = dict(names), set[str](), set[str]()
    test, sets, removes = None, dict[str, Term](), dict[str, None]()
    if condition is not None:
        reader = _ExpressionReader(condition, CONDITION, known, aliases, values)
        test = reader.condition()
        reader.end()
    if update is not None:
        sets, removes = _ExpressionReader(update, UPDATE, known, aliases, values).update()
    if unused := set(known) - aliases:
        raise _check_all_used("ExpressionAttributeNames", unused)
    return Expression(test, sets, tuple(removes), frozenset(values))


def check_values(expression: Expression, values: Mapping[str, Cell]) -> None:
    """Refuses values that are missing or unused."""
    if expression.values == values.keys():
        return
    if missing := expression.values - values.keys():
        raise invalid(f"An expression attribute value used in expression is not defined: {', '.join(sorted(missing))}")
    raise _check_all_used("ExpressionAttributeValues", set(values) - expression.values)


def _check_all_used(field: str, names: set[str]) -> Exception:
    return invalid(f"Value provided in {field} unused in expressions: keys: {{{', '.join(sorted(names))}}}")


class _ExpressionReader(Grammar):
    """Reads one expression and notes which placeholders it uses."""

    def __init__(self, text: str, about: str, names: dict[str, str], aliases: set[str], values: set[str]) -> None:
        if not text.strip():
            raise invalid(f"Invalid {about}: The expression can not be empty;")
        super().__init__(tokens_of(text, PATTERN, about), about)
        self._names = names
        self._aliases = aliases
        self._values = values

    def name(self) -> str:
        token = self.take()
        if token.kind == "alias":
            if token.text not in self._names:
                raise invalid(f"Invalid {self._about}: an expression attribute name is not defined; {token.text}")
            self._aliases.add(token.text)
            name = self._names[token.text]
        elif token.kind == "word":
            if token.text.lower() in RESERVED:
                raise invalid(f"Invalid {self._about}: Attribute name is a reserved keyword; keyword: {token.text}")
            name = token.text
        else:
            raise self.refusal()
        if self.next.text in (".", "["):
            raise invalid(f"Invalid {self._about}: paths below {name} are not known here")
        return name

    def operand(self) -> Term:
        if self.next.kind == "value":
            key = self.take().text
            self._values.add(key)
            return placeholder(key)
        if self.accepts("SIZE", "("):
            term = attribute(self.name())
            self.expect(")")
            return size_of(term)
        return attribute(self.name())

    def update(self) -> tuple[dict[str, Term], dict[str, None]]:
        """The clauses SET and REMOVE, each once, no attribute twice."""
        sets, removes = dict[str, Term](), dict[str, None]()
        while True:
            if not sets and self.accepts("SET"):
                self._several(lambda: self._assignment(sets, removes))
            elif not removes and self.accepts("REMOVE"):
                self._several(lambda: removes.update({self._fresh(sets, removes): None}))
            else:
                self.end()
                return sets, removes

    def _several(self, clause: Callable[[], object]) -> None:
        clause()
        while self.accepts(","):
            clause()

    def _assignment(self, sets: dict[str, Term], removes: dict[str, None]) -> None:
        name = self._fresh(sets, removes)
        self.expect("=")
        sets[name] = self._value()

    def _fresh(self, sets: dict[str, Term], removes: dict[str, None]) -> str:
        name = self.name()
        if name in sets or name in removes:
            raise invalid(
                f"Invalid {self._about}: Two document paths overlap with each other; "
                f"must remove or rewrite one of these paths; path one: [{name}], path two: [{name}]"
            )
        return name

    def _value(self) -> Term:
        left = self._part()
        if self.next.text in ("+", "-"):
            return sum_of(left, sign=self.take().text, right=self._part())
        return left

    def _part(self) -> Term:
        if self.accepts("IF_NOT_EXISTS", "("):
            name = self.name()
            self.expect(",")
            fallback = self._part()
            self.expect(")")
            return if_not_exists(name, fallback)
        if self.accepts("LIST_APPEND", "("):
            left = self._part()
            self.expect(",")
            right = self._part()
            self.expect(")")
            return list_append(left, right)
        return self.operand()
