"""The README's lines, pasted one by one into a shell beside `cqworker dev`, give what it shows."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.cli.running import Dev, plain_environment
from tests.conftest import Tell
from tests.patience import scaled, until
from tests.processes.daemon import PROGRAM
from tests.processes.readme import ADDRESS, curl_blocks

MARK = "=== next ==="


@pytest.fixture(scope="module")
def pasted(dev: Dev) -> list[str]:
    """What each block of the README printed, one shell running them all."""
    here = dev.url.removeprefix("http://")
    script = f"\necho '{MARK}'\n".join(block.replace(ADDRESS, here) for block in curl_blocks())
    environment = {**plain_environment(), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=scaled(60), check=False
    )
    return done.stdout.split(f"{MARK}\n")


def is_ready(dev: Dev) -> bool:
    try:
        with urlopen(f"{dev.url}/readyz", timeout=scaled(30)) as answer:
            return bool(answer.status == 200)
    except HTTPError:
        return False


def test_the_program_explains_itself_and_dev_is_soon_ready(dev: Dev, tell: Tell) -> None:
    """The times are for reading: 150 ms and 3 s are what a quiet machine must reach."""
    until(lambda: is_ready(dev))
    began = time.monotonic()
    shown = subprocess.run([*PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
    help_after = time.monotonic() - began
    assert {"run", "dev", "demo", "submit", "jobs", "handlers", "config", "doctor", "provision"} <= set(shown.split())
    tell(f"cqworker --help: {help_after * 1000:.0f} ms; cqworker dev: serves after {dev.ready_after:.2f} s")


needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="the README's lines need curl")


def jobs(printed: str) -> list[dict[str, Any]]:
    """The JSON objects that were printed, one after the other."""
    found, decoder = [], json.JSONDecoder()
    for place in (match.start() for match in re.finditer(r'\{"(?:job_id|type|key)"', printed)):
        value, _ = decoder.raw_decode(printed[place:])
        found.append(value)
    return found


@needs_curl
def test_a_job_is_submitted(pasted: list[str]) -> None:
    assert pasted[0].startswith("HTTP/1.1 202 Accepted")
    [job] = jobs(pasted[0])
    assert f"Location: /jobs/{job['job_id']}" in pasted[0]


@needs_curl
def test_the_same_request_again_gets_the_same_job(pasted: list[str]) -> None:
    assert pasted[1].startswith("HTTP/1.1 200 OK")
    assert "Idempotent-Replayed: true" in pasted[1]
    assert jobs(pasted[1])[0]["job_id"] == jobs(pasted[0])[0]["job_id"]


@needs_curl
def test_a_payload_that_does_not_fit_is_refused_with_a_pointer(pasted: list[str]) -> None:
    problem = json.loads(pasted[2])
    assert (problem["status"], [fault["pointer"] for fault in problem["errors"]]) == (422, ["/payload/text"])


@needs_curl
def test_a_job_is_waited_for_and_tells_its_story(pasted: list[str]) -> None:
    job = json.loads(pasted[3])
    assert (job["status"], job["result"]["uppercase"]) == ("SUCCEEDED", "READ ME")
    assert [entry["event"] for entry in job["history"]] == ["submitted", "claimed", "succeeded"]


@needs_curl
def test_a_failed_job_says_why_and_gets_another_round(pasted: list[str]) -> None:
    failed, retried = jobs(pasted[4])
    assert (failed["status"], failed["failure"]["kind"]) == ("FAILED", "rejected")
    assert (retried["job_id"], retried["round"]) == (failed["job_id"], 2)
    began = (retried["status"], retried["attempt"])
    assert began in {("QUEUED", 0), ("RUNNING", 1), ("FAILED", 1)}, "its message goes first: a worker may be faster"


@needs_curl
def test_a_waiting_job_is_cancelled_and_everything_is_counted(pasted: list[str]) -> None:
    [cancelled] = jobs(pasted[5])
    assert cancelled["status"] == "CANCELLED"
    assert re.search(r'^cqworker_jobs_finished_total\{.*type="text.transform".*\} \d', pasted[5], re.MULTILINE)


@needs_curl
def test_a_job_for_later_is_given_another_time_and_is_run_now(pasted: list[str]) -> None:
    moved, started = jobs(pasted[6])
    assert (moved["status"], started["job_id"]) == ("SCHEDULED", moved["job_id"])
    assert [entry["event"] for entry in moved["history"]] == ["submitted", "scheduled", "rescheduled"]
    assert started["status"] == "QUEUED"


@needs_curl
def test_a_tenant_is_paused_and_resumed(pasted: list[str]) -> None:
    paused, resumed = jobs(pasted[7])
    assert (paused["key"], paused["is_limited"], paused["is_paused"]) == ("tenant:acme", True, True)
    assert (resumed["key"], resumed["is_limited"], resumed["is_paused"]) == ("tenant:acme", False, False)


def test_every_block_that_talks_to_a_daemon_is_judged() -> None:
    assert len(curl_blocks()) == 8
