"""A table of a page has a word in every cell, and one row for each thing."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.rails.pages import ROOT
from tests.rails.test_pages_cite import PAGES

MAY_BE_EMPTY = {"scope", "labels"}
"""Columns in which nothing means none; tests/web and tests/observe hold what stands there."""


def tables_of(text: str) -> Iterator[list[list[str]]]:
    """The tables of a page as rows of cells, the head first, without the line below it."""
    for table in re.findall(r"(?m)(?:^\|.*\n)+", text):
        rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in table.splitlines()]
        yield [rows[0], *rows[2:]]


def faults_of(text: str) -> list[str]:
    """The rows that say too little or twice the same."""
    faults = []
    for head, *rows in tables_of(text):
        for row in rows:
            empty = [name for name, cell in zip(head, row, strict=False) if not cell and name not in MAY_BE_EMPTY]
            if empty or len(row) != len(head) or [other[0] for other in rows].count(row[0]) > 1:
                faults.append(" | ".join(row))
    return faults


@pytest.mark.parametrize("page", PAGES)
def test_no_row_of_a_table_lacks_a_word_or_comes_twice(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert faults_of(re.sub(r"(?ms)^```.*?^```", "", text)) == []


@pytest.mark.parametrize("row", ["| `b` | |", "| | c |", "| `b` |", "| `a` | again |"])
def test_a_row_that_says_too_little_or_comes_twice_is_found(row: str) -> None:
    found = faults_of(f"| what | meaning |\n|---|---|\n| `a` | something |\n{row}\n")
    assert row.strip("| ") in " ".join(found)


def test_there_are_tables_of_calls_metrics_and_settings() -> None:
    for page, least in (("http.md", 4), ("observability.md", 3), ("configuration.md", 10)):
        assert len(list(tables_of((ROOT / "docs" / page).read_text(encoding="utf-8")))) >= least
