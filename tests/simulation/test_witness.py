"""The witness accuses whom it should: a lease is lost with a cause, and the cause lies before the record moved on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cqworker.events import JobRef, LeaseLost
from tests.simulation.attempt import VANISHED, Attempt
from tests.simulation.network import Call, Trouble
from tests.simulation.process import Process
from tests.simulation.profile import profile_of
from tests.simulation.site import Site

JOB = JobRef(job_id="j1", type="work", queue="jobs", tenant="default", round=1, attempt=3, trace_id="t1")
TOKEN = "w4.8"
MOVED = 38.03
"""When the record moved on. Its process hears of it much later, for it takes the store to be away."""
HEARD = 77.78
SETTLE = Call("dynamodb", "Settle", f"{JOB.job_id} {TOKEN}")
CHECK = Call("dynamodb", "check", "")
LOST_ANSWER = Trouble("lost after", SETTLE, 38.02, 53.02)
LATE_ENDING = Trouble("late", SETTLE, 10.0, 10.5)
LAST_CHECK = Trouble("throttled", CHECK, 68.33, 68.34)
EARLIER_CHECK = Trouble("throttled", CHECK, 40.0, 40.01)


@pytest.fixture
def site() -> Iterator[Site]:
    """It is not run: only what befell its process counts."""
    site = Site(replace(profile_of(1), visibility=6, wild=False, skew=0), whole_trace=False)
    yield site
    site.kernel.bury()


def accusations(site: Site, ended: str, *troubles: Trouble) -> list[str]:
    """What is said of a process that suffered this, and then heard that it had lost its lease."""
    process, witness = Process("w4", site, modern=False, skew=0), site.witness
    attempt = Attempt(TOKEN, JOB.job_id, JOB.round, JOB.attempt, process, 36.0, 36.0)
    attempt.end(ended, MOVED)
    witness.history.append(attempt)
    process.link.troubles.extend(troubles)
    witness.event(process, LeaseLost(job=JOB, reason="its ending was refused"), HEARD)
    return witness.violations


@pytest.mark.parametrize("ended", ["retrying", "handed back", VANISHED])
def test_an_ending_without_an_answer_may_be_refused_when_the_store_is_back(site: Site, ended: str) -> None:
    assert accusations(site, ended, LOST_ANSWER, LAST_CHECK) == []


def test_a_delayed_ending_of_its_own_is_a_cause(site: Site) -> None:
    assert accusations(site, "retrying", LATE_ENDING, LAST_CHECK) == []


@pytest.mark.parametrize(
    ("ended", "troubles"),
    [
        ("retrying", ()),
        ("retrying", (LAST_CHECK,)),
        (VANISHED, (LAST_CHECK,)),
        (VANISHED, (LATE_ENDING, LAST_CHECK)),
        ("retrying", (replace(LOST_ANSWER, ended=39.0), EARLIER_CHECK)),
    ],
    ids=["nothing", "only afterwards", "taken before", "taken, not ended", "not asked again for long"],
)
def test_a_lease_is_not_lost_without_a_cause(site: Site, ended: str, troubles: tuple[Trouble, ...]) -> None:
    (accusation,) = accusations(site, ended, *troubles)
    assert "lost its lease without cause" in accusation
