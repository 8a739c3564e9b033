"""What expressions are made of, as closures over an item and the values of one request."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from bench.endpoint.dynamodb.cells import Cell, Item, equal, in_order, kind_of, number_cell, number_of
from bench.endpoint.errors import invalid

Values = Any
"""The request's values: a table by placeholder in expressions, a list by position in PartiQL."""
Term = Callable[[Item, Values], Cell | None]
Test = Callable[[Item, Values], bool]

MISSING_OPERAND = "The provided expression refers to an attribute that does not exist in the item"
WRONG_OPERAND = "An operand in the update expression has an incorrect data type"


def attribute(name: str) -> Term:
    """The item's attribute, None where it has none."""
    return lambda item, _: item.get(name)


def placeholder(key: str | int) -> Term:
    """A value of the request."""
    return lambda _, values: values[key]


def constant(cell: Cell) -> Term:
    """A value written into the text."""
    return lambda _, __: cell


def size_of(term: Term) -> Term:
    """How long a string or list is."""

    def size(item: Item, values: Values) -> Cell | None:
        cell = term(item, values)
        return None if cell is None else {"N": str(len(cell[kind_of(cell)]))}

    return size


def sum_of(left: Term, right: Term, sign: str) -> Term:
    """Left plus or minus right, both of which must be numbers."""
    combine = operator.add if sign == "+" else operator.sub

    def total(item: Item, values: Values) -> Cell:
        one, other = _present(left(item, values)), _present(right(item, values))
        if "N" not in one or "N" not in other:
            raise invalid(WRONG_OPERAND)
        return number_cell(combine(number_of(one["N"]), number_of(other["N"])))

    return total


def if_not_exists(name: str, fallback: Term) -> Term:
    """The attribute where there is one, else the fallback."""

    def chosen(item: Item, values: Values) -> Cell | None:
        there = item.get(name)
        return fallback(item, values) if there is None else there

    return chosen


def list_append(left: Term, right: Term) -> Term:
    """Both lists as one."""

    def concatenate(item: Item, values: Values) -> Cell:
        one, other = _present(left(item, values)), _present(right(item, values))
        if "L" not in one or "L" not in other:
            raise invalid(WRONG_OPERAND)
        return {"L": [*one["L"], *other["L"]]}

    return concatenate


def _present(cell: Cell | None) -> Cell:
    if cell is None:
        raise invalid(MISSING_OPERAND)
    return cell


ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
COMPARISONS = ("=", "<>", *ORDERS)


def comparison_of(sign: str, left: Term, right: Term) -> Test:
    """A comparison; with what is absent only <> holds."""
    if sign == "=":
        return lambda item, values: equal(left(item, values), right(item, values))
    if sign == "<>":
        return lambda item, values: not equal(left(item, values), right(item, values))
    holds = ORDERS[sign]
    return lambda item, values: in_order(left(item, values), right(item, values), holds)


def among(term: Term, others: Sequence[Term]) -> Test:
    """Whether one of the others is equal."""

    def found(item: Item, values: Values) -> bool:
        cell = term(item, values)
        for other in others:  # noqa: SIM110 - half the time of any() with a generator
            if equal(cell, other(item, values)):
                return True
        return False

    return found


def between(term: Term, low: Term, high: Term) -> Test:
    """Whether it lies between the two, these included."""
    return all_of((comparison_of(">=", term, low), comparison_of("<=", term, high)))


def has(name: str, *, wanted: bool) -> Test:
    """Whether the item has the attribute, or has it not."""
    return lambda item, _: (name in item) is wanted


def begins_with(term: Term, start: Term) -> Test:
    """Whether a string begins with another."""

    def holds(item: Item, values: Values) -> bool:
        cell, beginning = term(item, values), start(item, values)
        return cell is not None and beginning is not None and "S" in cell and cell["S"].startswith(beginning["S"])

    return holds


def all_of(tests: Sequence[Test]) -> Test:
    """AND."""
    return reduce(_both, tests)


def any_of(tests: Sequence[Test]) -> Test:
    """OR."""
    return reduce(_either, tests)


def _both(one: Test, other: Test) -> Test:
    return lambda item, values: one(item, values) and other(item, values)


def _either(one: Test, other: Test) -> Test:
    return lambda item, values: one(item, values) or other(item, values)


def negation_of(test: Test) -> Test:
    """NOT."""
    return lambda item, values: not test(item, values)
