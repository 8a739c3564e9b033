"""PartiQL, as far as statements of a batch go: UPDATE and INSERT of one item, compiled once for each text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bench.endpoint.dynamodb.cells import Item
from bench.endpoint.dynamodb.expressions import Expression
from bench.endpoint.dynamodb.grammar import Grammar, tokens_of
from bench.endpoint.dynamodb.terms import (
    Term,
    Test,
    attribute,
    comparison_of,
    constant,
    has,
    if_not_exists,
    list_append,
    placeholder,
    size_of,
    sum_of,
)
from bench.endpoint.errors import invalid

PATTERN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<word>[A-Za-z_]\w*)|\"(?P<quoted>[^\"]+)\"|'(?P<string>(?:[^']|'')*)'"
    r"|(?P<mark>\?)|(?P<sign><>|!=|<=|>=|[=<>(),+\-\[\]{}:*]))"
)
CONSTANTS = {"TRUE": {"BOOL": True}, "FALSE": {"BOOL": False}, "NULL": {"NULL": True}}
RETURNING = tuple(f"{what} {when}" for what in ("ALL", "MODIFIED") for when in ("OLD", "NEW"))
ABOUT = "statement"


@dataclass(frozen=True, slots=True)
class Statement:
    """A compiled statement: one that `inserts`, or an update.

    `pins` are the attributes that WHERE compares with = in every case: the key is among them. `returning` is one of
    RETURNING, or empty. `parameters` is how many values it needs.
    """

    table: str
    pins: dict[str, Term]
    expression: Expression
    parameters: int
    inserts: bool = False
    returning: str = ""

    def key(self, names: tuple[str, ...], values: list[Any]) -> Item:
        """The key that the statement is about; refuses one that names none."""
        if not set(names) <= self.pins.keys():
            raise invalid("Where clause does not contain a mandatory equality on all key attributes")
        return {name: self.pins[name]({}, values) or {} for name in names}


@lru_cache(maxsize=512)
def statement_of(text: str) -> Statement:
    """The statement of this text; refuses what does not parse, and statements of other kinds."""
    return _StatementReader(text).statement()


class _StatementReader(Grammar):
    """Reads one statement."""

    def __init__(self, text: str) -> None:
        super().__init__(tokens_of(text, PATTERN, ABOUT), ABOUT)
        self._parameters = 0
        self._pins: dict[str, Term] = {}
        self._column: str | None = None

    def statement(self) -> Statement:
        if self.accepts("UPDATE"):
            return self._update()
        if self.accepts("INSERT", "INTO"):
            return self._insert()
        raise self.refusal()

    def name(self) -> str:
        token = self.take()
        if token.kind not in ("word", "quoted"):
            raise self.refusal()
        return token.text

    def operand(self) -> Term:
        """A value, a constant, an attribute, a function, or a sum of two of these."""
        left = self._part()
        if self.next.text in ("+", "-") and self.next.kind == "sign":
            self._column = None
            return sum_of(left, sign=self.take().text, right=self._part())
        return left

    def comparison(self, left: Term) -> Test:
        column, self._column = self._column, None
        if column is not None and self.accepts("IS"):
            wanted = self.accepts("NOT")
            self.expect("MISSING")
            return has(column, wanted=wanted)
        if self.accepts("!="):
            return comparison_of("<>", left, self.operand())
        if column is not None and self._depth == 0 and self.accepts("="):
            self._pins[column] = self.operand()
            return comparison_of("=", left, self._pins[column])
        return super().comparison(left)

    def _part(self) -> Term:
        token = self.next
        if token.kind == "mark":
            self.take()
            self._parameters += 1
            return placeholder(self._parameters - 1)
        if token.kind == "string":
            return constant({"S": self.take().text.replace("''", "'")})
        if token.kind == "number":
            return constant({"N": self.take().text})
        if token.kind == "word" and token.text.upper() in CONSTANTS:
            return constant(CONSTANTS[self.take().text.upper()])
        return self._function() or self._attribute()

    def _function(self) -> Term | None:
        if self.accepts("IF_NOT_EXISTS", "("):
            name = self.name()
            self.expect(",")
            made = if_not_exists(name, self.operand())
        elif self.accepts("LIST_APPEND", "("):
            left = self.operand()
            self.expect(",")
            made = list_append(left, self.operand())
        elif self.accepts("SIZE", "("):
            made = size_of(attribute(self.name()))
        else:
            return None
        self.expect(")")
        self._column = None
        return made

    def _attribute(self) -> Term:
        self._column = self.name()
        return attribute(self._column)

    def _update(self) -> Statement:
        table, sets, removes = self.name(), dict[str, Term](), dict[str, None]()
        while not self.accepts("WHERE"):
            if self.accepts("SET"):
                self._assign(sets, removes)
                while self.accepts(","):
                    self._assign(sets, removes)
            else:
                self.expect("REMOVE")
                removes[self._fresh(sets, removes)] = None
        test = self.condition()
        if self._loosened:
            self._pins.clear()
        returning = self._returning() if self.accepts("RETURNING") else ""
        self.end()
        return Statement(
            table, self._pins, Expression(test, sets, tuple(removes)), self._parameters, returning=returning
        )

    def _assign(self, sets: dict[str, Term], removes: dict[str, None]) -> None:
        name = self._fresh(sets, removes)
        self.expect("=")
        sets[name] = self.operand()
        self._column = None

    def _fresh(self, sets: dict[str, Term], removes: dict[str, None]) -> str:
        name = self.name()
        if name in sets or name in removes:
            raise invalid(f"Two document paths overlap with each other; path one: [{name}], path two: [{name}]")
        return name

    def _returning(self) -> str:
        for returning in RETURNING:
            if self.accepts(*returning.split(), "*"):
                return returning
        raise self.refusal()

    def _insert(self) -> Statement:
        table, sets = self.name(), dict[str, Term]()
        self.expect("VALUE")
        self.expect("{")
        while not self.accepts("}"):
            if sets:
                self.expect(",")
            if self.next.kind != "string":
                raise self.refusal()
            name = self.take().text
            self.expect(":")
            sets[name] = self.operand()
        self.end()
        return Statement(table, sets, Expression(_is_absent, sets), self._parameters, inserts=True)


def _is_absent(item: Item, _: object) -> bool:
    return not item
