"""The make targets explain themselves, and the size check finds what has grown too long."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tools import check_sizes, pythons

ROOT = Path(__file__).parents[2]
DECLARED = ("pyproject.toml", "hatch_build.py", "handlers/pyproject.toml")
TARGETS = {
    "setup",
    "demo",
    "dev",
    "test",
    "test-processes",
    "stops",
    "check",
    "types",
    "coverage",
    "docs",
    "golden",
    "engines",
    "api",
    "simulate",
    "chaos",
    "pictures",
    "bench",
    "bench-compare",
    "lock",
    "release",
    "clean",
    "help",
}


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """It knows nothing of a make that runs these tests."""
    foreign = ("MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS", "PYTHON", "UV")
    own = {name: value for name, value in os.environ.items() if name not in foreign}
    command = ["make", "-C", str(folder), *arguments]
    return subprocess.run(command, env=own, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the Makefile, what it reads and the locks, but without Python."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "handlers").mkdir()
    for name in ("requirements-dev.lock", "requirements-demo.lock", *DECLARED):
        (tmp_path / name).touch()
    return tmp_path


def python_that(project: Path, script: str) -> str:
    file = project / "fake-python"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return f"PYTHON={file}"


def test_make_alone_lists_every_target_in_one_line(project: Path) -> None:
    lines = [line for line in make(project).stdout.splitlines() if line.startswith("  make ")]
    assert {line.split()[1] for line in lines} == TARGETS
    assert all(len(line.split()) > 3 for line in lines)


def test_a_python_without_venv_is_answered_with_the_package_to_install(project: Path) -> None:
    python = python_that(project, 'case "$2" in *ensurepip*) exit 1;; esac')
    done = make(project, "--no-print-directory", ".venv/.locked", python)
    assert done.returncode != 0
    assert done.stdout.splitlines()[0].endswith("on Debian and Ubuntu: sudo apt install python3-venv")


def test_a_python_that_is_too_old_is_answered_with_how_to_name_another(project: Path) -> None:
    done = make(project, "--no-print-directory", ".venv/.locked", python_that(project, "exit 1"))
    assert done.returncode != 0
    assert done.stdout.startswith("cqworker needs Python 3.11 or newer")
    assert "make PYTHON=python3.13 .venv/.locked" in done.stdout


def test_a_second_version_of_python_gets_an_environment_of_its_own(project: Path) -> None:
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "bin" / "python").symlink_to(sys.executable)
    first = make(project, "-n", "setup", f"PYTHON={sys.executable}").stdout
    second = make(project, "-n", "setup", python_that(project, "echo 3.99")).stdout
    unnamed = make(project, "-n", "setup").stdout
    assert "into .venv-3.99" in second
    assert ".venv-3.99/bin/python -m tools.install" in second
    assert all('into .venv"' in told for told in (first, unnamed))


def test_the_demo_installs_what_it_needs_and_uses_more_where_it_is_there(project: Path) -> None:
    alone = make(project, "-n", "demo").stdout
    assert "tools.install --project requirements-demo.lock" in alone
    assert "requirements-dev.lock" not in alone
    (project / ".venv" / "bin").mkdir(parents=True)
    for name in ("bin/python", ".locked", ".installed"):
        (project / ".venv" / name).touch()
    assert make(project, "--no-print-directory", "-n", "demo").stdout == ".venv/bin/cqworker demo\n"


def test_the_tests_bring_the_rest_into_the_environment_of_the_demo(project: Path) -> None:
    (project / ".venv" / "bin").mkdir(parents=True)
    for name in ("bin/python", ".demo"):
        (project / ".venv" / name).touch()
    told = make(project, "-n", "test").stdout
    assert "tools.install --compile requirements-dev.lock" in told
    assert "-m venv" not in told


def test_the_interpreters_found_are_of_the_versions_asked_for_and_can_make_environments() -> None:
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert own in pythons.claimed_versions()
    told = subprocess.run(
        [sys.executable, "-m", "tools.pythons", f"python{own}", "3.99"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    [place] = told.stdout.splitlines()
    version = subprocess.run(
        [place, "-c", "import ensurepip, sys, venv; print(sys.version)"], capture_output=True, text=True, check=True
    )
    assert version.stdout.startswith(f"{own}.")
    assert told.stderr == "Python 3.99 is not tested: this machine has none, or it lacks venv\n"


def test_an_interpreter_that_only_bears_the_name_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    impostor = tmp_path / "python3.99"
    impostor.write_text("#!/bin/sh\necho '3.98 /somewhere'\n")
    impostor.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert pythons.find_python("3.99") is None
    kept = tmp_path / "versions" / "3.99.1" / "bin" / "python3.99"
    kept.parent.mkdir(parents=True)
    kept.write_text(f"#!/bin/sh\necho '3.99 {kept}'\n")
    kept.chmod(0o755)
    assert pythons.find_python("3.99") == str(kept)


def test_the_image_runs_a_version_that_is_claimed() -> None:
    image = re.search(r"(?m)^ARG PYTHON_IMAGE=python:(3\.\d+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    assert image
    assert image[1] in pythons.claimed_versions()


def test_the_ci_script_runs_every_check_and_is_executable() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & stat.S_IXUSR
    targets = re.findall(r"(?m)^ *(?:\S+=\S+ )?run \S+ (\S+)", script.read_text(encoding="utf-8"))
    once, each = ["setup", "check", "types", "docs"], ["setup", "test", "stops-here"]
    assert targets == [*once, *each, "test-processes", "simulate", "engines"]


def test_a_file_and_a_function_at_their_limits_pass(tmp_path: Path) -> None:
    file = tmp_path / "exact.py"
    function = "def f() -> None:\n" + "    pass\n" * (check_sizes.FUNCTION_LIMIT - 1)
    file.write_text(function + "\n" * (check_sizes.FILE_LIMIT - check_sizes.FUNCTION_LIMIT))
    assert list(check_sizes.findings(file)) == []


def test_a_file_and_a_function_over_their_limits_are_named_with_their_length(tmp_path: Path) -> None:
    file = tmp_path / "long.py"
    function = "async def f() -> None:\n" + "    pass\n" * check_sizes.FUNCTION_LIMIT
    file.write_text(function + "\n" * check_sizes.FILE_LIMIT)
    assert list(check_sizes.findings(file)) == [
        f"{file}: 341 lines, 300 allowed: split it by duty",
        f"{file}:1: f has 41 lines, 40 allowed",
    ]


def test_the_size_check_fails_where_something_is_too_long(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "long.py").write_text("\n" * 301)
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "check_sizes.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "tests/long.py: 301 lines, 300 allowed: split it by duty\n")
