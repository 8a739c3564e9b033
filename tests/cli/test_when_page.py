"""The examples of docs/when-a-job-runs.md work as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cqworker.model.start_times import start_time
from tests.cli.running import COMMAND, Dev, execute, invoke, plain_environment, told
from tests.patience import scaled

PAGE = (Path(__file__).parents[2] / "docs" / "when-a-job-runs.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
WITH_CLIENT, WITH_ZONES = (text for language, text in BLOCKS if language == "python")
STORY, ACTS = (text for language, text in BLOCKS if language == "console")
[PRINTED] = (text for language, text in BLOCKS if not language)
JOB_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
IN_A_MONTH = (datetime.now(UTC) + timedelta(days=30)).isoformat(timespec="minutes")


def run_python(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env=plain_environment(),
        capture_output=True,
        text=True,
        timeout=scaled(60),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def pasted(command: str, dev: Dev, job_id: str = "") -> subprocess.CompletedProcess[str]:
    """A line of the page in a shell that has the program, beside `cqworker dev`."""
    program = f'cqworker() {{ {" ".join(COMMAND)} "$@"; }}; JOB={job_id}; {command}'
    environment = {**plain_environment(), "CQWORKER_URL": dev.url}
    return subprocess.run(
        ["bash", "-c", program], env=environment, capture_output=True, text=True, timeout=scaled(30), check=False
    )


def without_what_changes(text: str) -> str:
    text = re.sub(r"\(in [^)]*\)", "(in SPAN)", re.sub(JOB_ID, "ID", text))
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME", text)


def test_the_client_s_example_prints_how_the_job_stands(dev: Dev) -> None:
    printed = run_python(WITH_CLIENT.replace("http://127.0.0.1:8080", dev.url))
    assert printed == "SCHEDULED True\nSCHEDULED\nAT NIGHT\n"


def test_the_example_of_zones_prints_what_stands_below_it() -> None:
    assert run_python(WITH_ZONES) == PRINTED


def test_the_lines_for_a_terminal_print_what_stands_below_them(dev: Dev) -> None:
    steps = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", STORY, re.MULTILINE)
    job_id = ""
    for command, printed in steps:
        done = pasted(re.sub(JOB_ID, job_id, command), dev)
        assert done.returncode == 0, done.stderr
        job_id = job_id or re.findall(JOB_ID, done.stdout)[0]
        assert without_what_changes(done.stdout) == without_what_changes(printed)
    assert len(steps) == 2


@pytest.mark.parametrize("line", ACTS.splitlines())
def test_each_act_is_taken_by_a_job_that_waits(dev: Dev, line: str) -> None:
    submitted = execute("submit", "text.transform", '{"text": "x"}', "--in", "3d", "--json", CQWORKER_URL=dev.url)
    [job_id] = re.findall(rf'"job_id": "({JOB_ID})"', submitted.stdout)
    done = pasted(re.sub(r"2026-\S+", IN_A_MONTH, line.removeprefix("$ ")), dev, job_id)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Job {job_id} ")


def test_the_shell_s_way_to_a_time_of_a_zone_is_a_time_that_is_taken() -> None:
    [command] = re.findall(r'--at "\$\((.*?)\)"', PAGE)
    printed = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True).stdout.strip()
    assert start_time(printed) == start_time("2027-03-28T09:00:00+02:00")


@pytest.mark.usefixtures("on_aws")
def test_the_times_of_the_first_table_are_taken() -> None:
    [http] = re.findall(r'"run_at": "(.*?)"', PAGE)
    [at] = re.findall(r"`--at (\S+)`", PAGE)
    assert start_time(http) == start_time(at)
    for span in re.findall(r"`--in (\w+)`", PAGE):
        assert (
            told(invoke("submit", "text.transform", '{"text": "x"}', "--in", span, "--json"))["status"] == "SCHEDULED"
        )
