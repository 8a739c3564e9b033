"""What a job under a rate costs beyond an ordinary one, counted on DynamoDB Local and ElasticMQ."""

from __future__ import annotations

import pytest

from cqworker.events import JobHandedBack
from cqworker.settings.limit_settings import LimitSettings
from tests.conftest import Tell
from tests.contract.worlds import use_environment
from tests.engines.running import Engines
from tests.figures.test_scheduling_cost import JOBS, has_ended, requests, units
from tests.figures.workshop import workshop

pytestmark = [pytest.mark.engines, pytest.mark.timeout(180)]


@pytest.fixture(autouse=True)
def on_engines(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    use_environment(monkeypatch, engines.environment())


async def test_a_job_that_starts_at_once_under_a_rate_costs_a_unit_more_at_most(tell: Tell) -> None:
    async with workshop(limits={"type:fine": LimitSettings(rate="10000/s")}) as shop:
        jobs = await shop.submit(JOBS, type="fine")
        submitted = shop.calls()
        await shop.run_until(jobs, has_ended)
        run = shop.calls()
    writes, reads = units([*submitted, *run])
    tell(f"a job under a rate that starts at once: {writes:.3f} write units, {reads:.3f} read units")
    assert 3.0 < writes <= 4.0, "put, claim, settle; the write of its moment, which others share"
    assert reads == 0.0


async def test_a_job_costs_a_hand_back_a_claim_and_a_moment_more_each_time_that_it_is_put_off(tell: Tell) -> None:
    async with workshop(limits={"type:fine": LimitSettings(rate="40/s", burst=1)}) as shop:
        jobs = await shop.submit(JOBS, type="fine")
        submitted = shop.calls()
        await shop.run_until(jobs, has_ended)
        put_off = sum(isinstance(event, JobHandedBack) for event in shop.events) / JOBS
        run = shop.calls()
    writes, reads = units([*submitted, *run])
    sends = requests(run, "SendMessage", "SendMessageBatch")
    tell(
        f"a job that waits for its moment, put off {put_off:.2f} times: {writes:.3f} write units, {reads:.3f} read "
        f"units, {sends:.3f} requests to send"
    )
    assert put_off > 0.9
    assert 3.0 + 2 * put_off < writes <= 4.0 + 3 * put_off
    assert reads <= 0.1
    assert sends <= put_off
