"""A worker that is asked through the API to drain ends as on SIGTERM: it finishes, says that it left, exits with 0."""

from __future__ import annotations

from typing import Any

from tests.processes.conftest import WORKER, Start
from tests.processes.daemon import Daemon, until
from tests.processes.plugin import Journal
from tests.processes.site import Site


def workers_of(desk: Daemon, queue: str) -> list[dict[str, Any]]:
    return [worker for worker in desk.get("/workers").body["workers"] if worker["queues"] == [queue]]


def test_a_worker_that_is_asked_to_drain_finishes_and_leaves(
    site: Site, desk: Daemon, start: Start, journal: Journal
) -> None:
    job_id = desk.submit("proof.nap", {"seconds": 1.5}, queue="commanded")
    worker = start(site.changed(queues=["commanded"]), *WORKER)
    until(lambda: job_id in set(journal.noted("start")))
    until(lambda: workers_of(desk, "commanded"))
    [shown] = workers_of(desk, "commanded")
    assert desk.post(f"/workers/{shown['worker']}/drain").status == 202
    assert worker.exit_code(patience=90.0) == 0
    assert desk.ended(job_id)["status"] == "SUCCEEDED"
    [left] = workers_of(desk, "commanded")
    assert (left["state"], left["is_acknowledged"]) == ("stopped", True)
