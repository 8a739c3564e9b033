"""The version before jobs could wait in the table and this one, side by side on one queue and table, and a rollback."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.patience import until
from tests.processes.daemon import RUN, Daemon
from tests.processes.former_version import install_former
from tests.processes.plugin import Journal
from tests.processes.site import Site

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]
SWEEP = 60.0
"""Seconds for a sweep of due jobs, which come every 30, and for what it sends to run."""
MOMENT = 3.0
"""Seconds in which nothing is to happen: several receives, and copies that were hidden for one."""


@pytest.fixture(scope="module")
def former_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_former(tmp_path_factory.mktemp("former"))


@pytest.fixture(scope="module")
def place(site: Site) -> Site:
    mixed = site.changed(
        queues=["mixed"],
        table="mixed-jobs",
        bucket="mixed-artifacts",
        queue={"wait_time": 1, "visibility_timeout": 15},
        extra={"CQWORKER_WORKER__CONCURRENCY": "2"},
    )
    mixed.provision()
    return mixed


@pytest.fixture(scope="module")
def former(former_python: Path, place: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon of the version before, worker and API."""
    folder, program = tmp_path_factory.mktemp("former-daemon"), (str(former_python), "-P", "-m", "cqworker")
    daemon = Daemon(place.environment(), folder, program=program, home=folder)
    yield daemon
    daemon.close()


@pytest.fixture(scope="module")
def present(place: Site, former: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon of this version, worker and API, beside the one of the version before; the last test stops it."""
    daemon = Daemon(place.environment(), tmp_path_factory.mktemp("present-daemon"), RUN)
    yield daemon
    daemon.close()


def in_an_hour() -> str:
    return (datetime.now(UTC) + timedelta(hours=1)).isoformat()


def make_due(place: Site, job_id: str) -> None:
    """Moves the job's time to now, where it waits: nobody sends it because of this but a sweep."""
    place.dynamodb.update_item(
        TableName=place.table,
        Key={"pk": {"S": f"job#{job_id}"}, "sk": {"S": "job"}},
        UpdateExpression="SET scheduled_at = :now",
        ConditionExpression="attribute_exists(due)",
        ExpressionAttributeValues={":now": {"N": str(int(time.time() * 1000))}},
    )


def workers_of(daemon: Daemon, job_ids: list[str]) -> set[str]:
    return {entry["worker"] for job_id in job_ids for entry in daemon.job(job_id)["history"] if entry["worker"]}


def test_the_version_before_is_the_version_before(former_python: Path, tmp_path: Path) -> None:
    asked = "import cqworker, cqworker_handlers as h; print(cqworker.__file__, h.__file__); import cqworker.scheduling"
    told = subprocess.run([former_python, "-P", "-c", asked], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert all(str(former_python.parents[2]) in path for path in told.stdout.split())
    assert "No module named 'cqworker.scheduling'" in told.stderr


def test_either_runs_what_either_takes_in(former: Daemon, present: Daemon) -> None:
    naps = [api.submit("proof.nap", {"seconds": 1}) for _ in range(5) for api in (former, present)]
    delayed = [api.submit("text.transform", {"text": "a"}, delay_seconds=1) for api in (former, present)]
    for reader in (former, present):
        assert [reader.ended(job_id)["status"] for job_id in naps + delayed] == ["SUCCEEDED"] * 12
    assert len(workers_of(present, naps)) == 2


def test_either_retries_and_cancels_what_the_other_took_in(former: Daemon, present: Daemon) -> None:
    for first, second in ((former, present), (present, former)):
        failed = first.submit("proof.refuse", {"seconds": 1})
        assert first.ended(failed)["failure"]["kind"] == "rejected"
        assert second.post(f"/jobs/{failed}/retry").status == 202
        until(lambda failed=failed, first=first: first.job(failed)["round"] == 2)  # type: ignore[misc]
        assert first.ended(failed)["status"] == "FAILED"
        waiting = first.submit("text.transform", {"text": "a"}, delay_seconds=600)
        assert second.post(f"/jobs/{waiting}/cancel").status == 202
        assert first.job(waiting)["status"] == "CANCELLED"


def test_the_version_before_shows_what_waits_in_the_table_and_retries_it_no_more_than_it_starts_it(
    former: Daemon, present: Daemon, journal: Journal
) -> None:
    scheduled = present.submit("proof.nap", {"seconds": 0.1}, run_at=in_an_hour())
    shown = former.job(scheduled)
    assert (shown["status"], shown["scheduled_at"] > shown["created_at"]) == ("SCHEDULED", True)
    assert former.post(f"/jobs/{scheduled}/retry").status == 409
    time.sleep(MOMENT)
    assert former.job(scheduled)["status"] == "SCHEDULED"
    assert present.post(f"/jobs/{scheduled}/run-now").status == 202
    assert former.ended(scheduled)["status"] == "SUCCEEDED"
    assert journal.noted("start").count(scheduled) == 1


def test_the_version_before_cannot_cancel_what_waits_in_the_table_and_says_so(former: Daemon, present: Daemon) -> None:
    scheduled = present.submit("proof.nap", {"seconds": 0.1}, run_at=in_an_hour())
    refused = former.post(f"/jobs/{scheduled}/cancel")
    assert (refused.status, former.job(scheduled)["status"]) == (409, "SCHEDULED")
    assert present.post(f"/jobs/{scheduled}/cancel").status == 202
    assert former.job(scheduled)["status"] == "CANCELLED"


def test_what_is_due_is_swept_once_and_run_by_either(
    place: Site, former: Daemon, present: Daemon, journal: Journal
) -> None:
    jobs = [present.submit("proof.nap", {"seconds": 1}, run_at=in_an_hour()) for _ in range(8)]
    for job_id in jobs:
        make_due(place, job_id)
    assert [former.ended(job_id, SWEEP)["status"] for job_id in jobs] == ["SUCCEEDED"] * 8
    assert sorted(job_id for job_id in journal.noted("start") if job_id in jobs) == sorted(jobs)
    assert len(workers_of(present, jobs)) == 2


def test_a_rollback_loses_nothing_and_what_waits_in_the_table_starts_when_this_version_is_back(
    place: Site, former: Daemon, present: Daemon, journal: Journal, tmp_path: Path
) -> None:
    waiting = [present.submit("proof.nap", {"seconds": 0.1}, run_at=in_an_hour()) for _ in range(3)]
    sent = [present.submit("proof.nap", {"seconds": 0.1}, delay_seconds=4) for _ in range(3)]
    handed_over = present.submit("proof.nap", {"seconds": 0.1}, run_at=in_an_hour())
    assert present.post(f"/jobs/{handed_over}/reschedule", {"delay_seconds": 4}).status == 202
    assert present.stop()[0] == 0
    for job_id in waiting:
        make_due(place, job_id)
    ordinary = former.submit("text.transform", {"text": "a"})
    ended = [former.ended(job_id)["status"] for job_id in (*sent, handed_over, ordinary)]
    assert ended == ["SUCCEEDED"] * 5
    assert [former.job(job_id)["status"] for job_id in waiting] == ["SCHEDULED"] * 3
    back = Daemon(place.environment(), tmp_path, RUN)
    try:
        assert [back.ended(job_id, SWEEP)["status"] for job_id in waiting] == ["SUCCEEDED"] * 3
        until(lambda: place.depth("mixed") == (0, 0))
        assert place.depth("mixed-dead") == (0, 0)
    finally:
        back.close()
    noted = journal.noted("start")
    assert [noted.count(job_id) for job_id in (*waiting, *sent, handed_over)] == [1] * 7
