"""jobs list and jobs count against a running worker: directly on AWS and through the daemon, with the same words."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cqworker.cli import job_lists
from tests.cli.running import Dev, invoke

REJECTED = '{"source": "s3://elsewhere/x.png"}'


@pytest.fixture(params=["direct", "through the daemon"])
def way(request: pytest.FixtureRequest, dev: Dev, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to reach jobs."""
    environ = dev.exports if request.param == "direct" else {"CQWORKER_URL": dev.url}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return str(request.param)


def failed(tag: str, number: int = 1) -> list[str]:
    """Jobs that have failed, the newest first."""
    ids = []
    for _ in range(number):
        result = invoke("submit", "image.grayscale", REJECTED, "--tag", tag, "--wait", "--json")
        ids.append(json.loads(result.stdout)["job_id"])
    return ids[::-1]


def listed(*options: str) -> list[dict[str, Any]]:
    result = invoke("jobs", "list", "--json", *options)
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_what_failed_is_listed_one_job_a_line(way: str) -> None:
    ids = failed(way, 3)
    shown = listed("--tag", way, "--from", "1h", "--type", "image.grayscale")
    assert [job["job_id"] for job in shown] == ids
    assert shown[0]["failure"]["kind"] == "rejected"
    assert shown[0]["release"]
    assert [job["job_id"] for job in listed("--tag", way, "--limit", "0")] == ids
    assert [job["job_id"] for job in listed("--tag", way, "--fingerprint", shown[0]["failure"]["fingerprint"])] == ids
    assert listed("--tag", way, "--to", "1h") == []


def test_a_person_sees_a_table_and_is_told_of_more(way: str) -> None:
    [newest, _] = failed(way + " table", 2)
    result = invoke("jobs", "list", "--tag", way + " table", "--limit", "1")
    assert result.exit_code == 0
    headings, row = result.stdout.splitlines()
    assert headings.split() == ["TIME", "STATUS", "TYPE", "JOB", "FINGERPRINT", "FAILURE"]
    assert re.search(rf"FAILED +image\.grayscale +{newest} +[0-9a-f]{{8}} +rejected: The source", row)
    assert result.stderr == "These are the first 1; --limit says how many, 0 all of them.\n"


@pytest.mark.usefixtures("way")
def test_nothing_found_is_said_and_no_error() -> None:
    result = invoke("jobs", "list", "--type", "nobodys.type")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "There are no such jobs.\n")


def test_jobs_are_counted(way: str) -> None:
    before = int(invoke("jobs", "count").stdout)
    failed(way + " count")
    assert int(invoke("jobs", "count", "--type", "image.grayscale", "--from", "1d").stdout) >= 1
    counted = json.loads(invoke("jobs", "count", "--json").stdout)
    assert counted["count"] == before + 1
    assert counted["counted_back_to"] < datetime.now(UTC).isoformat()


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("list --status BROKEN", "`status` must be one of"),
        ("list --from noon", "2026-11-30T06:00:00Z"),
        ("count --status QUEUED", "can be counted in the status FAILED alone"),
        ("list --status QUEUED", "list_all = true"),
        ("list --status all", "list_all = true"),
    ],
)
def test_what_cannot_be_listed_is_refused_in_a_sentence(line: str, said: str) -> None:
    result = invoke("jobs", *line.split())
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_a_span_is_so_long_ago_and_everything_else_is_left_as_it_is() -> None:
    time = job_lists._time(None, None, "36h")  # type: ignore[arg-type]
    assert time is not None
    seconds = (datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds()
    assert 36 * 3600 - 2 <= seconds <= 36 * 3600 + 3600
    assert job_lists._time(None, None, "2026-11-30") == "2026-11-30"  # type: ignore[arg-type]


@pytest.mark.parametrize(("word", "days"), [("today", 0), ("yesterday", 1)])
def test_a_day_may_be_said_in_a_word(word: str, days: int) -> None:
    before = datetime.now(UTC)
    said = job_lists.as_time(word)
    assert said in {(moment - timedelta(days=days)).date().isoformat() for moment in (before, datetime.now(UTC))}
