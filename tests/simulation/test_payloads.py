"""One request is one job as long as its key is honoured, counted from when it was handed in, and not from its claim."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from cqworker.jobs.submission import Submission
from cqworker.model.attempt_writes import Claim
from cqworker.model.envelope import Envelope
from cqworker.model.history import REPLACED, Entry
from cqworker.model.record import JobRecord, record_from
from cqworker.model.schedule_writes import Reschedule
from cqworker.testing.virtual_time import EPOCH_MS
from tests.simulation.payloads import Payloads
from tests.simulation.store_service import Applied

HOUR = 3600.0
DAYS = 9 * 24 * HOUR
ASKED = Submission(type="work", payload=json.dumps({"asked": "one"}), idempotency_key="k")
OTHER = json.dumps({"asked": "another"})


class Account:
    """What is said of a request that some jobs have; `sent`: when each was first sent in its name."""

    def __init__(self, **sent: float) -> None:
        self.said: list[str] = []
        self.now = 0.0
        self.payloads = Payloads(self._accuse, lambda: self.now, {"one": ASKED}, lambda _, job_id: sent.get(job_id))

    def claimed(self, job_id: str, now: float) -> None:
        """A job's record is made from its message, which has the request's payload."""
        record = _record(job_id, ASKED.payload)
        claim = Claim(
            envelope=_envelope(job_id, ASKED.payload),
            worker="w1",
            token=f"of {job_id}",
            now=EPOCH_MS,
            lease_expires_at=EPOCH_MS,
            purge_at=0,
            trace_id="t",
        )
        self.now = now
        self.payloads.applied(Applied(claim, None, record, "w1", now))

    def replaced(self, job_id: str, now: float) -> None:
        """The request gives its payload to a job of another one."""
        seen = _record(job_id, OTHER)
        entry = Entry(EPOCH_MS, REPLACED, 0, "", "x1")
        change = Reschedule(seen=seen, scheduled_at=EPOCH_MS, purge_at=0, entry=entry, payload=ASKED.payload)
        self.now = now
        self.payloads.applied(Applied(change, seen, change.after(seen), "w1", now))

    def _accuse(self, *words: object) -> None:
        self.said.append(" ".join(map(str, words[:4])))


def _envelope(job_id: str, payload: str) -> Envelope:
    return Envelope(job_id=job_id, type="work", queue="jobs", max_attempts=2, created_at=EPOCH_MS, payload=payload)


def _record(job_id: str, payload: str) -> JobRecord:
    return replace(record_from(_envelope(job_id, payload), 0, "t"), payload=payload)


def test_a_job_whose_message_is_claimed_when_its_key_has_run_out_may_have_a_second_one_beside_it() -> None:
    """Seed 1816: sent before the fleet went for days, claimed after that, and then its request was repeated."""
    account = Account(j1=19.0)
    account.claimed("j1", DAYS)
    account.replaced("j2", DAYS + 20)
    assert account.said == []


def test_two_jobs_of_one_request_that_were_handed_in_at_once_are_accused_when_one_is_claimed_days_later() -> None:
    account = Account(j1=19.0)
    account.replaced("j2", 25.0)
    account.claimed("j1", DAYS)
    assert account.said == ["one request is in two jobs: one j2 j1"]


def test_after_its_key_has_run_out_a_request_is_one_job_again() -> None:
    account = Account(j1=19.0)
    account.claimed("j1", 20.0)
    account.replaced("j2", DAYS)
    account.replaced("j3", DAYS + 20)
    assert account.said == ["one request is in two jobs: one j2 j3"]


@pytest.mark.parametrize(("hours", "accused"), [(1, True), (13, True), (23, True), (24, False)])
def test_a_key_is_honoured_for_a_day(hours: float, *, accused: bool) -> None:
    account = Account()
    account.replaced("j1", 19.0)
    account.replaced("j2", 19.0 + hours * HOUR)
    assert bool(account.said) is accused


def test_a_payload_that_came_back_is_accused_and_has_its_place_among_those_of_its_job() -> None:
    """Seed 885: without it, the letters of the payloads after it were accused of having another one."""
    account = Account()
    account.replaced("j1", 19.0)
    account.replaced("j1", 20.0)
    [said] = account.said
    assert said.startswith("a request replaced twice, or what was replaced has come back: one")
    assert account.payloads.names["j1"] == [("one", 19.0), ("one", 20.0)]
