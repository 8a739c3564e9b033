"""What a supervisor says by signals, and what it is told."""

from __future__ import annotations

import signal
from collections.abc import Sequence

import pytest

from tests.processes.conftest import WORKER, Start
from tests.processes.daemon import Daemon, until
from tests.processes.plugin import Journal
from tests.processes.site import Site

JOBS = 3


def worker_with_naps(queue: str, seconds: float, site: Site, desk: Daemon, start: Start, journal: Journal) -> Daemon:
    """A worker in which three naps have begun."""
    ids = {desk.submit("proof.nap", {"seconds": seconds}, queue=queue) for _ in range(JOBS)}
    worker = start(site.changed(queues=[queue], extra={"WATCHDOG_USEC": "600000"}), *WORKER)
    until(lambda: ids <= set(journal.noted("start")))
    return worker


@pytest.fixture(scope="module")
def hung_up(site: Site, desk: Daemon, start: Start, journal: Journal) -> Daemon:
    """A worker that got SIGHUP in the middle of its jobs, and has ended."""
    worker = worker_with_naps("hangup", 1.5, site, desk, start, journal)
    worker.signal(signal.SIGHUP)
    worker.exit_code()
    return worker


def test_sighup_drains(hung_up: Daemon, site: Site) -> None:
    assert hung_up.exit_code() == 0
    assert hung_up.log.count('"job succeeded"') == JOBS
    assert site.depth("hangup") == (0, 0)


def test_the_supervisor_hears_ready_then_watchdog_then_stopping(hung_up: Daemon) -> None:
    assert in_order(["READY=1", "WATCHDOG=1", "STOPPING=1"], hung_up.supervisor.told)


def test_a_drain_asks_the_supervisor_for_time_and_goes_on_feeding_the_watchdog(hung_up: Daemon) -> None:
    told = hung_up.supervisor.told
    drain = told[told.index("STOPPING=1") :]
    assert any(line.startswith("EXTEND_TIMEOUT_USEC=") for line in drain)
    assert "WATCHDOG=1" in drain


def test_a_second_sigterm_hands_everything_back_and_ends_at_once(
    site: Site, desk: Daemon, start: Start, journal: Journal
) -> None:
    worker = worker_with_naps("hurry", 50.0, site, desk, start, journal)
    worker.signal(signal.SIGTERM)
    worker.supervisor.hears("STOPPING=1")
    assert (worker.get("/readyz").status, worker.get("/healthz").status) == (503, 200)
    code, seconds = worker.stop()
    assert code == 0
    assert seconds < 10, "50 s would be waiting for the jobs, 25 for the drain"
    assert site.depth("hurry") == (JOBS, 0)
    jobs = [desk.job(job_id) for job_id in site.job_ids_in("hurry")]
    assert [(job["status"], job["attempt"], job["history"][-1]["event"]) for job in jobs] == [
        ("QUEUED", 0, "handed_back")
    ] * JOBS


def in_order(wanted: Sequence[str], told: Sequence[str]) -> bool:
    """Whether these were told in this order, whatever came between."""
    rest = iter(told)
    return all(line in rest for line in wanted)
