"""submit and jobs against a running worker: directly on AWS and through the daemon, with the same words."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cqworker.jobs import waiters
from cqworker.model.status import FINAL
from tests.cli.running import Dev, execute, invoke, told
from tests.patience import scaled

TEXT = '{"text": "Hello there"}'
RESULT = {"original_length": 11, "uppercase": "HELLO THERE", "word_count": 2}
UPPER_REJECTED = '{"source": "s3://elsewhere/x.png"}'


@pytest.fixture(params=["direct", "through the daemon"])
def way(request: pytest.FixtureRequest, dev: Dev, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to reach jobs."""
    environ = dev.exports if request.param == "direct" else {"CQWORKER_URL": dev.url}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(waiters, "READ_EVERY", 0.1)
    return str(request.param)


def waiting_job() -> str:
    """A job that waits for its time, longer than any test takes."""
    job = told(invoke("submit", "text.transform", TEXT, "--delay", "900", "--json"))
    assert job["status"] == "QUEUED"
    return str(job["job_id"])


@pytest.mark.usefixtures("way")
def test_submit_and_wait_prints_the_result() -> None:
    result = invoke("submit", "text.transform", TEXT, "--wait")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == RESULT


@pytest.mark.usefixtures("way")
def test_submit_carries_everything_it_was_told() -> None:
    options = ["--tag", "a", "--tag", "b", "--metadata", "who=me", "--metadata", "why==", "--max-attempts", "3"]
    job = told(invoke("submit", "text.transform", TEXT, *options, "--queue", "cqworker", "--json", "--wait", "20"))
    assert (job["tags"], job["metadata"]) == (["a", "b"], {"who": "me", "why": "="})
    assert (job["max_attempts"], job["queue"], job["status"]) == (3, "cqworker", "SUCCEEDED")
    assert job["result"] == RESULT


@pytest.mark.usefixtures("way")
def test_a_payload_comes_from_a_file_or_from_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "payload.json"
    path.write_text(TEXT, encoding="utf-8")
    assert json.loads(invoke("submit", "text.transform", f"@{path}", "--wait").stdout) == RESULT
    assert json.loads(invoke("submit", "text.transform", "-", "--wait", input=TEXT).stdout) == RESULT


@pytest.mark.usefixtures("way")
def test_one_key_makes_one_job(request: pytest.FixtureRequest) -> None:
    submit = ["submit", "text.transform", TEXT, "--json", "--key", request.node.nodeid]
    assert told(invoke(*submit))["job_id"] == told(invoke(*submit))["job_id"]
    again = invoke("submit", "text.transform", '{"text": "other"}', "--key", request.node.nodeid)
    assert again.exit_code == 1
    assert "used with another request" in again.stderr


@pytest.mark.usefixtures("way")
def test_a_job_that_does_not_succeed_ends_a_wait_with_1_and_its_story() -> None:
    result = invoke("submit", "image.grayscale", UPPER_REJECTED, "--wait")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "FAILED in attempt 1 of 5" in result.stderr
    assert "rejected: The source" in result.stderr


@pytest.mark.usefixtures("way")
def test_a_wait_that_ends_too_early_ends_with_1() -> None:
    result = invoke("submit", "text.transform", TEXT, "--delay", "900", "--wait", "0.1")
    assert result.exit_code == 1
    assert "waits until" in result.stderr


@pytest.mark.usefixtures("way")
def test_a_job_is_shown_in_words_with_its_timeline() -> None:
    job_id = told(invoke("submit", "text.transform", TEXT, "--wait", "--json"))["job_id"]
    shown = invoke("jobs", "show", job_id)
    assert shown.exit_code == 0
    head, *lines = shown.stdout.splitlines()
    assert re.fullmatch(
        rf"Job {job_id} \(text\.transform on cqworker\) SUCCEEDED in attempt 1 of 10 after .+ s\.", head
    )
    timeline = lines[lines.index("Timeline") + 1 :]
    assert [line.split()[1] for line in timeline] == ["submitted", "claimed", "succeeded"]
    assert timeline[1].split()[2:4] == ["attempt", "1"]
    assert told(invoke("jobs", "show", job_id, "--json"))["result"] == RESULT


