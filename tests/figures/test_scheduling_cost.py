"""What a job of each kind costs, in units and requests, counted on DynamoDB Local and ElasticMQ."""

from __future__ import annotations

import time
from collections.abc import Iterable

import pytest

from cqworker.events import ServiceCalled
from cqworker.flow import settle
from cqworker.jobs import submission
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from tests.conftest import Tell
from tests.contract.worlds import use_environment
from tests.engines.running import Engines
from tests.figures.workshop import Spent, workshop

pytestmark = [pytest.mark.engines, pytest.mark.timeout(180)]

JOBS = 240
SWEEPS_OWN = ("Query",)
"""What a sweep asks for however many jobs there are: 0.5 read units a shard, and its leases."""


@pytest.fixture(autouse=True)
def on_engines(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    use_environment(monkeypatch, engines.environment())


@pytest.fixture(autouse=True)
def nothing_is_too_soon_for_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """A time a second ahead is as one of more than 15 minutes."""
    monkeypatch.setattr(submission, "HORIZON_MS", 0)
    monkeypatch.setattr(settle, "MAX_DELAY", 0.5)


def units(calls: Iterable[ServiceCalled]) -> tuple[float, float]:
    """Write units and read units for each job, without what sweeps cost by themselves."""
    spent = Spent.of([call for call in calls if call.service == "dynamodb" and call.operation not in SWEEPS_OWN])
    return sum(spent.write_units.values()) / JOBS, sum(spent.read_units.values()) / JOBS


def requests(calls: Iterable[ServiceCalled], *operations: str) -> float:
    """Requests of SQS for each job."""
    return sum(call.operation in operations for call in calls) / JOBS


def has_ended(record: JobRecord) -> bool:
    return record.status.is_final


async def test_an_ordinary_job_costs_what_it_did(tell: Tell) -> None:
    async with workshop() as shop:
        jobs = await shop.submit(JOBS, type="fine")
        submitted = shop.calls()
        await shop.run_until(jobs, has_ended)
        run = shop.calls()
    writes, reads = units([*submitted, *run])
    tell(f"an ordinary job: {writes:.3f} write units, {reads:.3f} read units")
    assert (writes, reads) == (3.0, 0.0)


async def test_a_scheduled_job_costs_three_units_a_read_and_a_tenth_of_a_request_more(tell: Tell) -> None:
    async with workshop() as shop:
        jobs = await shop.submit(JOBS, type="fine", run_at=round(time.time() * 1000) + 5_000)
        submitted = shop.calls()
        assert {record.status for record in await shop.records(jobs)} == {Status.SCHEDULED}
        await shop.sweeper.sweep()
        swept = shop.calls()
        await shop.run_until(jobs, has_ended)
        run = shop.calls()
        assert {record.attempt for record in await shop.records(jobs)} == {1}
    leases = sum(call.write_units for call in swept if call.operation == "PutItem") / JOBS
    writes, reads = units([*submitted, *swept, *run])
    sends = requests([*submitted, *swept], "SendMessage", "SendMessageBatch")
    overhead = sum(call.read_units for call in swept if call.operation in SWEEPS_OWN)
    tell(
        f"a SCHEDULED job: {writes - leases:.3f} write units, {reads:.3f} read units, {sends:.3f} requests to send; "
        f"one sweep of eight shards: {overhead} read units, {leases * JOBS:.0f} write units to take its leases"
    )
    assert requests(submitted, "SendMessage", "SendMessageBatch") == 0
    assert writes - leases == 6.0, "put 2, unmark 2, claim 1, settle 1"
    assert reads == 1.0
    assert sends <= 0.15, "ten to a request but for the last of each shard"


async def test_a_long_retry_costs_three_units_and_a_read_more_than_a_short_one(tell: Tell) -> None:
    async with workshop() as shop:
        jobs = await shop.submit(JOBS, type="later")
        await shop.run_until(jobs, lambda record: record.status is Status.RETRYING)
        first = shop.calls()
        assert all(record.is_marked for record in await shop.records(jobs))
        await shop.sweeper.sweep()
        swept = shop.calls()
        await shop.run_until(jobs, has_ended)
        second = shop.calls()
    leases = sum(call.write_units for call in swept if call.operation == "PutItem") / JOBS
    writes, reads = units([*first, *swept, *second])
    tell(f"a job with one long retry: {writes - leases:.3f} write units, {reads:.3f} read units")
    assert writes - leases == 5.0 + 3.0, "put, two claims, two settles; into the index 1, out of it 2"
    assert reads == 1.0


async def test_a_failed_job_costs_one_unit_more_for_its_place_in_the_list(tell: Tell) -> None:
    async with workshop() as shop:
        jobs = await shop.submit(JOBS, type="refuse")
        submitted = shop.calls()
        await shop.run_until(jobs, has_ended)
        run = shop.calls()
        assert {record.status for record in await shop.records(jobs)} == {Status.FAILED}
    writes, reads = units([*submitted, *run])
    tell(f"a FAILED job that is listed: {writes:.3f} write units, {reads:.3f} read units")
    assert (writes, reads) == (4.0, 0.0)


async def test_every_job_costs_one_unit_more_where_all_are_listed(tell: Tell) -> None:
    async with workshop(list_all=True) as shop:
        jobs = await shop.submit(JOBS, type="fine")
        submitted = shop.calls()
        await shop.run_until(jobs, has_ended)
        run = shop.calls()
    writes, reads = units([*submitted, *run])
    tell(f"an ordinary job with store.list_all: {writes:.3f} write units, {reads:.3f} read units")
    assert (writes, reads) == (4.0, 0.0)
