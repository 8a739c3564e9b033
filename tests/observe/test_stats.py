"""The counts and the last failures that /status shows."""

from __future__ import annotations

from typing import Any

import orjson

from cqworker import events as e
from cqworker.model.status import FailureKind, Status
from cqworker.observe.stats import Stats
from tests.observe.samples import EVENT_CLASSES, JOB, TurnedClock, sample_of, subject


def stats_of(*events: e.Event) -> dict[str, Any]:
    stats = Stats({"text.transform"}, TurnedClock())
    for event in events:
        stats(event)
    snapshot: dict[str, Any] = orjson.loads(orjson.dumps(stats.snapshot()))
    return snapshot


def test_a_quiet_worker_shows_zeros() -> None:
    snapshot = stats_of()
    assert set(snapshot["jobs"].values()) == {0}
    assert (snapshot["by_type"], snapshot["last_failures"]) == ({}, [])


def test_jobs_are_counted_by_outcome_and_by_type() -> None:
    snapshot = stats_of(
        sample_of(e.JobStarted),
        e.JobSettled(job=JOB, status=Status.SUCCEEDED, seconds=1.0),
        e.JobSettled(job=subject(type="invented"), status=Status.FAILED, seconds=1.0, kind=FailureKind.REJECTED),
        sample_of(e.JobForestalled, status=Status.CANCELLED),
        sample_of(e.JobLost),
    )
    assert snapshot["jobs"] | {"started": 1, "succeeded": 1, "failed": 2, "cancelled": 1} == snapshot["jobs"]
    assert snapshot["by_type"]["(unknown)"] == {"failed": 1}
    assert snapshot["by_type"]["text.transform"] == {"started": 1, "succeeded": 1, "cancelled": 1, "failed": 1}


def test_the_last_twenty_failures_are_told_newest_first_and_cut() -> None:
    events = [
        e.JobSettled(
            job=subject(job_id=f"job-{number}"),
            status=Status.RETRYING,
            seconds=1.0,
            kind=FailureKind.RAISED,
            message="Authorization: Bearer s3cr3t" + "x" * 5000,
        )
        for number in range(30)
    ]
    failures = stats_of(*events)["last_failures"]
    assert [failure["job_id"] for failure in failures] == [f"job-{number}" for number in range(29, 9, -1)]
    assert failures[0].keys() == {"at", "job_id", "type", "attempt", "status", "kind", "message"}
    assert failures[0]["kind"] == "raised"
    assert len(failures[0]["message"]) <= 300
    assert "s3cr3t" not in failures[0]["message"]


def test_every_way_to_fail_is_remembered() -> None:
    snapshot = stats_of(
        sample_of(e.JobForestalled, status=Status.FAILED, kind=FailureKind.CRASHED),
        sample_of(e.JobLost),
        sample_of(e.JobSettled, status=Status.SUCCEEDED, kind=None),
    )
    assert [failure["kind"] for failure in snapshot["last_failures"]] == ["lost", "crashed"]


def test_uptime_runs_on_the_clock() -> None:
    clock = TurnedClock()
    stats = Stats((), clock)
    clock.seconds += 61.5
    assert stats.snapshot()["uptime_seconds"] == 61.5
    assert stats.snapshot()["started_at"] == "1970-01-01T00:16:40.000Z"


def test_every_event_is_taken_without_complaint() -> None:
    stats_of(*(sample_of(kind) for kind in EVENT_CLASSES))
