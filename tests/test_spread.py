"""Every file of tests stays together, and what is said to be long is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.spread import ALONE, LONG, group_of

ROOT = Path(__file__).parents[1]
NOTING = """
import os, pytest

@pytest.mark.parametrize("number", range(8))
def test_it(number):
    with open(__file__ + ".pids", "a") as pids:
        pids.write(f"{os.getpid()} ")
"""
pytest_plugins = ["pytester"]


def test_the_tests_of_a_file_are_in_one_group() -> None:
    assert group_of("tests/model/test_ids.py::test_one") == group_of("tests/model/test_ids.py::test_two[x]")
    assert group_of("tests/model/test_ids.py::test_one") != group_of("tests/model/test_claim_table.py::test_one")


def test_who_starts_daemons_or_needs_a_dev_shares_it() -> None:
    assert group_of("tests/processes/test_drain.py::test_x") == group_of("tests/processes/test_signals.py::test_x")
    assert group_of("tests/processes/test_drain.py::test_x") != group_of("tests/processes/test_secrets.py::test_x")
    assert group_of("tests/cli/test_jobs.py::test_x") == group_of("tests/client/test_dev.py::test_x")


def test_the_files_that_are_named_are_there() -> None:
    assert [path for path in LONG if path.endswith(".py") and not (ROOT / path).exists()] == []


def test_the_files_of_daemons_that_make_test_leaves_out_are_groups_of_their_own() -> None:
    files = (ROOT / "tests" / "processes").glob("test_*.py")
    left_out = {file.stem for file in files if "mark.processes" in file.read_text(encoding="utf-8")}
    assert left_out == {f"test_{name}" for name in ALONE}


@pytest.mark.processes
def test_files_stay_together_when_tests_are_spread_over_processes(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest("pytest_plugins = ['tests.spread']")
    for name in ("test_a", "test_b", "test_c"):
        pytester.makepyfile(**{name: NOTING})
    pytester.runpytest_subprocess("-n", "2", "--no-loadscope-reorder").assert_outcomes(passed=24)
    pids = {path.name: set(path.read_text().split()) for path in pytester.path.glob("*.pids")}
    assert [len(seen) for seen in pids.values()] == [1, 1, 1]
    assert len(set.union(*pids.values())) == 2
