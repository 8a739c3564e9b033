"""Handlers that never stop cost their slots; more of them than the worker may bear cost it a restart."""

from __future__ import annotations

import re

import pytest

from tests.processes.conftest import WORKER, Start
from tests.processes.daemon import Daemon
from tests.processes.site import Site

pytestmark = pytest.mark.processes


def test_a_worker_with_more_abandoned_handlers_than_it_may_bear_names_them_and_exits_with_70(
    site: Site, desk: Daemon, start: Start
) -> None:
    for _ in range(2):
        desk.submit("proof.cling", {"seconds": 60}, queue="cling")
    bearing = {"CQWORKER_WORKER__DRAIN_TIMEOUT": "1", "CQWORKER_WORKER__MAX_ABANDONED_HANDLERS": "1"}
    clung = start(site.changed(queues=["cling"], extra=bearing), *WORKER)
    assert clung.exit_code() == 70, clung.log
    assert "Traceback" not in clung.log
    [why] = re.findall('"2 handlers would not stop, and only 1 may go on: ([^"]+)"', clung.log)
    jobs = re.findall("proof.cling ([^,]+)", why)
    assert len(jobs) == 2
    for job_id in jobs:
        job = desk.job(job_id)
        assert (job["status"], job["failure"]["kind"]) == ("FAILED", "timeout")
