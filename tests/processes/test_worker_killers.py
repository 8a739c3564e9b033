"""A handler that takes its whole worker along is stopped by its attempts, and costs the others nothing but time."""

from __future__ import annotations

import signal

from cqworker.model.status import FINAL
from tests.processes.conftest import WORKER, Start
from tests.processes.daemon import Daemon, until
from tests.processes.plugin import Journal
from tests.processes.site import Site

VISIBILITY = {"wait_time": 1, "visibility_timeout": 3}


def test_a_handler_that_kills_its_worker_is_stopped_after_its_attempts_and_the_others_go_on(
    site: Site, desk: Daemon, start: Start, journal: Journal
) -> None:
    place = site.changed(queues=["killers"], queue=VISIBILITY)
    naps = [desk.submit("proof.nap", {"seconds": 0.5}, queue="killers") for _ in range(5)]
    killer = desk.submit("proof.kill", {"seconds": 0}, queue="killers")
    naps += [desk.submit("proof.nap", {"seconds": 0.5}, queue="killers") for _ in range(5)]
    worker, deaths = start(place, *WORKER), []

    def has_ended() -> bool:
        nonlocal worker
        if (code := worker.process.poll()) is not None:
            deaths.append(code)
            worker = start(place, *WORKER)  # as a supervisor would
        return desk.job(killer)["status"] in FINAL

    until(has_ended)
    job = desk.job(killer)
    assert (job["status"], job["failure"]["kind"], job["attempt"]) == ("FAILED", "crashed", 2)
    assert (journal.noted("start").count(killer), deaths) == (2, [-signal.SIGKILL] * 2)
    for job_id in naps:
        assert desk.ended(job_id)["status"] == "SUCCEEDED"
