"""Every misbehaviour at once, in one worker: each costs its own job alone, and the worker still stops in time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.processes.conftest import WORKER, Start
from tests.processes.daemon import Answer, Daemon, until
from tests.processes.plugin import Journal
from tests.processes.site import Site

pytestmark = pytest.mark.processes
VISIBILITY = {"wait_time": 1, "visibility_timeout": 3}
NAP = 9
DRAIN = 3
HUNG = {"proof.cling", "proof.ignore"}
ENDINGS = {
    "proof.cling": ("timeout", 1),
    "proof.ignore": ("timeout", 1),
    "proof.delegate": ("timeout", 1),
    "proof.leave": ("exhausted", 1),
    "proof.segfault": ("crashed", 2),
    "proof.vanish": ("crashed", 2),
    "proof.devour": ("exhausted", 2),
}
"""What becomes of each misbehaviour: the failure's kind, after so many starts."""


@dataclass(frozen=True)
class Story:
    """What was seen of a worker among whose jobs were the worst, up to its end."""

    naps: tuple[str, ...]
    culprits: Mapping[str, str]
    answers: tuple[Answer, ...]
    page: str
    interrupted: str
    exit_code: int
    seconds: float

    def metric(self, name: str) -> dict[frozenset[tuple[str, str]], float]:
        """What /metrics said of this name when only hung handlers were left, by labels."""
        families = text_string_to_metric_families(self.page)
        samples = (sample for family in families for sample in family.samples if sample.name == name)
        return {frozenset(sample.labels.items()): sample.value for sample in samples}


@contextmanager
def probed(worker: Daemon) -> Iterator[list[Answer]]:
    """Asks the worker how it is, over and over, for as long as the block lasts."""
    answers: list[Answer] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(0.1):
            answers.extend(worker.get(path) for path in ("/healthz", "/metrics"))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join()


@pytest.fixture(scope="module")
def story(site: Site, desk: Daemon, start: Start, journal: Journal) -> Story:
    def submit(type_: str, seconds: float = 60) -> str:
        return desk.submit(type_, {"seconds": seconds}, queue="misbehaviour")

    def has_only_the_hung() -> bool:
        return worker.metric("cqworker_slots_taken") == len(HUNG)

    extra = {"CQWORKER_WORKER__DRAIN_TIMEOUT": str(DRAIN)}
    worker = start(site.changed(queues=["misbehaviour"], queue=VISIBILITY, extra=extra), *WORKER)
    naps = tuple(submit("proof.nap", NAP) for _ in range(10))
    until(lambda: set(naps) <= set(journal.noted("start")))
    with probed(worker) as answers:
        culprits = {type_: submit(type_) for type_ in ENDINGS}
        until(lambda: set(naps) <= set(journal.noted("end")))
        for job_id in culprits.values():
            desk.ended(job_id)
        until(has_only_the_hung)
        page = worker.get("/metrics").body.decode()
        beside = [submit(type_) for type_ in (*HUNG, "proof.delegate", "proof.compute")]
        until(lambda: set(beside) <= set(journal.noted("start")))
    return Story(naps, culprits, tuple(answers), page, beside[-1], *worker.stop())


def test_health_and_metrics_answer_at_once_all_the_time(story: Story) -> None:
    assert len(story.answers) > 20
    assert {answer.status for answer in story.answers} == {200}
    assert max(answer.seconds for answer in story.answers) < 1


def test_siblings_of_every_misbehaviour_succeed_in_their_first_attempt_and_no_lease_is_lost(
    story: Story, desk: Daemon, journal: Journal
) -> None:
    for job_id in story.naps:
        job = desk.ended(job_id)
        assert (job["status"], job["attempt"]) == ("SUCCEEDED", 1)
        assert journal.noted("start").count(job_id) == 1
    assert not any(story.metric("cqworker_leases_lost_total").values())


@pytest.mark.parametrize("type_", ENDINGS)
def test_each_misbehaviour_ends_its_own_job_after_as_many_starts_as_it_may_have(
    story: Story, desk: Daemon, journal: Journal, type_: str
) -> None:
    kind, starts = ENDINGS[type_]
    job = desk.ended(story.culprits[type_])
    assert (job["status"], job["failure"]["kind"], job["attempt"]) == ("FAILED", kind, starts)
    assert journal.noted("start").count(job["job_id"]) == starts


def test_what_was_too_much_memory_and_an_exit_are_said_in_the_record(story: Story, desk: Daemon) -> None:
    assert "more than the 64 MiB of memory" in desk.job(story.culprits["proof.devour"])["failure"]["message"]
    assert desk.job(story.culprits["proof.leave"])["failure"]["detail"]["error"] == "SystemExit"


def test_only_handlers_that_hang_keep_their_slots(story: Story) -> None:
    assert story.metric("cqworker_slots_taken") == {frozenset(): len(HUNG)}
    kept = {labels: count for labels, count in story.metric("cqworker_abandoned_handlers").items() if count}
    assert kept == {frozenset({("type", type_)}): 1 for type_ in HUNG}


def test_a_stop_beside_them_all_is_in_time_and_hands_back_what_can_be_stopped(story: Story, desk: Daemon) -> None:
    assert story.exit_code == 0
    assert story.seconds < DRAIN + 4
    job = desk.job(story.interrupted)
    assert (job["status"], job["attempt"]) == ("QUEUED", 0)
