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


def failed(tenant: str, number: int = 0) -> e.JobSettled:
    return e.JobSettled(
        job=subject(job_id=f"{tenant}-{number}", tenant=tenant),
        status=Status.FAILED,
        seconds=1.0,
        kind=FailureKind.REJECTED,
        message=f"of {tenant}",
    )


def told_to(stats: Stats, tenant: str | None) -> tuple[int, list[Any]]:
    """The failures that are counted and those that are listed, for this tenant or for the operator of all."""
    shown: dict[str, Any] = orjson.loads(orjson.dumps(stats.snapshot(tenant)))
    assert shown["jobs"]["failed"] == sum(counts.get("failed", 0) for counts in shown["by_type"].values())
    return shown["jobs"]["failed"], [failure["job_id"] for failure in shown["last_failures"]]


def test_a_tenant_is_told_of_its_own_jobs_and_the_operator_of_all() -> None:
    stats = Stats({"text.transform"}, TurnedClock(), tenants=("a", "b"))
    for tenant in ("a", "b", "stranger", "a"):
        stats(failed(tenant))
    assert told_to(stats, "a") == (2, ["a-0", "a-0"])
    assert told_to(stats, "b") == (1, ["b-0"])
    assert told_to(stats, "nobody") == (0, [])
    assert told_to(stats, "stranger") == (0, [])
    assert told_to(stats, None) == (4, ["a-0", "stranger-0", "b-0", "a-0"])


def test_a_tenant_whose_jobs_all_fail_pushes_no_others_failures_out() -> None:
    stats = Stats({"text.transform"}, TurnedClock(), tenants=("noisy", "quiet"))
    stats(failed("quiet"))
    for number in range(100):
        stats(failed("noisy", number))
    assert told_to(stats, "quiet") == (1, ["quiet-0"])
    assert told_to(stats, "noisy")[1] == [f"noisy-{number}" for number in range(99, 79, -1)]
    assert told_to(stats, None)[1] == told_to(stats, "noisy")[1]


def test_tenants_that_no_token_has_cost_nothing_each() -> None:
    stats = Stats({"text.transform"}, TurnedClock(), tenants=("a",))
    for number in range(1000):
        stats(failed(f"invented-{number}"))
    assert told_to(stats, None)[0] == 1000
    assert len(stats._tenants) == 1
