"""A handler that blocks the handlers' loop hurts handlers only; one that never stops costs the process, not a job."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.processes.conftest import WORKER, Start
from tests.processes.daemon import Answer, Daemon, until
from tests.processes.plugin import SOURCE, Journal
from tests.processes.site import Site

VISIBILITY = {"wait_time": 1, "visibility_timeout": 3}
DRAIN = 2


@pytest.fixture(scope="module", autouse=True)
def stuck(site: Site, desk: Daemon, start: Start) -> Daemon:
    """A worker whose only job never lets go of the loop; started first, for it takes 10 s to give up."""
    desk.submit("proof.stick", {"seconds": 60}, queue="stuck")
    hasty = {"CQWORKER_WORKER__DRAIN_TIMEOUT": "1", "CQWORKER_HANDLERS__ENABLED": '["proof.stick"]'}
    return start(site.changed(queues=["stuck"], extra=hasty), *WORKER)


@dataclass(frozen=True)
class Block:
    """A job that blocked the handlers' loop for three of its leases, and what the worker answered meanwhile."""

    worker: Daemon
    blocker: str
    siblings: tuple[str, ...]
    answers: tuple[Answer, ...]
    renewals: float
    lost: float

    def samples(self, name: str) -> list[tuple[dict[str, str], float]]:
        """What /metrics showed of this name at the last scrape during the block: labels and value."""
        page = [answer.body for answer in self.answers if isinstance(answer.body, bytes)][-1].decode()
        families = text_string_to_metric_families(page)
        samples = (sample for family in families for sample in family.samples)
        return [(sample.labels, sample.value) for sample in samples if sample.name == name]


@pytest.fixture(scope="module")
def block(site: Site, desk: Daemon, start: Start, journal: Journal) -> Block:
    siblings = tuple(desk.submit("proof.nap", {"seconds": 3}, queue="blocked") for _ in range(20))
    extra = {"CQWORKER_WORKER__DRAIN_TIMEOUT": str(DRAIN)}
    worker = start(site.changed(queues=["blocked"], queue=VISIBILITY, extra=extra), *WORKER)
    until(lambda: set(siblings) <= set(journal.noted("start")))
    blocker = desk.submit("proof.block", {"seconds": 3 * VISIBILITY["visibility_timeout"]}, queue="blocked")
    until(lambda: blocker in journal.noted("start"))
    answers = []
    while blocker not in journal.noted("end"):
        answers += [worker.get("/healthz"), worker.get("/metrics")]
        time.sleep(0.2)
    for job_id in (blocker, *siblings):
        desk.ended(job_id)
    renewed, lost = worker.metric("cqworker_lease_renewals_total"), worker.metric("cqworker_leases_lost_total")
    during = tuple(answers[:-2])  # the last two may have come after the end
    return Block(worker, blocker, siblings, during, renewed, lost)


def test_health_and_metrics_answer_and_leases_are_kept_while_a_handler_blocks_its_loop_for_three_of_its_leases(
    block: Block, desk: Daemon, journal: Journal
) -> None:
    assert len(block.answers) > 20
    assert {answer.status for answer in block.answers} == {200}
    assert max(answer.seconds for answer in block.answers) < 1
    for job_id in (block.blocker, *block.siblings):
        job = desk.job(job_id)
        assert (job["status"], job["attempt"]) == ("SUCCEEDED", 1)
        assert journal.noted("start").count(job_id) == 1, "its message stayed hidden beyond 3 s"
    assert block.renewals >= 2 * 21
    assert block.lost == 0


def test_a_block_is_told_with_the_one_job_that_is_to_blame_and_the_line_it_stands_on(block: Block) -> None:
    told = [json.loads(line) for line in block.worker.log.splitlines() if "handlers' loop is blocked" in line]
    assert told
    assert [line["jobs"] for line in told] == [[f"proof.block {block.blocker}"]] * len(told)
    source = SOURCE.read_text().splitlines()
    for line in told:
        path, _, number = line["at"].rpartition(":")
        assert path.endswith("proof_handlers.py")
        assert "time.sleep" in source[int(number) - 1]


def test_metrics_read_during_a_block_say_how_long_it_lasts_and_which_type_is_to_blame(block: Block) -> None:
    [(_, lag)] = block.samples("cqworker_handlers_loop_lag_seconds")
    assert lag > 1
    [(labels, silences)] = block.samples("cqworker_handlers_loop_silences_total")
    assert (labels, silences >= 1) == ({"type": "proof.block"}, True)


def test_a_stop_is_bounded_and_hands_other_jobs_back_while_a_handler_blocks_its_loop(
    block: Block, desk: Daemon, journal: Journal
) -> None:
    worker = block.worker
    beside = desk.submit("proof.compute", {"seconds": 60}, queue="blocked")
    until(lambda: beside in journal.noted("start"))
    blocker = desk.submit("proof.block", {"seconds": 60}, queue="blocked")
    until(lambda: blocker in journal.noted("start"))
    code, seconds = worker.stop()
    assert code == 0, worker.log
    assert seconds < DRAIN + 2
    job = desk.job(beside)
    assert (job["status"], job["attempt"]) == ("QUEUED", 0)
    job = desk.job(blocker)
    assert (job["status"], job["attempt"]) == ("RUNNING", 1), "its lease runs out, and then it is started again"


def test_a_handlers_loop_that_stays_stuck_ends_the_worker_with_70(stuck: Daemon, desk: Daemon) -> None:
    assert stuck.exit_code() == 70, stuck.log
    assert "Traceback" not in stuck.log
    [job_id] = re.findall(r'"handler would not stop".*"job_id":"([^"]+)"', stuck.log)
    why = rf"the handlers' loop has been blocked for \d+ s at \S+proof_handlers.py:\d+: proof.stick {job_id}\""
    assert re.search(why, stuck.log), stuck.log
    job = desk.job(job_id)
    assert (job["status"], job["failure"]["kind"]) == ("FAILED", "timeout")
