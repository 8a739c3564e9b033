"""What a unique job costs beyond an ordinary one, and what a submission that meets one, counted on DynamoDB Local."""

from __future__ import annotations

from typing import Any

import pytest

from cqworker.enums import OnDuplicate, UniqueScopeName
from cqworker.jobs.submission import Accepted, Submission
from cqworker.model.record import JobRecord
from cqworker.model.unique import Unique
from cqworker.ports.fleet import REPLACE, Control
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


async def submit_each(
    shop: Workshop, *, letter: str = "x", key: str | None = None, scope: UniqueScopeName | None = None, **more: Any
) -> list[JobRecord]:
    """A job for each unique key; with `key` for each idempotency key, too."""
    asked = [
        Submission(
            type="fine",
            payload='{"text":"' + letter * 100 + '"}',
            unique=Unique(f"order {number}", scope=scope),
            idempotency_key=None if key is None else f"{key} {number}",
            **more,
        )
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


async def test_an_idempotency_key_beside_it_costs_two_write_units_and_a_repeated_request_one_of_each(
    tell: Tell,
) -> None:
    async with workshop() as shop:
        first = await submit_each(shop, key="one")
        writes, reads, _ = spent(shop)
        tell(f"a unique job's submission with an idempotency key: {writes:.3f} write units, {reads:.3f} read units")
        assert (writes, reads) == (4.0, 0.0)
        second = await submit_each(shop, key="one")
        assert [record.job_id for record in second] == [record.job_id for record in first]
        writes, reads, sends = spent(shop)
        tell(f"the same request once more: {writes:.3f} write units, {reads:.3f} read units, {sends:.3f} sends")
        assert (writes, reads, sends) == (1.0, 1.0, 0.0)
        await submit_each(shop, key="two")
        writes, reads, sends = spent(shop)
        tell(f"another one that meets it: {writes:.3f} write units, {reads:.3f} read units, {sends:.3f} sends")
        assert (writes, reads, sends) == (3.0, 1.0, 0.0)


async def test_a_replacement_costs_what_the_page_says_soon_and_for_later_and_with_an_idempotency_key(
    tell: Tell,
) -> None:
    replaces: dict[str, Any] = {"scope": "until_started", "on_duplicate": OnDuplicate.REPLACE}
    async with workshop() as shop:
        shop.dependencies.queue_control.note(Control(enabled=frozenset({REPLACE})))
        for name, waits, made, again, keyed in (
            ("is due within 15 minutes", 600, (2.0, 0.0), (5.0, 1.0), (7.0, 1.0)),
            ("is due later", 7200, (3.0, 0.0), (4.0, 1.0), (6.0, 1.0)),
        ):
            asked = {**replaces, "debounce_seconds": waits, "tenant": f"t{waits}"}
            first = await submit_each(shop, **asked)
            writes, reads, sends = spent(shop)
            tell(f"a debounced job that {name}: {writes:.3f} write units, {reads:.3f} read units, {sends:.3f} sends")
            counted = [(writes, reads)]
            second = await submit_each(shop, letter="y", **asked)
            assert [record.job_id for record in second] == [record.job_id for record in first]
            writes, reads, sends = spent(shop)
            tell(f"its replacement: {writes:.3f} write units, {reads:.3f} read units, {sends:.3f} sends")
            counted.append((writes, reads))
            await submit_each(shop, letter="z", key="one", **asked)
            writes, reads, sends = spent(shop)
            tell(
                f"the same with an idempotency key: {writes:.3f} write units, {reads:.3f} read units, {sends:.3f} sends"
            )
            counted.append((writes, reads))
            await submit_each(shop, letter="z", key="one", **asked)
            writes, reads, sends = spent(shop)
            tell(f"that request once more: {writes:.3f} write units, {reads:.3f} read units, {sends:.3f} sends")
            assert (writes, reads, sends) == (1.0, 1.0, 0.0)
            assert counted == [made, again, keyed]
