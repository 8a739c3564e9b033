"""SIGTERM in the middle of work: nothing is lost, nothing fails, nothing is charged, nothing waits for a timeout."""

from __future__ import annotations

import math
import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.patience import scaled
from tests.processes.conftest import WORKER, Start
from tests.processes.daemon import Daemon, until
from tests.processes.plugin import Journal
from tests.processes.site import Site

RUNNING = 20
LONGEST_NAP = 30
"""Seconds: half the time that a nap has, however slow the machine is at the moment when naps are ordered."""
Jobs = Mapping[str, dict[str, Any]]


class Story:
    """Naps that wait in one queue, and what becomes of them; all that run at once begin before the first has ended."""

    def __init__(self, queue: str, desk: Daemon, journal: Journal, jobs: int) -> None:
        self.nap = min(LONGEST_NAP, math.ceil(scaled(2)))
        self._desk = desk
        self._journal = journal
        with ThreadPoolExecutor(8) as clients:
            self.ids = list(
                clients.map(lambda _: desk.submit("proof.nap", {"seconds": self.nap}, queue=queue), range(jobs))
            )

    def noted(self, what: str) -> list[str]:
        """The jobs of this story of which handlers noted this."""
        return [job_id for job_id in self._journal.noted(what) if job_id in self.ids]

    def jobs(self) -> Jobs:
        with ThreadPoolExecutor(8) as clients:
            return dict(zip(self.ids, clients.map(self._desk.job, self.ids), strict=True))


@dataclass(frozen=True, slots=True)
class Drain:
    """A worker that was stopped while 20 jobs ran and others waited."""

    place: Site
    story: Story
    code: int
    log: str
    running: Sequence[str]
    jobs: Jobs
    depth: tuple[int, int]

    @property
    def waiting(self) -> list[str]:
        return [job_id for job_id in self.jobs if job_id not in self.running]


def stop_in_the_middle(story: Story, place: Site, start: Start) -> Drain:
    worker = start(place, *WORKER, "--concurrency", str(RUNNING))
    until(lambda: len(story.noted("start")) == RUNNING)
    worker.signal(signal.SIGTERM)
    running = story.noted("start")
    code = worker.exit_code(patience=30.0 + story.nap)
    depth = place.depth(place.queues[0])
    return Drain(place, story, code, worker.log, running, story.jobs(), depth)


@pytest.fixture(scope="module")
def short(site: Site, desk: Daemon, start: Start, journal: Journal) -> Drain:
    """A drain that has no time for them, with 30 jobs waiting."""
    story = Story("short", desk, journal, RUNNING + 30)
    hasty = {"CQWORKER_WORKER__DRAIN_TIMEOUT": "0"}
    return stop_in_the_middle(story, site.changed(queues=["short"], extra=hasty), start)


@pytest.fixture(scope="module")
def exact(site: Site, desk: Daemon, start: Start, journal: Journal) -> Drain:
    """A drain that has a second more than its running jobs need, with 50 jobs waiting."""
    story = Story("exact", desk, journal, RUNNING + 50)
    patient = {"CQWORKER_WORKER__DRAIN_TIMEOUT": str(story.nap + 1)}
    return stop_in_the_middle(story, site.changed(queues=["exact"], extra=patient), start)


@pytest.fixture(params=["exact", "short"])
def drain(request: pytest.FixtureRequest) -> Drain:
    stopped: Drain = request.getfixturevalue(request.param)
    return stopped


def statuses(jobs: Jobs, ids: Sequence[str]) -> Counter[tuple[str, int]]:
    return Counter((jobs[job_id]["status"], jobs[job_id]["attempt"]) for job_id in ids)


def test_a_drained_worker_exits_with_0(drain: Drain) -> None:
    assert drain.code == 0, drain.log
    assert "Traceback" not in drain.log


def test_a_stop_charges_no_attempt_to_a_job_that_waited(drain: Drain) -> None:
    assert statuses(drain.jobs, drain.waiting) == {("QUEUED", 0): len(drain.jobs) - RUNNING}


def test_running_jobs_have_all_of_the_drains_time_and_finish_in_it(exact: Drain) -> None:
    assert statuses(exact.jobs, exact.running) == {("SUCCEEDED", 1): RUNNING}
    assert exact.story.noted("interrupted") == []


def test_those_that_waited_are_visible_once_each_as_soon_as_the_worker_is_gone(exact: Drain) -> None:
    assert exact.depth == (50, 0)
    assert Counter(exact.place.job_ids_in("exact")) == Counter(exact.waiting)


def test_running_jobs_are_handed_back_uncharged_when_the_drain_has_no_time_for_them(short: Drain) -> None:
    assert statuses(short.jobs, short.running) == {("QUEUED", 0): RUNNING}
    assert {short.jobs[job_id]["history"][-1]["event"] for job_id in short.running} == {"handed_back"}
    assert Counter(short.story.noted("interrupted")) == Counter(short.running)
    assert short.depth == (len(short.jobs), 0)


def test_the_next_worker_finishes_every_job_in_its_first_attempt(short: Drain, start: Start) -> None:
    worker = start(short.place, *WORKER, "--concurrency", "100")
    done = 30.0 + short.story.nap  # a nap is as long as the machine was slow when it was chosen, whatever it is now
    until(lambda: worker.metric("cqworker_jobs_finished_total", status="SUCCEEDED") == len(short.jobs), patience=done)
    assert statuses(short.story.jobs(), short.story.ids) == {("SUCCEEDED", 1): len(short.jobs)}
    assert Counter(short.story.noted("end")) == Counter(short.story.ids)
    assert Counter(short.story.noted("start")) == Counter(short.story.ids) + Counter(short.running)
