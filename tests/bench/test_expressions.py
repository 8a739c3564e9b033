"""Conditions and updates do what the developer guide says, and what they do not know they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from bench.endpoint.dynamodb.expressions import check_values, expression_of
from bench.endpoint.errors import Refusal

ITEM: dict[str, Any] = {
    "pk": {"S": "job#1"},
    "status": {"S": "RUNNING"},
    "attempt": {"N": "2"},
    "lease": {"N": "1000"},
    "history": {"L": [{"S": "a"}]},
}
VALUES: dict[str, Any] = {
    ":one": {"N": "1"},
    ":two": {"N": "2.0"},
    ":ten": {"N": "10"},
    ":running": {"S": "RUNNING"},
    ":queued": {"S": "QUEUED"},
    ":list": {"L": [{"S": "b"}]},
}
NAMES = (("#s", "status"),)


def named(*texts: str) -> tuple[tuple[str, str], ...]:
    return NAMES if any("#s" in text for text in texts) else ()


def holds(condition: str, item: dict[str, Any] | None) -> bool:
    return expression_of(condition, None, named(condition)).permits(item, VALUES)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("attempt = :two", True),
        ("attempt <> :two", False),
        ("attempt < :ten", True),
        ("attempt >= :ten", False),
        ("attempt BETWEEN :one AND :ten", True),
        ("attempt = :running", False),
        ("attempt < :running", False),
        ("#s IN (:queued, :running)", True),
        ("#s IN (:queued)", False),
        ("begins_with(pk, :running)", False),
        ("size(history) = :one", True),
        ("absent = :one", False),
        ("absent <> :one", True),
        ("absent < :one", False),
        ("attribute_exists(lease)", True),
        ("attribute_not_exists(lease)", False),
        ("NOT attribute_exists(lease)", False),
        ("attribute_exists(absent) OR attempt = :two AND lease > :ten", True),
        ("(attribute_exists(absent) OR attempt = :two) AND lease < :ten", False),
        ("NOT (attempt = :two AND lease < :ten)", True),
    ],
)
def test_a_condition_holds_or_not(condition: str, expected: bool) -> None:
    assert holds(condition, ITEM) is expected


def test_nothing_but_absence_holds_for_an_item_that_is_not_there() -> None:
    assert holds("attribute_not_exists(pk)", None)
    assert not holds("attempt = :two", None)


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        ("SET attempt = attempt + :one", {"attempt": {"N": "3"}}),
        ("SET attempt = attempt - :two", {"attempt": {"N": "0"}}),
        ("SET attempt = if_not_exists(absent, :ten) + :one", {"attempt": {"N": "11"}}),
        ("SET attempt = if_not_exists(attempt, :ten)", {"attempt": {"N": "2"}}),
        ("SET history = list_append(history, :list)", {"history": {"L": [{"S": "a"}, {"S": "b"}]}}),
        ("SET fresh = list_append(if_not_exists(fresh, :list), :list)", {"fresh": {"L": [{"S": "b"}, {"S": "b"}]}}),
        ("SET #s = :queued, lease = attempt", {"status": {"S": "QUEUED"}, "lease": {"N": "2"}}),
        ("SET attempt = lease, lease = attempt", {"attempt": {"N": "1000"}, "lease": {"N": "2"}}),
        ("SET #s = :queued REMOVE lease, absent", {"status": {"S": "QUEUED"}, "lease": None}),
    ],
)
def test_an_update_changes_what_it_names(update: str, expected: dict[str, Any]) -> None:
    after = expression_of(None, update, named(update)).apply(ITEM, VALUES)
    assert after == {name: cell for name, cell in {**ITEM, **expected}.items() if cell is not None}


@pytest.mark.parametrize(
    ("condition", "update", "words"),
    [
        ("status = :one", None, "reserved keyword"),
        (None, "SET token = :one", "reserved keyword"),
        (None, "SET a = :one, a = :two", "overlap"),
        (None, "SET a = :one REMOVE a", "overlap"),
        (None, "SET a.b = :one", "below a are not known"),
        (None, "SET a = history[0]", "Syntax error"),
        (None, "ADD attempt :one", "Syntax error"),
        ("attempt = ", None, "Syntax error"),
        ("attempt == :one", None, "Syntax error"),
        ("attempt = :one extra", None, "Syntax error"),
        ("attribute_type(attempt, :one)", None, "Syntax error"),
        ("#other = :one", None, "not defined; #other"),
        ("", None, "can not be empty"),
    ],
)
def test_what_is_not_known_is_refused(condition: str | None, update: str | None, words: str) -> None:
    with pytest.raises(Refusal, match=words):
        expression_of(condition, update, ())


def test_a_name_that_nobody_uses_is_refused() -> None:
    with pytest.raises(Refusal, match=r"ExpressionAttributeNames unused.*#s"):
        expression_of("attempt = :one", None, NAMES)


def test_a_value_that_nobody_uses_or_nobody_gave_is_refused() -> None:
    program = expression_of("attempt = :one", None, ())
    with pytest.raises(Refusal, match=r"ExpressionAttributeValues unused.*:two"):
        check_values(program, {":one": {"N": "1"}, ":two": {"N": "2"}})
    with pytest.raises(Refusal, match="not defined: :one"):
        check_values(program, {})


@pytest.mark.parametrize("update", ["SET a = absent", "SET a = absent + :one", "SET a = list_append(absent, :list)"])
def test_an_attribute_that_is_not_there_has_no_value(update: str) -> None:
    with pytest.raises(Refusal, match="does not exist in the item"):
        expression_of(None, update, ()).apply(ITEM, VALUES)
