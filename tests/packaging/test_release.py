"""`make release` makes what anybody can build again, publishes nothing, and changes nothing where it refuses."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes
ROOT = Path(__file__).parents[2]
TAKEN = ("Makefile", ".gitignore", "pyproject.toml", "tools")
CHANGELOG = """# Changelog

## Unreleased

### Added
- A thing that was not there.

## 97.0.0 - 2026-01-31

### Added
- Everything.
"""
NOBODY = {
    "GIT_AUTHOR_NAME": "Somebody",
    "GIT_AUTHOR_EMAIL": "somebody@example.com",
    "GIT_COMMITTER_NAME": "Somebody",
    "GIT_COMMITTER_EMAIL": "somebody@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


@dataclass(frozen=True)
class Clone:
    """A clone to throw away."""

    folder: Path

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        foreign = ("GIT_", "MAKE", "MFLAGS", "PYTHON", "SOURCE_DATE_EPOCH", "VERSION")
        own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return subprocess.run(
            command, cwd=self.folder, env={**own, **NOBODY, **variables}, capture_output=True, text=True, check=False
        )

    def git(self, *words: str) -> str:
        done = self.run("git", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def release(self, version: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "tools.release", version)

    def change(self, file: str, text: str) -> None:
        self.folder.joinpath(file).write_text(text, encoding="utf-8")
        self.git("commit", "--quiet", "--all", "--message", f"Another {file}")

    def state(self) -> tuple[str, ...]:
        asked = ("rev-parse HEAD", "status --porcelain --ignored=no", "worktree list", "tag", "branch")
        return (*(self.git(*words.split()) for words in asked), str((self.folder / "dist").exists()))


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """What a release is made of, as it lies here, in a repository of its own with a short CHANGELOG."""
    folder = tmp_path_factory.mktemp("origin")
    shipped = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    for name in (*TAKEN, *(name.strip("/") for name in shipped["targets"]["sdist"]["include"])):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    (folder / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    origin = Clone(folder)
    for words in ("init --quiet --initial-branch=main", "add --all", "commit --quiet --message Beginning"):
        origin.git(*words.split())
    return origin


def clone_of(origin: Clone, folder: Path) -> Clone:
    origin.git("clone", "--quiet", str(origin.folder), str(folder))
    return Clone(folder)


@pytest.fixture
def clone(origin: Clone, tmp_path: Path) -> Clone:
    return clone_of(origin, tmp_path / "clone")


@pytest.fixture(scope="module")
def released(origin: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone in which 98.0.0 was released."""
    clone = clone_of(origin, tmp_path_factory.mktemp("released") / "clone")
    done = clone.release("98.0.0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing is tagged, pushed or published" in done.stdout
    return clone


def test_what_was_unreleased_gets_a_section_with_version_and_date(released: Clone) -> None:
    text = (released.folder / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"(?m)^## .*", text)
    days = {datetime.now(UTC).date().isoformat(), released.git("show", "--no-patch", "--format=%as")}
    assert headings[0] == "## Unreleased"
    assert headings[1].removeprefix("## 98.0.0 - ") in days
    assert text.replace(f"\n{headings[1]}\n", "", 1) == CHANGELOG


def test_both_projects_name_the_version_and_the_handlers_require_it(released: Clone) -> None:
    root, handlers = (
        tomllib.loads((released.folder / name / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        for name in (".", "handlers")
    )
    assert (root["version"], handlers["version"]) == ("98.0.0", "98.0.0")
    assert [line for line in handlers["dependencies"] if line.startswith("cqworker")] == ["cqworker>=98.0,<99"]


def test_the_release_is_one_commit_and_neither_tagged_nor_pushed(released: Clone, origin: Clone) -> None:
    assert released.git("log", "--format=%s", "-2").splitlines() == ["Release 98.0.0", "Beginning"]
    assert released.git("show", "--format=", "--name-only").split() == [
        "CHANGELOG.md",
        "handlers/pyproject.toml",
        "pyproject.toml",
    ]
    assert released.git("status", "--porcelain") == ""
    assert released.git("tag") == ""
    assert origin.git("log", "--format=%s") == "Beginning"
    assert len(released.git("worktree", "list").splitlines()) == 1


def test_the_wheel_says_which_version_it_is(released: Clone) -> None:
    wheel, sdist = sorted(released.folder.joinpath("dist", "98.0.0").iterdir())
    assert (wheel.name, sdist.name) == ("cqworker-98.0.0-py3-none-any.whl", "cqworker-98.0.0.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        metadata = message_from_bytes(archive.read("cqworker-98.0.0.dist-info/METADATA"))
    assert metadata["Version"] == "98.0.0"


def test_anybody_builds_the_same_bytes_from_the_commit(released: Clone, tmp_path: Path) -> None:
    somebody = clone_of(released, tmp_path / "elsewhere")
    epoch = somebody.git("show", "--no-patch", "--format=%ct")
    built = somebody.run(sys.executable, "-m", "build", "--no-isolation", SOURCE_DATE_EPOCH=epoch)
    assert built.returncode == 0, built.stdout + built.stderr
    for file in sorted(released.folder.joinpath("dist", "98.0.0").iterdir()):
        assert (somebody.folder / "dist" / file.name).read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("96.9.0", "96.9.0 is not newer than 97.0.0, which is released"),
        ("97.0.0", "97.0.0 is not newer than 97.0.0, which is released"),
        ("97.0.0rc1", "97.0.0rc1 is not newer than 97.0.0, which is released"),
        ("next", "'next' is no version (PEP 440): name one such as 0.2.0"),
        ("v98.0.0", "write 'v98.0.0' as 98.0.0"),
        ("98.0.0-rc1", "write '98.0.0-rc1' as 98.0.0rc1"),
        ("98.0.0+mine", "write '98.0.0+mine' as 98.0.0"),
    ],
)
def test_a_version_that_cannot_follow_is_refused(clone: Clone, version: str, reason: str) -> None:
    before = clone.state()
    done = clone.release(version)
    assert (done.returncode, done.stderr) == (1, f"No release: {reason}\n")
    assert clone.state() == before


def test_a_version_is_compared_with_those_that_have_a_tag_too(clone: Clone) -> None:
    clone.git("tag", "v98.0.1")
    clone.git("tag", "very-good")
    done = clone.release("98.0.0")
    assert (done.returncode, done.stderr) == (1, "No release: 98.0.0 is not newer than 98.0.1, which is released\n")


def test_a_version_older_than_the_one_being_worked_on_is_refused(clone: Clone) -> None:
    project = (clone.folder / "pyproject.toml").read_text(encoding="utf-8")
    clone.change("pyproject.toml", re.sub(r'(?m)^version = ".*"$', 'version = "99.0.0"', project))
    done = clone.release("98.0.0")
    assert (done.returncode, done.stderr) == (
        1,
        "No release: 98.0.0 is older than 99.0.0, which pyproject.toml names\n",
    )


@pytest.mark.parametrize("file", ["README.md", "notes.txt"], ids=["changed", "untracked"])
def test_a_tree_with_something_uncommitted_is_refused_and_named(clone: Clone, file: str) -> None:
    (clone.folder / file).write_text("in between\n", encoding="utf-8")
    before = clone.state()
    done = clone.release("98.0.0")
    assert done.returncode == 1
    assert "commit or remove first what is not committed" in done.stderr
    assert file in done.stderr
    assert clone.state() == before


def test_a_release_that_brings_nothing_is_refused(clone: Clone) -> None:
    clone.change("CHANGELOG.md", CHANGELOG.replace("### Added\n- A thing that was not there.\n\n", ""))
    before = clone.state()
    done = clone.release("98.0.0")
    assert done.returncode == 1
    assert 'nothing under "## Unreleased"' in done.stderr
    assert clone.state() == before


def test_a_build_that_comes_out_otherwise_the_second_time_is_refused(clone: Clone) -> None:
    hook = (clone.folder / "hatch_build.py").read_text(encoding="utf-8")
    clone.change("hatch_build.py", f'{hook}        metadata["entry-points"]["x"] = {{f"n{{id(metadata)}}": "a:b"}}\n')
    before = clone.state()
    done = clone.release("98.0.0")
    assert done.returncode == 1
    assert "cqworker-98.0.0-py3-none-any.whl differs from one build to the next" in done.stderr
    assert clone.state() == before


def test_a_package_that_an_index_could_not_show_is_refused(clone: Clone) -> None:
    clone.change("README.md", "")
    before = clone.state()
    done = clone.release("98.0.0")
    assert done.returncode == 1
    assert "twine check --strict" in done.stderr
    assert clone.state() == before


def test_make_release_without_a_version_says_how_to_name_one(clone: Clone) -> None:
    done = clone.run("make", "--old-file=.venv/.installed", "release")
    assert done.returncode != 0
    assert "make release VERSION=" in done.stdout
