"""Without POSIX the client, handlers and the test kit work, and whatever needs a daemon says so in one sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cqworker.posix import CHILDREN_NEED_POSIX, DAEMON_NEEDS_POSIX, is_posix
from tests.cli.running import plain_environment
from tests.patience import scaled

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def findings() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.windows.story"],
        cwd=ROOT,
        env=plain_environment(),
        capture_output=True,
        text=True,
        timeout=scaled(60),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_module_can_be_imported(findings: dict[str, Any]) -> None:
    assert findings["imported"] == {}


def test_handlers_on_the_loop_and_in_threads_run_in_the_test_kit(findings: dict[str, Any]) -> None:
    assert findings["tested"]["on_the_loop"] == 2
    assert findings["tested"]["in_a_thread"] == "s3://artifacts/test-job/1-1/x.bin"


@pytest.mark.parametrize("name", ["process", "with_a_child"])
def test_handlers_in_a_process_say_what_they_need(findings: dict[str, Any], name: str) -> None:
    assert findings["tested"][name] == f"ProcessNotStarted: {CHILDREN_NEED_POSIX}"


def test_the_client_submits(findings: dict[str, Any]) -> None:
    assert findings["submitted"] == "j1"


@pytest.mark.parametrize("command", ["run", "dev", "demo", "bench --yes"])
def test_a_command_that_runs_a_worker_says_in_one_sentence_what_works(findings: dict[str, Any], command: str) -> None:
    assert findings["commanded"][command] == [78, f"{DAEMON_NEEDS_POSIX}\n"]
    assert DAEMON_NEEDS_POSIX.count(". ") == 0


@pytest.mark.parametrize("command", ["--help", "run --help", "handlers list", "config show"])
def test_the_other_commands_work(findings: dict[str, Any], command: str) -> None:
    assert findings["commanded"][command] == [0, ""]


def test_the_daemon_itself_says_the_same(findings: dict[str, Any]) -> None:
    assert findings["lived"] == f"ConfigurationError: {DAEMON_NEEDS_POSIX}"


def test_here_it_runs() -> None:
    assert is_posix()
