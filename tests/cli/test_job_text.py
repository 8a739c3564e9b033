"""A job in words."""

from __future__ import annotations

import time
from typing import Any

import pytest
from msgspec.structs import replace

from cqworker.cli.job_text import describe_job, result_text
from cqworker.model.envelope import Envelope
from cqworker.model.history import Entry
from cqworker.model.job_view import job_view
from cqworker.model.record import Failure, JobRecord, Progress, record_from
from cqworker.model.status import FailureKind, Status

AT = 1_795_300_000_000
RECORD = record_from(
    Envelope(job_id="j1", type="text.transform", queue="main", max_attempts=3, created_at=AT, payload='{"a": 1}'),
    0,
    None,
)
FAILURE = Failure(FailureKind.TIMEOUT, "It took longer than 10 s.", error="TimeoutError")


def words(record: JobRecord) -> list[str]:
    return list(describe_job(job_view(record)))


@pytest.mark.parametrize(
    ("changes", "standing"),
    [
        ({}, "waits for its start."),
        ({"scheduled_at": AT + 5000}, "waits until 2026-11-21T22:26:45.000Z."),
        (
            {"status": Status.RUNNING, "attempt": 2, "started_at": AT},
            "is RUNNING since 2026-11-21T22:26:40.000Z, attempt 2 of 3.",
        ),
        (
            {"status": Status.RUNNING, "attempt": 2, "started_at": AT, "cancel_requested_at": AT},
            "attempt 2 of 3; a cancel was asked for at 2026-11-21T22:26:40.000Z.",
        ),
        (
            {"status": Status.RETRYING, "attempt": 1, "scheduled_at": AT, "failure": FAILURE},
            "attempt 1 of 3 ended with timeout: It took longer than 10 s (TimeoutError).",
        ),
        (
            {"status": Status.SUCCEEDED, "attempt": 1, "started_at": AT, "finished_at": AT + 250},
            "SUCCEEDED in attempt 1 of 3 after 0.25 s.",
        ),
        (
            {"status": Status.FAILED, "attempt": 3, "failure": FAILURE},
            "FAILED in attempt 3 of 3: timeout: It took longer than 10 s (TimeoutError).",
        ),
        ({"status": Status.FAILED, "attempt": 0}, "FAILED in attempt 0 of 3: no reason on record."),
        ({"status": Status.CANCELLED}, "is CANCELLED."),
    ],
)
def test_the_first_line_says_how_the_job_stands(changes: dict[str, Any], standing: str) -> None:
    first = words(replace(RECORD, **changes))[0]
    assert first.startswith("Job j1 (text.transform on main) ")
    assert first.endswith(standing)


@pytest.mark.parametrize(
    ("status", "standing"),
    [
        (Status.SCHEDULED, "is SCHEDULED and waits until {} (in 2 d 3 h)."),
        (Status.QUEUED, "waits until {} (in 2 d 3 h)."),
        (Status.RETRYING, "is RETRYING, not before {} (in 2 d 3 h): attempt 1 of 3 ended with no reason on record."),
    ],
)
def test_how_long_a_job_waits_is_told_beside_its_time(status: Status, standing: str) -> None:
    start = int(time.time() * 1000) + (51 * 3600 + 1800) * 1000
    record = replace(RECORD, status=status, attempt=1, scheduled_at=start)
    assert words(record)[0].endswith(standing.format(job_view(record)["scheduled_at"]))


def test_what_is_known_is_told_below() -> None:
    record = replace(
        RECORD,
        status=Status.SUCCEEDED,
        round=2,
        tags=("a", "b"),
        metadata={"who": "me"},
        progress=Progress(3, 10, "rows", AT),
        result='{"done": true}',
    )
    told = "\n".join(words(record))
    assert "  round     2\n" in told
    assert "  tags      a, b\n" in told
    assert "  metadata  who=me\n" in told
    assert '  payload   {"a": 1}\n' in told
    assert "  progress  3 of 10: rows\n" in told
    assert '  result    {"done": true}\n' in told


def test_what_was_too_big_for_the_record_is_told_by_its_place() -> None:
    record = replace(RECORD, status=Status.SUCCEEDED, payload=None, payload_ref="s3://b/p", result_ref="s3://b/r")
    assert "  payload   s3://b/p" in words(record)
    assert "  result    s3://b/r" in words(record)
    assert result_text(job_view(record)) == "s3://b/r"


def test_the_timeline_has_a_line_for_each_entry() -> None:
    history = (Entry(AT, "submitted"), Entry(AT, "claimed", 0, "host:1"), Entry(AT, "retrying", 1, "host:1", "timeout"))
    lines = words(replace(RECORD, history=history, attempt=1))
    timeline = [line.split() for line in lines[lines.index("Timeline") + 1 :]]
    at = "2026-11-21T22:26:40.000Z"
    assert timeline == [
        [at, "submitted"],
        [at, "claimed", "attempt", "1", "host:1"],
        [at, "retrying", "attempt", "1", "host:1", "timeout"],
    ]


def test_a_long_payload_is_cut() -> None:
    (payload,) = [line for line in words(replace(RECORD, payload=f'"{"x" * 9000}"')) if "payload" in line]
    assert len(payload) < 500
    assert payload.endswith("… (--json shows all)")


def test_text_from_a_job_cannot_steer_the_terminal() -> None:
    failure = Failure(FailureKind.REJECTED, "\x1b[2J\x1b]0;owned\x07 gone\u202e", error="E\rrror")
    record = replace(
        RECORD,
        status=Status.FAILED,
        failure=failure,
        history=(Entry(AT, "failed", 1, "w", "\x1b[31m"),),
        tags=("\x9b",),
    )
    assert all(line.isprintable() for line in words(record))
    assert "\\x1b[2J" in words(record)[0]
