"""The job types as they are listed."""

from __future__ import annotations

import io
import sys

import pytest

from cqworker.cli.text_table import print_table
from tests.cli.running import invoke, told


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_every_installed_type_is_listed_with_its_limits_and_where_it_comes_from() -> None:
    result = invoke("handlers", "list")
    assert result.exit_code == 0
    head, *rows = result.stdout.splitlines()
    assert head.split() == "TYPE FROM ORIGIN EXECUTOR TIMEOUT ATTEMPTS QUEUE DESCRIPTION".split()
    (row,) = [row for row in rows if row.startswith("text.transform")]
    assert " cqworker_handlers.text:transform " in row
    assert " 10 s " in row
    assert " cqworker " in row


def test_overrides_of_the_operator_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CQWORKER_HANDLERS__TYPES", '{"text.transform": {"timeout": 3, "queue": "b"}}')
    monkeypatch.setenv("CQWORKER_QUEUES", '[{"name": "a"}, {"name": "b"}]')
    listed = {handler["type"]: handler for handler in told(invoke("handlers", "list", "--json"))["handlers"]}
    assert (listed["text.transform"]["timeout"], listed["text.transform"]["queue"]) == (3, "b")
    assert listed["image.grayscale"]["queue"] == "a"
    assert listed["image.grayscale"]["unique"] is None
    assert listed["text.transform"]["payload_schema"]["properties"]["text"]["type"] == "string"


def test_what_cannot_be_used_is_listed_with_cause_and_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CQWORKER_HANDLERS__TYPES", '{"text.tranform": {"timeout": 3}}')
    result = invoke("handlers", "list")
    assert result.exit_code == 0
    assert "BROKEN text.tranform" in result.stdout
    assert "Did you mean text.transform?" in result.stdout
    assert told(invoke("handlers", "list", "--json"))["broken"][0]["type"] == "text.tranform"
    assert invoke("handlers", "list", "--strict").exit_code == 1


def test_strict_is_content_where_nothing_is_broken() -> None:
    assert invoke("handlers", "list", "--strict").exit_code == 0


def test_no_type_at_all_is_told_with_the_way_to_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CQWORKER_HANDLERS__ENABLED", "[]")
    assert "entry point in cqworker.handlers" in invoke("handlers", "list").stdout


def test_a_terminal_gets_a_drawn_table(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "60")
    print_table(["A", "B"], [["[red]x[/red]", "1"], ["y", "2"]])
    assert "[red]x[/red]" in terminal.getvalue()
    assert "─" in terminal.getvalue()
