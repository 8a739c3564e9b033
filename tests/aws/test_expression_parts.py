"""Expressions are joined from parts that have words in both of DynamoDB's languages, or say that they have not."""

from __future__ import annotations

from importlib.util import find_spec, module_from_spec

import pytest

from cqworker.aws.dynamodb import attempt_expressions, expression_parts
from cqworker.aws.dynamodb.conditional_update import Rewrite, StatementTemplate, UpdateTemplate
from cqworker.aws.dynamodb.expression_parts import (
    Part,
    UpdatePart,
    add_to,
    add_to_or_start,
    all_of,
    any_of,
    append_to,
    append_to_or_start,
    compare,
    differs,
    is_among,
    missing,
    set_if_missing,
    set_to,
    take_from,
)

HELD = compare("token", "=", ":token")


@pytest.mark.parametrize(
    ("part", "expression", "statement", "values"),
    [
        (compare("round", "<", ":round"), "round < :round", "round < ?", (":round",)),
        (compare("attempt", "<", "max_attempts"), "attempt < max_attempts", "attempt < max_attempts", ()),
        (differs("token", ":t"), "#token <> :t", '("token" IS MISSING OR "token" <> ?)', (":t",)),
        (missing("token"), "attribute_not_exists(#token)", '"token" IS MISSING', ()),
        (is_among("status", (":a", ":b")), "#status IN (:a, :b)", '"status" IN [?, ?]', (":a", ":b")),
        (set_to("status", ":s"), "#status = :s", '"status" = ?', (":s",)),
        (add_to("attempt", ":one"), "attempt = attempt + :one", "attempt = attempt + ?", (":one",)),
        (take_from("attempt", ":one"), "attempt = attempt - :one", "attempt = attempt - ?", (":one",)),
        (
            append_to("history", ":h"),
            "history = list_append(history, :h)",
            "history = list_append(history, ?)",
            (":h",),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_part_has_words_for_an_update_and_for_a_statement(
    part: Part, expression: str, statement: str, values: tuple[str, ...]
) -> None:
    assert (part.expression, part.statement, part.values) == (expression, statement, values)


def test_conditions_of_another_word_stand_in_parentheses() -> None:
    a, b, c = (compare(name, "=", f":{name}") for name in "abc")
    assert all_of(a, any_of(b, c)).expression == "a = :a AND (b = :b OR c = :c)"
    assert any_of(a, all_of(b, c)).expression == "a = :a OR (b = :b AND c = :c)"
    assert all_of(a, all_of(b, c)).expression == "a = :a AND b = :b AND c = :c"
    assert any_of(a, any_of(b, c)).expression == "a = :a OR (b = :b OR c = :c)"


def test_a_statement_names_its_values_in_the_order_of_its_question_marks() -> None:
    template = StatementTemplate(
        all_of(HELD, differs("round", ":round")),
        (set_to("result", ":new"), add_to("attempt", ":one")),
        ("failure", "day"),
    )
    assert template.clauses == (
        'SET "result" = ? SET attempt = attempt + ? REMOVE failure REMOVE "day" WHERE pk = ? AND sk = ?'
        ' AND ("token" = ? AND (round IS MISSING OR round <> ?)) RETURNING ALL NEW *'
    )
    assert template.values == (":new", ":one", ":pk", ":sk", ":token", ":round")


def test_an_update_names_the_aliases_that_it_uses_and_no_others() -> None:
    template = UpdateTemplate(HELD, (set_to("status", ":s"), set_to("round", ":r")), ("result", "failure"))
    assert template.update == "SET #status = :s, round = :r REMOVE #result, failure"
    assert template.names == {"#result": "result", "#status": "status", "#token": "token"}


@pytest.mark.parametrize(
    "part",
    [
        set_if_missing("attempt", ":zero"),
        add_to_or_start("attempt", ":zero", ":one"),
        append_to_or_start("history", ":history", ":entry"),
    ],
    ids=lambda part: str(part.expression),
)
def test_what_partiql_has_no_words_for_is_refused_when_a_template_is_made(part: UpdatePart) -> None:
    with pytest.raises(NotImplementedError, match="if_not_exists"):
        StatementTemplate(HELD, (part,))  # type: ignore[arg-type]  # as mypy says, too
    with pytest.raises(NotImplementedError, match="if_not_exists"):
        Rewrite(HELD, part)  # type: ignore[arg-type]


@pytest.mark.parametrize("maker", ["add_to", "append_to", "take_from"])
def test_a_shared_change_without_words_for_a_batch_stops_the_import(
    maker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So no daemon starts and finds out write by write."""
    monkeypatch.setattr(expression_parts, maker, set_if_missing)
    spec = find_spec(attempt_expressions.__name__)
    assert spec is not None
    assert spec.loader is not None
    with pytest.raises(NotImplementedError, match="if_not_exists"):
        spec.loader.exec_module(module_from_spec(spec))
