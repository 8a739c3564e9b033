"""The chaos runs' judge: a story that is in order passes, and each promise that is broken is named."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as changed

from cqworker.model.history import Entry
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from tests.chaos.checker import check
from tests.chaos.evidence import Evidence, Run
from tests.chaos.fleet import Interruption

JOB = "job-1"
FIRST, SECOND = 11, 12
"""Two processes."""


def run_of(pid: int = FIRST, attempt: int = 1, **told: Any) -> Run:
    """A second of work that came to its end."""
    usual: dict[str, Any] = {"run": f"run-{attempt}", "began": 10.0, "began_at": 10_000, "ended": 11.0}
    return Run(job_id=JOB, attempt=attempt, pid=pid, **{**usual, "how": "end", "effect": True, **told})


def record_of(*history: Entry, attempt: int = 1, **told: Any) -> JobRecord:
    """A job that SUCCEEDED in this attempt."""
    usual: dict[str, Any] = {"status": Status.SUCCEEDED, "finished_at": 11_100, "type": "chaos.work"}
    return JobRecord(
        job_id=JOB,
        queue="q",
        tenant="default",
        max_attempts=20,
        created_at=9_000,
        purge_at=90,
        attempt=attempt,
        history=history,
        **{**usual, **told},
    )


def claimed(pid: int = FIRST) -> Entry:
    return Entry(9_900, "claimed", 0, f"host:{pid}")


def ended(event: str = "succeeded", attempt: int = 1, pid: int = FIRST) -> Entry:
    return Entry(11_100, event, attempt, f"host:{pid}")


def evidence_of(record: JobRecord, *runs: Run, **told: Any) -> Evidence:
    """What a run of one job leaves behind; the last run is the one that settled."""
    result = json.dumps({"run": runs[-1].run, "attempt": runs[-1].attempt} if runs else None)
    usual: dict[str, Any] = {"accepted": frozenset({JOB}), "may_run": frozenset(), "results": {JOB: result}}
    return Evidence(records={JOB: record}, runs={JOB: list(runs)} if runs else {}, **{**usual, **told})


WELL = evidence_of(record_of(claimed(), ended()), run_of())
DIED = Interruption(FIRST, 10.5)
TWICE = record_of(claimed(), claimed(SECOND), ended(attempt=2, pid=SECOND), attempt=2, finished_at=17_100)
CUT_SHORT = run_of(ended=None, how=None)
THAWED = Interruption(FIRST, 9.9, 17.9)
LATE = run_of(began=18.0, began_at=18_000, ended=18.1, how="stop", effect=False)
AGAIN = run_of(SECOND, 2, began=16.0, began_at=16_000, ended=17.0)
BESIDE = run_of(SECOND, 2, began=17.9, began_at=17_000, ended=18.5)

FOLDED = Entry(9_950, "handed_back", 1, f"host:{SECOND}", "parked key:0123 x3")
"""Three hand-backs in a row, of which the first claim is kept and the last hand-back."""
PARKED_CUT = record_of(claimed(SECOND), FOLDED, claimed(), claimed(SECOND), ended(attempt=2, pid=SECOND), attempt=2)


@pytest.mark.parametrize(
    "evidence",
    [
        WELL,
        evidence_of(TWICE, CUT_SHORT, AGAIN, interruptions=(DIED,)),
        evidence_of(TWICE, run_of(ended=10.4), AGAIN, interruptions=(DIED,)),
        evidence_of(TWICE, run_of(how="raise"), AGAIN),
        evidence_of(TWICE, AGAIN, interruptions=(DIED,)),
        evidence_of(TWICE, run_of(ended=18.0, how="stop"), AGAIN, interruptions=(Interruption(FIRST, 10.2, 17.9),)),
        evidence_of(TWICE, AGAIN, LATE, interruptions=(THAWED,), results={JOB: '{"run": "run-2", "attempt": 2}'}),
        evidence_of(TWICE, BESIDE, LATE, interruptions=(THAWED,), results={JOB: '{"run": "run-2", "attempt": 2}'}),
        evidence_of(changed(PARKED_CUT, finished_at=17_100), AGAIN, interruptions=(DIED,)),
    ],
    ids=[
        "one start",
        "a death",
        "a death before the settle",
        "a retry",
        "a death before the start",
        "a freeze",
        "a thaw",
        "a thaw while another runs",
        "a death between two parks",
    ],
)
def test_what_is_in_order_is_no_violation(evidence: Evidence) -> None:
    assert check(evidence) == []


@pytest.mark.parametrize(
    ("evidence", "invariant", "what"),
    [
        (replace(WELL, accepted=frozenset({JOB, "job-2"})), "I1", "there is no record"),
        (evidence_of(record_of(claimed(), status=Status.RUNNING), run_of()), "I1", "it is RUNNING"),
        (replace(WELL, accepted=frozenset()), "I1", "nobody handed this job in"),
        (evidence_of(record_of(claimed(), ended("failed"), ended()), run_of()), "I2", "its history ends"),
        (evidence_of(changed(TWICE, finished_at=11_100), run_of(how="raise"), AGAIN), "I2", "ms late"),
        (replace(WELL, results={JOB: '{"run": "run-9", "attempt": 1}'}), "I3", "did not come to its end"),
        (evidence_of(record_of(claimed(), ended()), run_of(effect=False)), "I3", "did not come to its end"),
        (replace(WELL, results={JOB: '{"run": "run-1", "attempt": 7}'}), "I3", "settled a result of 7"),
        (
            evidence_of(
                record_of(claimed(), ended()), run_of(), run_of(SECOND, 2), results={JOB: '{"run":"run-1","attempt":1}'}
            ),
            "I3",
            "attempt 2 was started beside 1",
        ),
        (evidence_of(changed(TWICE, attempt=1), run_of(how="raise"), AGAIN), "I4", "2 starts, 0 refunds, attempt 1"),
        (evidence_of(TWICE, AGAIN), "I4", f"1 attempts of process {FIRST} were charged without a start"),
        (evidence_of(changed(PARKED_CUT, finished_at=17_100), AGAIN), "I4", "1 attempts were charged"),
        (evidence_of(TWICE, run_of(ended=16.5, how="raise"), AGAIN), "I5", "which was not over"),
        (evidence_of(TWICE, run_of(), AGAIN), "I5", "had ended well"),
        (evidence_of(TWICE, run_of(), AGAIN, interruptions=(Interruption(FIRST, 14.0),)), "I5", "had ended well"),
    ],
)
def test_each_promise_that_is_broken_is_named(evidence: Evidence, invariant: str, what: str) -> None:
    found = [violation for violation in check(evidence) if violation.invariant == invariant]
    assert any(what in violation.what and violation.job_id in (JOB, "job-2") for violation in found), check(evidence)


def test_where_faults_outlast_leases_work_may_be_done_again() -> None:
    assert check(evidence_of(TWICE, run_of(), AGAIN), may_lose_settles=True) == []
