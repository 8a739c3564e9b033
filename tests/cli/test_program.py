"""The program as a whole: help, exit codes, and what a person is told."""

from __future__ import annotations

import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import click
import pytest

from cqworker.cli.program import COMMANDS
from tests.cli.running import execute, invoke
from tests.patience import scaled

HEAVY = ("pydantic", "aiohttp", "aioboto3", "botocore", "rich", "orjson", "uvloop", "PIL", "structlog")
LOADED = f"""
import sys
from cqworker.cli.program import program
try:
    program.main(["--help"])
except SystemExit:
    print([name for name in {HEAVY} if name in sys.modules])
"""


def test_help_lists_every_command_and_the_exit_codes() -> None:
    result = invoke("--help")
    assert result.exit_code == 0
    assert all(f"  {name} " in result.stdout for name in COMMANDS)
    assert "64 wrong usage, 70 internal error, 78 wrong configuration" in " ".join(result.stdout.split())


def test_every_command_is_where_the_table_says() -> None:
    for entry in COMMANDS.values():
        module, _, attribute = entry.target.partition(":")
        assert isinstance(getattr(import_module(module), attribute), click.Command)


@pytest.mark.parametrize("args", [[name, "--help"] for name in COMMANDS] + [["jobs", "show", "-h"]])
def test_every_command_explains_itself(args: list[str]) -> None:
    result = invoke(*args)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: {result.stdout.split()[1]} {args[0]}")


def test_help_loads_nothing_that_takes_long(capsys: pytest.CaptureFixture[str]) -> None:
    started = time.monotonic()
    assert execute("--help").returncode == 0
    took = time.monotonic() - started
    with capsys.disabled():
        sys.stdout.write(f"\ncqworker --help took {took * 1000:.0f} ms\n")
    done = subprocess.run(
        [sys.executable, "-P", "-c", LOADED], capture_output=True, text=True, check=True, timeout=scaled(30)
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (["nope"], "No such command 'nope'"),
        ([], "Usage:"),
        (["run", "--rol", "api"], "No such option"),
        (["run", "--role", "manager"], "'manager' is no role; there are worker and api"),
        (["run", "--role", ","], "'nothing' is no role"),
        (["run", "--port", "x"], "'x' is not a valid integer"),
        (["jobs", "show"], "Missing argument 'ID'"),
        (["jobs", "show", "x", "--url", "localhost:80"], "is no URL; write it like http://127.0.0.1:8080"),
        (["submit", "a", "{"], "that is not JSON"),
        (["submit", "a", "[NaN]"], "that is not JSON"),
        (["submit", "a", "[" * 5000], "that is not JSON"),
        (["submit", "a", "@/nowhere.json"], "/nowhere.json cannot be read: No such file or directory"),
        (["submit", "a", "--metadata", "x"], "'x' is no NAME=VALUE"),
        (["submit", "a", "--delay", "31622401"], "that is more than 366 days"),
        (["submit", "a", "--in", "3y"], "'3y' is no span of time from now: write a number and its unit"),
        (["submit", "a", "--in", "400d"], "that is more than 366 days"),
        (["submit", "a", "--at", "tomorrow"], "'tomorrow' is no time: write a day, a time of day"),
        (["submit", "a", "--at", "2026-02-30T09:00Z"], "2026-02 has no day 30"),
        (["submit", "a", "--at", "2026-12-03T09:00"], "if it is a time of this machine's zone, 2026-12-03T09:00Z if"),
        (["submit", "a", "--at", "2026-12-03T09:00Z", "--in", "3d"], "--in and --at both say when it starts"),
        (["submit", "a", "--at", "2026-12-03T09:00Z", "--delay", "5"], "both say when it starts: give one of them"),
        (["submit", "--batch", "-", "--in", "3d"], "--batch goes with no TYPE and no option of a job"),
        (["jobs", "reschedule", "x"], "Say when it shall start: --at=TIME, or --in=SPAN"),
        (["jobs", "postpone", "x"], "It is `cqworker jobs reschedule ID --in=3d`"),
        (["jobs", "retry"], "Say which: the job's ID, several, or --filter."),
        (["jobs", "cancel", "x", "--filter", "type=a"], "Give either IDs or --filter, not both."),
        (["jobs", "retry", "--filter", "status"], "'status' is no filter; write it like status=FAILED"),
        (["jobs", "retry", "--filter", "type=a", "--filter", "type=b"], "'type' is given twice"),
        (["submit"], "Missing argument 'TYPE'"),
        (["submit", "--batch", "/nowhere.jsonl"], "No such file or directory"),
        (["submit", "a", "--batch", "-"], "--batch goes with no TYPE and no option of a job"),
        (["submit", "--batch", "-", "--tag", "t"], "--batch goes with no TYPE and no option of a job"),
        (["submit", "--batch", "-", "--wait"], "--batch goes with no TYPE and no option of a job"),
        (["submit", "a", "--wait", "{}"], "write --wait=SECONDS, or --wait at the end"),
    ],
)
def test_wrong_usage_ends_with_64(args: list[str], hint: str) -> None:
    result = invoke(*args)
    assert result.exit_code == 64
    assert hint in " ".join(result.stderr.split())


def test_a_misspelt_key_ends_with_78_before_anything_starts(tmp_path: Path) -> None:
    path = tmp_path / "cqworker.toml"
    path.write_text("[worker]\nconcurency = 5\n[htp]\nport = 1\n")
    done = execute("run", "--config", str(path))
    assert done.returncode == 78
    assert "did you mean worker.concurrency?" in done.stderr
    assert "did you mean http?" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_a_misspelt_variable_ends_with_78() -> None:
    done = execute("run", CQWORKER_WORKER__CONCURENCY="5")
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr == (
        "CQWORKER_WORKER__CONCURENCY: there is no such setting; did you mean CQWORKER_WORKER__CONCURRENCY?\n"
    )


def test_listening_beyond_loopback_without_a_token_ends_with_78() -> None:
    done = execute("run", "--host", "0.0.0.0")
    assert done.returncode == 78
    assert "Add one under [[http.tokens]]" in done.stderr


def test_wrong_usage_ends_with_64_in_a_process_too() -> None:
    assert execute("rum").returncode == 64


def test_the_version_is_told() -> None:
    assert invoke("--version").stdout.startswith("cqworker 0.")


@pytest.fixture
def broken_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a mistake in the program")

    monkeypatch.setattr("cqworker.cli.config._visible_values", fail)


@pytest.mark.usefixtures("broken_inside")
def test_a_mistake_in_the_program_ends_with_70_and_one_line() -> None:
    result = invoke("config", "show")
    assert result.exit_code == 70
    assert result.stderr == (
        "Internal error: ZeroDivisionError: a mistake in the program. `cqworker --debug …` shows where.\n"
    )


@pytest.mark.usefixtures("broken_inside")
def test_debug_shows_the_traceback() -> None:
    result = invoke("--debug", "config", "show")
    assert result.exit_code == 70
    assert "Traceback" in result.stderr
    assert "in fail" in result.stderr


def test_an_interrupt_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cqworker.cli.config._visible_values", interrupt)
    result = invoke("config", "show")
    assert (result.exit_code, result.stderr.strip()) == (1, "Interrupted.")


@pytest.mark.parametrize("group", ["jobs", "operations", "workers", "queues", "limits", "handlers", "config"])
def test_the_help_of_a_group_cuts_off_no_sentence(group: str) -> None:
    commands = invoke(group, "--help").stdout.partition("Commands:\n")[2]
    assert commands
    assert "..." not in commands
