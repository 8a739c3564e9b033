"""The witness accuses whom it should: a lease is lost with a cause, and the cause lies before the record moved on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest

from cqworker.events import JobRef, LeaseLost
from cqworker.flow.lease import Lease
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.ports import Delivery
from cqworker.ports.limits import Slots
from cqworker.testing.virtual_time import EPOCH_MS
from tests.simulation.attempt import VANISHED, Attempt, Disturbance
from tests.simulation.network import Call, Trouble
from tests.simulation.process import Process
from tests.simulation.profile import profile_of
from tests.simulation.site import Site
from tests.simulation.slots import SlotAccounts

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


SUSPENDED = Disturbance("suspend", 40.0, 60.0)
FROZEN = Disturbance("freeze", 40.0, 60.0)


def runs(site: Site, job_id: str, lease_ends: float, *disturbances: Disturbance) -> Attempt:
    """An attempt of a limited type, whose handler runs."""
    process = Process(job_id, site, modern=False, skew=0)
    process.disturbances.extend(disturbances)
    attempt = Attempt(f"{job_id}.1", job_id, 1, 1, process, 36.0, 36.0, running=True)
    job = JobRef(job_id=job_id, type="work", queue="jobs", tenant="default", round=1, attempt=1, trace_id="t1")
    delivery = Delivery(
        body="", receipt="r1", message_id="m1", queue="jobs", receive_count=1, sent_at=0, received_at=0.0
    )
    attempt.lease = Lease(delivery, job, attempt.token, 60.0, 0.0)
    site.store.records[job_id] = JobRecord(
        job_id=job_id,
        type="work",
        queue="jobs",
        tenant="default",
        status=Status.RUNNING,
        max_attempts=3,
        created_at=EPOCH_MS,
        purge_at=EPOCH_MS,
        token=attempt.token,
        lease_expires_at=EPOCH_MS + round(lease_ends * 1000),
    )
    return attempt


@pytest.mark.parametrize(
    ("disturbance", "lease_ends", "outlived", "holder", "accused"),
    [
        (SUSPENDED, 50.0, False, "j2", False),
        (SUSPENDED, 120.0, True, "j2", False),
        (SUSPENDED, 120.0, False, "j2", True),
        (SUSPENDED, 50.0, False, "j1", True),
        (FROZEN, 50.0, False, "j2", True),
    ],
    ids=["over", "renewed since", "was never over", "has its slot", "its clock went on"],
)
def test_who_slept_past_the_end_of_its_lease_and_lost_its_slot_counts_no_more(
    site: Site, disturbance: Disturbance, lease_ends: float, *, outlived: bool, holder: str, accused: bool
) -> None:
    accounts = SlotAccounts(
        site.witness.accuse, replace(site.profile, slotted={"type:work": 1}), site.store, site.limits
    )
    first, second = runs(site, "j1", lease_ends, disturbance), runs(site, "j2", 120.0)
    first.outlived = outlived
    site.limits.shards["type:work", 0] = Slots(0, held={holder: f"{holder}.1"})
    accounts.started(second, [first, second], 65.0)
    assert bool(site.witness.violations) is accused


@pytest.mark.parametrize(
    ("disturbance", "ended", "holder", "accused"),
    [
        (SUSPENDED, VANISHED, "j3.1", False),
        (SUSPENDED, VANISHED, "j1.1", True),
        (FROZEN, VANISHED, "j3.1", True),
        (SUSPENDED, "handed back", "j3.1", True),
    ],
    ids=["another has its job", "has its slot", "its clock went on", "ended itself"],
)
def test_who_slept_until_another_had_its_job_counts_no_more_when_it_begins(
    site: Site, disturbance: Disturbance, ended: str, holder: str, *, accused: bool
) -> None:
    """Seed 2192: the record was that of the attempt after it, whose lease was not over."""
    accounts = SlotAccounts(
        site.witness.accuse, replace(site.profile, slotted={"type:work": 1}), site.store, site.limits
    )
    first, second = runs(site, "j1", 120.0, disturbance), runs(site, "j2", 120.0)
    first.end(ended, 50.0)
    site.store.records["j1"] = msgspec.structs.replace(site.store.records["j1"], token="j1.2")
    site.limits.shards["type:work", 0] = Slots(0, held={holder.partition(".")[0]: holder})
    accounts.started(first, [second], 65.0)
    assert bool(site.witness.violations) is accused
