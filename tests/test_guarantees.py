"""What docs/guarantees.md cites is there: its paths, its commands, its chaos runs, and its count of mutants, if any."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.chaos.programme import RUNS
from tests.simulation.mutants import MUTANTS

ROOT = Path(__file__).parents[1]
PAGE = ROOT.joinpath("docs", "guarantees.md").read_text(encoding="utf-8")
CITED = re.findall(r"`([^`]+)`", PAGE)
PATHS = sorted({word for cited in CITED for word in cited.split() if re.fullmatch(r"[\w.-]+(/[\w.-]+)+/?", word)})
COMMANDS = sorted({cited for cited in CITED if cited.startswith(("make ", "python ", "pytest "))})
LETTERS = sorted({letter for command in COMMANDS if "tests.chaos" in command for letter in command.split()[3:]})
UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen".split()
UNITS += "fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


def number(word: str) -> int | None:
    """What a word counts, in figures or spelt out below a hundred; None for another word."""
    if word.isdecimal():
        return int(word)
    ten, _, unit = word.lower().partition("-")
    if ten in TENS:
        return 20 + 10 * TENS.index(ten) + (UNITS.index(unit) if unit in UNITS else 0)
    return UNITS.index(ten) if ten in UNITS and not unit else None


def test_the_page_cites_something_of_each_kind() -> None:
    assert PATHS
    assert COMMANDS
    assert LETTERS


@pytest.mark.parametrize("path", PATHS)
def test_every_path_on_the_page_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_on_the_page_is_one(command: str) -> None:
    program, *words = command.split()
    if program == "make":
        assert re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    elif program == "pytest":
        assert set(words) <= set(PATHS)
    else:
        assert words[0] == "-m"
        assert find_spec(f"{words[1]}.__main__") is not None


def test_no_test_that_the_page_cites_is_left_out_of_make_test() -> None:
    cited = [ROOT / word for command in COMMANDS if command.startswith("pytest ") for word in command.split()[1:]]
    files = [file for path in cited for file in (path.rglob("test_*.py") if path.is_dir() else [path])]
    assert [file for file in files if "mark.processes" in file.read_text(encoding="utf-8")] == []


def test_every_promise_has_a_command_that_shows_it() -> None:
    rows = [line.split(" | ") for line in PAGE.splitlines() if line.startswith("| ") and "promise | rests" not in line]
    assert len(rows) >= 13
    for row in rows:
        assert len(row) == 3, row
        assert any(command in row[2] for command in COMMANDS), row


@pytest.mark.parametrize("letter", LETTERS)
def test_every_chaos_run_on_the_page_is_in_the_programme(letter: str) -> None:
    assert letter in RUNS


def test_the_mutants_are_as_many_as_the_page_says_if_it_says() -> None:
    said = [number(word) for word in re.findall(r"([\w-]+)\s+(?:protocols|mutants)\b", PAGE)]
    assert {count for count in said if count is not None} <= {len(MUTANTS)}


@pytest.mark.parametrize(
    ("word", "count"), [("21", 21), ("twenty-one", 21), ("Thirty", 30), ("seven", 7), ("its", None)]
)
def test_numbers_are_read_as_the_page_might_write_them(word: str, count: int | None) -> None:
    assert number(word) == count
