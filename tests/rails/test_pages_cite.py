"""What the pages cite is there: their files, their commands and their options, their links to each other."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from cqworker.cli.program import program
from tests.rails.pages import ROOT

PAGES = tuple(sorted(str(page.relative_to(ROOT)) for page in [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("[CRS]*.md")]))
HISTORY = "CHANGELOG.md"
"""Tells of what was; only its links have to lead somewhere."""
FOLDERS = (ROOT, ROOT / "cqworker")
"""Where a cited path may begin."""
TOP = {path.name for folder in FOLDERS for path in folder.iterdir() if path.is_dir()} - {".venv"}
SUFFIXES = (".py", ".toml", ".md", ".lock", ".service")
PROGRAMS = ("make", "cqworker", "python", "pytest")
THEIRS = {"cqworker.toml", "pyproject.toml", "acme_handlers.py"}
"""Files of whoever reads."""


def prose_of(page: str) -> str:
    return re.sub(r"(?ms)^```.*?^```", "", (ROOT / page).read_text(encoding="utf-8"))


def spans_of(page: str) -> list[str]:
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", prose_of(page))


def shell_of(page: str) -> Iterator[str]:
    """What a reader would type: the lines of shell blocks, and those after a prompt."""
    for language, block in re.findall(r"(?ms)^```(\w*)\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8")):
        for line in block.splitlines():
            if language in ("sh", "bash") or (language == "console" and line.startswith("$ ")):
                yield line.removeprefix("$ ").removeprefix(".venv/bin/")


def paths_of(page: str) -> set[str]:
    """The words in backticks that are paths of this repository, or look like one of its files."""
    words = {word.partition("=")[2] or word for span in spans_of(page) for word in span.split()}
    plain = {word for word in words if re.fullmatch(r"\.?\w[\w.-]*(/[\w.-]+)*/?", word)}
    return {
        word
        for word in plain
        if (word.split("/")[0] in TOP and "/" in word) or (word.endswith(SUFFIXES) and word not in THEIRS)
    }


def commands_of(page: str) -> set[str]:
    """The commands that are cited; what stands for a value of the reader's, such as `FILE` or `…`, is no matter."""
    said = [*spans_of(page), *shell_of(page)]
    return {re.split(r" #|[;|&]| > ", words)[0].strip() for words in said if words.split(" ")[0] in PROGRAMS}


CITED = [(page, path) for page in PAGES if page != HISTORY for path in sorted(paths_of(page))]
COMMANDS = [(page, command) for page in PAGES if page != HISTORY for command in sorted(commands_of(page))]


def test_pages_cite_files_and_commands_of_every_kind() -> None:
    assert len(CITED) > 100
    assert {command.split()[0] for _, command in COMMANDS} == set(PROGRAMS)


@pytest.mark.parametrize(("page", "path"), CITED)
def test_every_path_that_a_page_cites_is_there(page: str, path: str) -> None:
    assert any((folder / path).exists() for folder in (*FOLDERS, (ROOT / page).parent)), f"{page} cites {path}"


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_every_command_that_a_page_cites_is_one(page: str, command: str) -> None:
    words = shlex.split(command)
    match words[0]:
        case "make":
            targets = [word for word in words[1:] if "=" not in word and word != "…"]
            makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
            assert [name for name in targets if not re.search(rf"(?m)^{re.escape(name)}:", makefile)] == [], page
        case "python" if words[1] == "-m":
            assert is_runnable(words[2]), f"{page}: python -m {words[2]}"
        case "pytest":
            assert [word for word in words[1:] if not (ROOT / word).exists()] == [], page
        case "cqworker":
            assert unknown_to_the_program(words[1:]) == [], page
        case _:
            assert words[:2] == ["python", "-P"], page  # how children are started


def is_runnable(module: str) -> bool:
    """Whether `python -m` finds a module, or a package that can be run."""
    found = find_spec(module)
    package = found is not None and found.submodule_search_locations is not None
    return found is not None and (not package or find_spec(f"{module}.__main__") is not None)


def unknown_to_the_program(words: list[str]) -> list[str]:
    """The names of commands and options that the command line does not have; `a|b` names both."""
    context = click.Context(program)
    commands: list[click.Command] = [program]
    unknown = []
    for word in words:
        options = {name for command in commands for one in command.params for name in (*one.opts, *one.secondary_opts)}
        groups = [command for command in commands if isinstance(command, click.Group)]
        if word.startswith("-"):
            unknown += [] if word.split("=")[0] in {*options, "--help", "--version"} else [word]
        elif groups and re.fullmatch(r"[a-z|-]+", word):
            found = {name: group.get_command(context, name) for group in groups for name in word.split("|")}
            unknown += [name for name, command in found.items() if command is None]
            commands = [command for command in found.values() if command is not None]
    return unknown


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_to_a_file_and_to_a_heading_in_it(page: str) -> None:
    wrong = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose_of(page)):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, heading = link.partition("#")
        goal = (ROOT / page).parent / file if file else ROOT / page
        if not goal.exists() or (heading and heading not in headings_of(goal)):
            wrong.append(link)
    assert wrong == []


def headings_of(page: Path) -> set[str]:
    """The anchors of a page's headings, as forges and the site make them."""
    titles = re.findall(r"(?m)^#+ (.+)$", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize(
    ("words", "unknown"),
    [
        (["jobs", "show|retry|cancel", "ID"], []),
        (["jobs", "shew", "ID"], ["shew"]),
        (["bench", "--jobs", "5", "--jbos"], ["--jbos"]),
        (["--config", "a.toml"], ["--config"]),
    ],
)
def test_a_command_or_option_that_is_none_is_found(words: list[str], unknown: list[str]) -> None:
    assert unknown_to_the_program(words) == unknown


def test_a_heading_s_anchor_is_what_a_forge_makes_of_it(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Under `systemd`\n\ntext\n\n## A status, a field: how?\n")
    assert headings_of(page) == {"under-systemd", "a-status-a-field-how"}