@pytest.mark.usefixtures("way")
def test_a_waiting_job_is_cancelled_and_then_retried() -> None:
    job_id = waiting_job()
    assert invoke("jobs", "cancel", job_id).stdout.startswith(f"Job {job_id} (text.transform on cqworker) is CANCELLED")
    again = invoke("jobs", "cancel", job_id)
    assert again.exit_code == 1
    assert "already CANCELLED" in again.stderr
    retried = told(invoke("jobs", "retry", job_id, "--json"))
    assert retried["round"] == 2
    assert retried["status"] in ("QUEUED", "RUNNING", "SUCCEEDED")


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["submit", "text.tranform", TEXT], "text.transform"),
        (["submit", "text.transform", '{"txt": 1}'], "/text: Field required"),
        (["submit", "text.transform", TEXT, "--queue", "nope"], "'nope'"),
        (["submit", "text.transform", TEXT, "--tag", "x" * 65], "at most 64 characters"),
        (["submit", "text.transform", TEXT, "--metadata", f"a={'x' * 2000}"], "at most 1024"),
        (["jobs", "show", "nope"], "job"),
        (["jobs", "retry", "../status"], "job"),
    ],
)
def test_what_is_refused_ends_with_1_and_says_why(args: list[str], told: str) -> None:
    result = invoke(*args)
    assert (result.exit_code, result.stdout) == (1, "")
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_lines_that_dev_prints_work_when_pasted(dev: Dev) -> None:
    answer = subprocess.run(shlex.split(dev.example), capture_output=True, text=True, check=True, timeout=scaled(10))
    job: dict[str, Any] = json.loads(answer.stdout)
    assert job["type"] == "text.transform"
    shown = execute("jobs", "show", job["job_id"], "--json", **dev.exports)
    assert json.loads(shown.stdout)["status"] in ("QUEUED", "RUNNING", *FINAL)


def test_a_service_that_is_away_is_told_in_one_sentence() -> None:
    done = execute(
        "jobs",
        "show",
        "x",
        AWS_ENDPOINT_URL="http://127.0.0.1:1",
        AWS_REGION="us-east-1",
        AWS_ACCESS_KEY_ID="a",
        AWS_SECRET_ACCESS_KEY="b",
    )
    assert done.returncode == 1
    assert done.stderr.startswith("DynamoDB cannot be reached at http://127.0.0.1:1. Check")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.usefixtures("way")
def test_a_job_for_later_waits_is_given_another_time_and_is_run_now() -> None:
    submitted = invoke("submit", "text.transform", TEXT, "--in", "3d", "--json")
    job_id = told(submitted)["job_id"]
    shown = invoke("jobs", "show", job_id)
    assert re.search(r"is SCHEDULED and waits until \S+Z \(in (3 d|2 d 23 h)\)\.$", shown.stdout.splitlines()[0])
    moved = told(invoke("jobs", "reschedule", job_id, "--in", "1h30m", "--reason", "sooner", "--json"))
    assert moved["status"] == "SCHEDULED"
    assert moved["history"][-1]["reason"].endswith("by the local operator: sooner")
    year = datetime.now(UTC).year + 1
    moved = told(invoke("jobs", "reschedule", job_id, "--at", f"{year}-01-01T09:00+01:00", "--json"))
    assert moved["scheduled_at"] == f"{year}-01-01T08:00:00.000Z"
    assert invoke("jobs", "run-now", job_id).exit_code == 0
    assert told(invoke("jobs", "show", job_id, "--json"))["status"] in ("QUEUED", "RUNNING", "SUCCEEDED")


@pytest.mark.usefixtures("way")
def test_a_job_for_a_time_says_so_and_one_that_is_final_is_given_none() -> None:
    moment = (datetime.now(UTC) + timedelta(days=300)).isoformat(timespec="minutes")
    shown = invoke("submit", "text.transform", TEXT, "--at", moment)
    assert re.match(r"Job \S+ is SCHEDULED\. Follow it: cqworker jobs show", shown.stdout)
    done = told(invoke("submit", "text.transform", TEXT, "--wait", "--json"))
    refused = invoke("jobs", "reschedule", done["job_id"], "--in", "3d")
    assert refused.exit_code != 0
    assert "is SUCCEEDED; only a job that waits can be given another time: submit it anew." in refused.stderr


@pytest.mark.usefixtures("way")
def test_the_lines_of_a_batch_say_their_own_times(tmp_path: Path) -> None:
    moment = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    lines: list[dict[str, Any]] = [
        {"run_at": moment},
        {"delay_seconds": 86_400},
        {"run_at": "2026-02-30T09:00:00Z"},
        {"eta": moment},
    ]
    path = tmp_path / "jobs.jsonl"
    job = {"type": "text.transform", "payload": json.loads(TEXT)}
    path.write_text("\n".join(json.dumps(job | line) for line in lines), encoding="utf-8")
    result = invoke("submit", "--batch", str(path))
    first, second, third, fourth = result.stdout.splitlines()
    assert result.exit_code == 1
    assert first.endswith("is SCHEDULED.")
    assert second.endswith("is SCHEDULED.")
    assert third.startswith("Line 3 was refused: /run_at: is no time: 2026-02 has no day 30")
    assert fourth.startswith("Line 4 was refused: /eta: is no field here; it is run_at")
