"""A status has a stage, a writer, words, a number and a page; nobody keeps a list of statuses of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

import pytest
from msgspec.structs import replace

from cqworker.cli.job_text import describe_job
from cqworker.cli.jobs import retry
from cqworker.client import Client
from cqworker.events import JobForestalled, JobSettled
from cqworker.flow.conclusion import Ending
from cqworker.flow.settle import _ending_in_words
from cqworker.jobs.operator_actions import OperatorActions
from cqworker.model.job_view import job_view
from cqworker.model.status import FINAL, RETRYABLE, SETTLED, WAITING, FailureKind, Stage, Status
from cqworker.observe.event_wording import ENDINGS
from cqworker.observe.metrics_observer import MetricsObserver
from cqworker.observe.stats import Stats
from cqworker.web.routes import ROUTES
from tests.observe.samples import JOB, TurnedClock
from tests.rails.conclusions import every_conclusion
from tests.rails.jobs import RECORD
from tests.rails.pages import ROOT, WRITE_ROW, untold
from tests.rails.source import givers_of, is_used, texts

IN_USE = [status for status in Status if status.stage is not Stage.RESERVED]
OF_ENDINGS = ("flow/settle.py", _ending_in_words.__name__)
"""Has a status for every ending there is; that an attempt comes to such an ending is asked of `conclude()`."""
ONLY_SAY = ("observe/", "cli/", "client/", "testing/", "aws/")
"""Where a status is named, and nothing is decided."""


def test_every_status_is_in_one_of_the_sets_and_final_is_what_ends() -> None:
    running = {status for status in Status if status.stage is Stage.HELD}
    reserved = {status for status in Status if status.stage is Stage.RESERVED}
    assert set(Status) == reserved | WAITING | running | FINAL
    assert RETRYABLE < FINAL
    assert set(SETTLED) == FINAL | {Status.RETRYING}


@pytest.mark.parametrize("status", IN_USE)
def test_every_status_is_written_by_somebody(status: Status) -> None:
    concluded = {_ending_in_words(found)[0] for found in every_conclusion() if isinstance(found, Ending)}
    givers = {giver for giver in givers_of("Status", status.name) if not giver[0].startswith(ONLY_SAY)} - {OF_ENDINGS}
    assert status in concluded or any(is_used(function) for _, function in givers), (
        f"no attempt comes to {status}, and no write gives it; a status that nobody writes is Stage.RESERVED"
    )


@pytest.mark.parametrize("status", SETTLED)
def test_every_ending_has_a_line_a_number_and_a_count(status: Status) -> None:
    assert ENDINGS[status].event
    stats, metrics = Stats([JOB.type], TurnedClock()), MetricsObserver([JOB.type])
    event = JobSettled(job=JOB, status=status, seconds=1.0)
    stats(event)
    metrics(event)
    counted = stats.snapshot()["by_type"]
    assert isinstance(counted, dict)
    assert sum(counted[JOB.type].values()) == 1
    name = "attempts_retried" if status is Status.RETRYING else f'jobs_finished_total{{kind="",status="{status}"'
    assert f"cqworker_{name}" in metrics.render()[0].decode()


@pytest.mark.parametrize("status", sorted(FINAL))
def test_every_ending_before_a_start_has_a_number_and_a_count(status: Status) -> None:
    stats, metrics = Stats([JOB.type], TurnedClock()), MetricsObserver([JOB.type])
    event = JobForestalled(job=JOB, status=status)
    stats(event)
    metrics(event)
    assert f'status="{status}"' in metrics.render()[0].decode()
    shown = stats.snapshot()["jobs"]
    assert isinstance(shown, dict)
    assert sum(shown.values()) == 1


@pytest.mark.parametrize("status", IN_USE)
def test_the_first_line_about_a_job_is_of_its_status(status: Status) -> None:
    firsts = {each: next(iter(describe_job(job_view(replace(RECORD, status=each))))) for each in Status}
    assert [each for each in Status if firsts[each] == firsts[status]] == [status]


@pytest.mark.parametrize("page", ["http.md", "protocol.md"])
def test_the_pages_tell_of_every_status_and_every_kind_of_failure(page: str) -> None:
    assert untold(page, IN_USE) == [], f"docs/{page}"
    assert untold(page, FailureKind) == [], f"docs/{page}"


def test_the_page_of_the_api_has_a_row_for_every_status() -> None:
    assert untold("http.md", IN_USE, r"(?m)^\| `{}` \| ") == [], "docs/http.md"


@pytest.mark.parametrize("kind", FailureKind)
def test_every_kind_of_failure_has_somebody_who_says_it(kind: FailureKind) -> None:
    assert givers_of("FailureKind", kind.name), f"no Failure of the kind {kind} is made"


@pytest.mark.parametrize("status", sorted(RETRYABLE))
def test_who_asks_for_a_retry_is_told_of_every_status_that_it_is_for(status: Status) -> None:
    summaries = " ".join(call.summary for call in ROUTES if call.name == "retryJob")
    for told in (retry.help, Client.retry.__doc__, OperatorActions.retry.__doc__, summaries):
        assert status in str(told).upper()


def test_who_lists_statuses_in_a_sentence_lists_all_that_belong_together() -> None:
    """A page or a docstring that says "FAILED or CANCELLED" is to be read again once there is a third."""
    parts = [RETRYABLE, WAITING, frozenset({Status.RUNNING}), frozenset(Status) - {*IN_USE}]
    whole = {frozenset[Status]().union(*some) for count in (1, 2, 3, 4) for some in combinations(parts, count)}
    whole |= {FINAL, frozenset(SETTLED)}
    whole |= {frozenset({Status.FAILED, Status.RETRYING})}  # what a failed attempt comes to
    whole |= {frozenset({Status.QUEUED, Status.SCHEDULED})}  # what a submission makes
    sent = frozenset({Status.QUEUED, Status.RETRYING})  # what waits with a message in the queue, and may lose it
    whole |= {sent, sent | RETRYABLE | {Status.RUNNING}}
    listed = [(place, frozenset(map(Status, re.findall(r"[A-Z]{2,}", words)))) for place, words in _listed()]
    torn = [f"{place}: {', '.join(sorted(some))}" for place, some in listed if some not in whole]
    assert torn == [], "\n" + "\n".join(torn)
    assert len(listed) > 20


def _listed() -> Iterator[tuple[str, str]]:
    """Every list of statuses in the pages and in the product's sentences, with its place.

    What stands in the protocol's rows about writes is held to the rules themselves.
    """
    some = "|".join(Status)
    run = re.compile(rf"(?:{some})(?:(?:, | or | and |, or | or was )(?:{some}))+\b")
    for path in (*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", *(ROOT / "cqworker").rglob("*.py")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for found in run.findall("" if WRITE_ROW.match(line) else line.replace("`", "")):
                yield f"{path.relative_to(ROOT)}:{number}", found


def test_no_status_is_written_down_as_a_text_outside_the_one_place() -> None:
    """But in examples, which are what is read over HTTP."""
    copies = [(path, line) for path, line, text in texts() if text in set(Status)]
    assert [copy for copy in copies if copy[0] not in ("model/status.py", "web/schema_examples.py")] == []
