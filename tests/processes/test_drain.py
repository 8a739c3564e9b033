"""SIGTERM in the middle of work: nothing is lost, nothing fails, nothing is charged, nothing waits for a timeout."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.processes.conftest import Start
from tests.processes.daemon import Daemon, until
from tests.processes.plugin import Journal
from tests.processes.site import Site

RUNNING = 20
WAITING = 200
Jobs = Mapping[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Drain:
    """A worker that was stopped while 20 jobs of two seconds ran and 200 waited, and what another then did."""

    code: int
    jobs: Jobs
    visible: int
    hidden: int
    running: Sequence[str]
    afterwards: Jobs
    noted: Mapping[str, Counter[str]]
    log: str

    @property
    def waiting(self) -> list[dict[str, Any]]:
        return [job for job_id, job in self.jobs.items() if job_id not in self.running]


def stop_in_the_middle(queue: str, seconds: str, site: Site, desk: Daemon, start: Start, journal: Journal) -> Drain:
    with ThreadPoolExecutor(8) as clients:
        ids = list(clients.map(lambda _: desk.submit("proof.nap", {"seconds": 2}, queue=queue), range(220)))

        def noted(what: str) -> list[str]:
            return [job_id for job_id in journal.noted(what) if job_id in ids]

        place = site.changed(queues=[queue], extra={"CQWORKER_WORKER__DRAIN_TIMEOUT": seconds})
        worker = start(place, "run", "--port", "0", "--role", "worker", "--concurrency", str(RUNNING))
        until(lambda: len(noted("start")) == RUNNING)
        worker.signal(signal.SIGTERM)
        running = noted("start")
        code = worker.exit_code()
        visible, hidden = site.depth(queue)
        jobs = dict(zip(ids, clients.map(desk.job, ids), strict=True))
        start(place, "run", "--port", "0", "--role", "worker", "--concurrency", "250")
        afterwards = dict(zip(ids, clients.map(desk.ended, ids), strict=True))
    counts = {what: Counter(noted(what)) for what in ("start", "end", "interrupted")}
    return Drain(code, jobs, visible, hidden, running, afterwards, counts, worker.log)


@pytest.fixture(scope="module")
def patient(site: Site, desk: Daemon, start: Start, journal: Journal) -> Drain:
    """A drain that has time for running jobs to finish."""
    return stop_in_the_middle("long", "25", site, desk, start, journal)


@pytest.fixture(scope="module")
def short(site: Site, desk: Daemon, start: Start, journal: Journal) -> Drain:
    """A drain that has no time for them."""
    return stop_in_the_middle("short", "1", site, desk, start, journal)


@pytest.fixture(params=["patient", "short"])
def drain(request: pytest.FixtureRequest) -> Drain:
    story: Drain = request.getfixturevalue(request.param)
    return story


def statuses(jobs: Sequence[dict[str, Any]]) -> Counter[tuple[str, int]]:
    return Counter((job["status"], job["attempt"]) for job in jobs)


def test_a_drained_worker_exits_with_0(drain: Drain) -> None:
    assert drain.code == 0, drain.log
    assert "Traceback" not in drain.log


def test_jobs_that_waited_are_visible_again_when_the_worker_is_gone(drain: Drain) -> None:
    assert (drain.visible, drain.hidden) == (sum(job["status"] == "QUEUED" for job in drain.jobs.values()), 0)
    assert drain.visible >= WAITING


def test_a_stop_charges_no_attempt_to_a_job_that_waited(drain: Drain) -> None:
    assert statuses(drain.waiting) == {("QUEUED", 0): WAITING}


def test_running_jobs_finish_when_the_drain_has_time_for_them(patient: Drain) -> None:
    assert statuses([patient.jobs[job_id] for job_id in patient.running]) == {("SUCCEEDED", 1): RUNNING}


def test_running_jobs_are_stopped_and_handed_back_uncharged_when_it_has_not(short: Drain) -> None:
    handed_back = [short.jobs[job_id] for job_id in short.running]
    assert statuses(handed_back) == {("QUEUED", 0): RUNNING}
    assert {job["history"][-1]["event"] for job in handed_back} == {"handed_back"}
    assert short.noted["interrupted"] == Counter(short.running)


def test_another_worker_finishes_every_job_in_its_first_attempt(drain: Drain) -> None:
    assert statuses(list(drain.afterwards.values())) == {("SUCCEEDED", 1): RUNNING + WAITING}
    assert drain.noted["end"] == Counter(drain.afterwards.keys())


def test_no_job_starts_more_often_than_it_was_interrupted_and_ended(drain: Drain) -> None:
    assert drain.noted["start"] == drain.noted["end"] + drain.noted["interrupted"]
