"""What helps contributors keeps up with the project: hooks, editors, forms, pages, what `git blame` looks through."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = ("mypy", "lint-imports", "python", "ruff")
BINARY = frozenset({".jpg"})
FORMS = ("bug.yml", "feature.yml")


def run(*command: str, folder: Path = ROOT, **variables: str) -> str:
    foreign = ("GIT_", "MAKE", "MFLAGS", "PYTHON", "UV")
    own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    done = subprocess.run(command, cwd=folder, env={**own, **variables}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def make_environment(folder: Path) -> Path:
    """An environment in `folder` whose programs do nothing but write down how they were called; the file they write."""
    programs, notes = folder / ".venv" / "bin", folder / ".venv" / "notes"
    programs.mkdir(parents=True)
    for name in PROGRAMS:
        (programs / name).write_text(f'#!/bin/sh\necho ".venv/bin/{name} $*" >>"{notes}"\n')
        (programs / name).chmod(0o755)
    return notes


def call_of(line: str) -> str:
    """A call without the files it is about, and without whether it writes or only looks."""
    return re.sub(r" (\.|\S+\.py|--check|--force-exclude)(?= |$)", "", line.strip())


def test_the_hooks_call_what_make_check_calls(tmp_path: Path) -> None:
    for name in ("Makefile", ".pre-commit-config.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "changed.py").touch()
    run("git", "init", "--quiet", folder=tmp_path)
    run("git", "add", "changed.py", ".pre-commit-config.yaml", folder=tmp_path)
    notes = make_environment(tmp_path)
    run(sys.executable, "-m", "pre_commit", "run", "--all-files", folder=tmp_path, PRE_COMMIT_HOME=str(tmp_path / "x"))
    called = {call_of(line) for line in notes.read_text().splitlines()}
    notes.unlink()
    run("make", "--old-file=.venv/.installed", "check", folder=tmp_path)
    assert called == {call_of(line) for line in notes.read_text().splitlines()}
    assert {line.split()[0].rpartition("/")[2] for line in called} == set(PROGRAMS)


def list_tracked_files() -> list[Path]:
    names = run("git", "ls-files", "-z").split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def test_every_file_is_as_editors_are_told_to_leave_it() -> None:
    config = ConfigParser()
    config.read_string("[top]\n" + (ROOT / ".editorconfig").read_text(encoding="utf-8"))
    everywhere = config["*"]
    assert (everywhere["end_of_line"], everywhere["charset"]) == ("lf", "utf-8")
    assert (everywhere["insert_final_newline"], everywhere["trim_trailing_whitespace"]) == ("true", "true")
    texts = {file: file.read_bytes() for file in list_tracked_files() if file.suffix not in BINARY}
    odd = [file for file, text in texts.items() if re.search(rb"[ \t\r]\n|[ \t]\Z|[^\n]\Z", text)]
    assert odd == []
    assert [file for file, text in texts.items() if text != text.decode("utf-8").encode()] == []


def test_only_those_files_are_indented_with_tabs_of_which_editors_are_run() -> None:
    text = (ROOT / ".editorconfig").read_text(encoding="utf-8")
    [globs] = re.findall(r"(?m)^\[\{([^}]*)\}\]\nindent_style = tab$", text)
    patterns = globs.split(",")
    tabbed = [
        file for file in list_tracked_files() if file.suffix not in BINARY and re.search(rb"(?m)^\t", file.read_bytes())
    ]
    assert [file for file in tabbed if not any(file.match(pattern) for pattern in patterns)] == []
    assert ROOT / "Makefile" in tabbed


def test_git_blame_looks_through_commits_that_are_there() -> None:
    names = re.findall(r"(?m)^([0-9a-f]{40})$", (ROOT / ".git-blame-ignore-revs").read_text(encoding="utf-8"))
    assert names
    if run("git", "rev-parse", "--is-shallow-repository").strip() == "true":
        pytest.skip("a shallow clone has not all commits")
    for name in names:
        run("git", "merge-base", "--is-ancestor", name, "HEAD")


@pytest.mark.parametrize("form", FORMS)
def test_what_a_form_asks_a_reporter_to_run_is_there(form: str) -> None:
    text = (ROOT / ".github" / "ISSUE_TEMPLATE" / form).read_text(encoding="utf-8")
    assert "required: true" in text
    for words in re.findall(r"`cqworker ([a-z ]+)[`A-Z]", text):
        run(sys.executable, "-m", "cqworker", *words.split(), "--help")


def test_what_a_pull_request_is_asked_for_is_there() -> None:
    text = (ROOT / ".github" / "pull_request_template.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    assert {word for call in re.findall(r"`make ([^`]+)`", text) for word in call.split()} <= targets
    files = re.findall(r"[\w.-]+/[\w/.-]+\w|[A-Z]+\.md", text)
    assert len(files) > 3
    assert [file for file in files if not (ROOT / file).exists()] == []


def test_security_md_names_no_address_that_nobody_reads() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert "private vulnerability reporting" in text
    assert re.findall(r"\S+@\S+|https?://\S+", text) == []
