"""What a unique job costs beyond an ordinary one, and what a submission that meets one, counted on DynamoDB Local."""

from __future__ import annotations

import pytest

from cqworker.jobs.submission import Accepted, Submission
from cqworker.model.record import JobRecord
from cqworker.model.unique import Unique
from tests.conftest import Tell
from tests.contract.worlds import use_environment
from tests.engines.running import Engines
from tests.figures.workshop import Spent, Workshop, workshop

pytestmark = [pytest.mark.engines, pytest.mark.timeout(180)]

JOBS = 120


@pytest.fixture(autouse=True)
def on_engines(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    use_environment(monkeypatch, engines.environment())


def spent(shop: Workshop) -> tuple[float, float, float]:
    """Write units, read units and sends for each job since the last look.

    A put that is refused costs a unit, too (developer guide, conditional writes), but its answer does not say so.
    """
    calls = shop.calls()
    units = Spent.of([call for call in calls if call.service == "dynamodb"])
    sends = sum(call.operation in ("SendMessage", "SendMessageBatch") for call in calls)
    refused = sum(call.operation == "PutItem" and not call.write_units for call in calls)
    return (sum(units.write_units.values()) + refused) / JOBS, sum(units.read_units.values()) / JOBS, sends / JOBS


async def submit_each(shop: Workshop) -> list[JobRecord]:
    """A job for each key."""
    asked = [
        Submission(type="fine", payload='{"text":"' + "x" * 100 + '"}', unique=Unique(f"order {number}"))
        for number in range(JOBS)
    ]
    answers = await shop.submitter.submit_many(asked)
    accepted = [answer for answer in answers if isinstance(answer, Accepted)]
    assert len(accepted) == JOBS, answers
    return [answer.record for answer in accepted]


def has_ended(record: JobRecord) -> bool:
    return record.status.is_final


async def test_a_unique_job_costs_a_write_unit_more_and_one_that_meets_it_one_of_each_and_no_message(
    tell: Tell,
) -> None:
    async with workshop() as shop:
        first = await submit_each(shop)
        writes, reads, _ = spent(shop)
        tell(f"a unique job's submission: {writes:.3f} write units, {reads:.3f} read units")
        assert (writes, reads) == (2.0, 0.0)
        second = await submit_each(shop)
        assert [record.job_id for record in second] == [record.job_id for record in first]
        writes, reads, sends = spent(shop)
        tell(f"one that meets it: {writes:.3f} write units, {reads:.3f} read units, {sends:.3f} sends")
        assert (writes, reads, sends) == (1.0, 1.0, 0.0)
        await shop.run_until([record.job_id for record in first], has_ended)
        shop.calls()
        third = await submit_each(shop)
        assert not {record.job_id for record in third} & {record.job_id for record in first}
        writes, reads, _ = spent(shop)
        tell(f"one that takes its key over: {writes:.3f} write units, {reads:.3f} read units")
        assert (writes, reads) == (3.0, 1.0)
