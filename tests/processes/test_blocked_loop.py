"""A handler that blocks the handlers' loop hurts handlers only; one that never stops costs the process, not a job."""

from __future__ import annotations

import re
import time

import pytest

from tests.processes.conftest import WORKER, Start
from tests.processes.daemon import Daemon, until
from tests.processes.plugin import Journal
from tests.processes.site import Site

VISIBILITY = {"wait_time": 1, "visibility_timeout": 3}


@pytest.fixture(scope="module", autouse=True)
def stuck(site: Site, desk: Daemon, start: Start) -> Daemon:
    """A worker whose only job never lets go of the loop; started first, for it takes 10 s to give up."""
    desk.submit("proof.stick", {"seconds": 60}, queue="stuck")
    hasty = {"CQWORKER_WORKER__DRAIN_TIMEOUT": "1", "CQWORKER_HANDLERS__ENABLED": '["proof.stick"]'}
    return start(site.changed(queues=["stuck"], extra=hasty), *WORKER)


@pytest.fixture(scope="module", autouse=True)
def clung(site: Site, desk: Daemon, start: Start) -> Daemon:
    """A worker that bears one abandoned handler, and has two in threads that never end."""
    for _ in range(2):
        desk.submit("proof.cling", {"seconds": 60}, queue="cling")
    bearing = {"CQWORKER_WORKER__DRAIN_TIMEOUT": "1", "CQWORKER_WORKER__MAX_ABANDONED_HANDLERS": "1"}
    return start(site.changed(queues=["cling"], extra=bearing), *WORKER)


def test_health_answers_and_leases_are_kept_while_a_handler_blocks_its_loop_for_three_of_its_leases(
    site: Site, desk: Daemon, start: Start, journal: Journal
) -> None:
    siblings = [desk.submit("proof.nap", {"seconds": 3}, queue="blocked") for _ in range(20)]
    worker = start(site.changed(queues=["blocked"], queue=VISIBILITY), *WORKER)
    until(lambda: set(siblings) <= set(journal.noted("start")))
    blocker = desk.submit("proof.block", {"seconds": 3 * VISIBILITY["visibility_timeout"]}, queue="blocked")
    until(lambda: blocker in journal.noted("start"))
    answers = []
    while blocker not in journal.noted("end"):
        answers.append(worker.get("/healthz"))
        time.sleep(0.1)
    assert len(answers) > 20
    assert {answer.status for answer in answers} == {200}
    assert max(answer.seconds for answer in answers) < 1
    for job_id in (blocker, *siblings):
        job = desk.ended(job_id)
        assert (job["status"], job["attempt"]) == ("SUCCEEDED", 1)
        assert journal.noted("start").count(job_id) == 1, "its message stayed hidden beyond 3 s"
    assert worker.metric("cqworker_lease_renewals_total") >= 2 * 21
    assert worker.metric("cqworker_leases_lost_total") == 0


def test_a_handlers_loop_that_stays_stuck_ends_the_worker_with_70(stuck: Daemon, desk: Daemon) -> None:
    assert stuck.exit_code() == 70, stuck.log
    assert "Traceback" not in stuck.log
    [job_id] = re.findall(r'"handler would not stop".*"job_id":"([^"]+)"', stuck.log)
    job = desk.job(job_id)
    assert (job["status"], job["failure"]["kind"]) == ("FAILED", "timeout")


def test_a_worker_with_more_abandoned_handlers_than_it_may_bear_names_them_and_exits_with_70(
    clung: Daemon, desk: Daemon
) -> None:
    assert clung.exit_code() == 70, clung.log
    assert "Traceback" not in clung.log
    [why] = re.findall('"2 handlers would not stop, and only 1 may go on: ([^"]+)"', clung.log)
    jobs = re.findall("proof.cling ([^,]+)", why)
    assert len(jobs) == 2
    for job_id in jobs:
        job = desk.job(job_id)
        assert (job["status"], job["failure"]["kind"]) == ("FAILED", "timeout")
