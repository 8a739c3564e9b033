"""A worker that may open nothing more: no file, no connection, no child. It stays, blames nobody, and goes on later."""

from __future__ import annotations

import signal
import sys

import pytest

from tests.processes.conftest import WORKER, Start
from tests.processes.daemon import Daemon, until
from tests.processes.plugin import Journal
from tests.processes.scarcity import without_descriptors
from tests.processes.site import Site

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(sys.platform != "linux", reason="another process's limits are set on Linux alone"),
]
QUEUE = "descriptors"


def reasons(desk: Daemon, job_id: str) -> list[str]:
    """Why the job was handed back, each time."""
    return [entry["reason"] for entry in desk.job(job_id)["history"] if entry["event"] == "handed_back"]


def test_a_worker_without_a_descriptor_left_hands_jobs_back_and_goes_on_when_it_has_some(
    site: Site, desk: Daemon, start: Start, journal: Journal
) -> None:
    worker = start(site.changed(queues=[QUEUE], queue={"wait_time": 1}), *WORKER)
    in_hand = desk.submit("proof.slumber", {"seconds": 3}, queue=QUEUE)
    until(lambda: in_hand in journal.noted("start"))
    with without_descriptors(worker.process.pid):
        opening = desk.submit("proof.nap", {"seconds": 0}, queue=QUEUE)
        forking = desk.submit("proof.compute", {"seconds": 0}, queue=QUEUE)
        until(lambda: reasons(desk, opening) and reasons(desk, forking))
        assert "no file descriptor left" in reasons(desk, opening)[0]
        job = desk.ended(in_hand)
        assert (job["status"], job["attempt"]) == ("SUCCEEDED", 1), "what needs nothing more ends as ever"
        with pytest.raises(OSError, match=r"reset|timed out|closed"):
            worker.get("/healthz")
    assert worker.get("/healthz").status == 200
    for job_id in (opening, forking):
        job = desk.ended(job_id)
        assert (job["status"], job["attempt"]) == ("SUCCEEDED", 1)
    worker.signal(signal.SIGTERM)
    assert worker.exit_code() == 0
    assert "Traceback" not in worker.log
