"""How often a token and its tenant may submit over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from cqworker.clock import SystemClock
from cqworker.events.limit_events import SubmissionsLimited
from cqworker.model.crowding import Crowding
from cqworker.settings.rate_limits import RateSettings, RatesSettings
from cqworker.web.app_context import require
from tests.web.house import TEXT, House, bearer, open_house, token

LIMITED = "urn:cqworker:problem:rate-limited"


class StoppedClock(SystemClock):
    """The monotonic time stands still until it is turned."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


async def submitted(house: House, secret: str = "", path: str = "/jobs", **said: Any) -> int:
    headers = bearer(secret) if secret else {}
    said = said or {"json": TEXT}
    return (await house.post(path, headers=headers, **said))[0]


async def test_what_is_beyond_the_rate_is_429_says_when_to_come_again_and_is_then_accepted() -> None:
    clock = StoppedClock()
    async with open_house(clock=clock, rates=RatesSettings(token_rate=0.5, token_burst=3)) as house:
        assert [await submitted(house) for _ in range(3)] == [202] * 3
        async with house.client.post("/jobs", json=TEXT) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "2")
            assert answer.content_type == "application/problem+json"
            problem = await answer.json(content_type=None)
        assert (problem["type"], problem["retry_after"]) == (LIMITED, 2)
        assert 'The token "local" may submit 0.5 jobs a second, 3 at once.' in problem["detail"]
        assert len(house.queue.bodies) == 3
        assert [event for event in house.events if isinstance(event, SubmissionsLimited)] == [
            SubmissionsLimited(limit="token", name="local", count=1)
        ]
        clock.seconds += 2
        assert [await submitted(house) for _ in range(2)] == [202, 429]


async def test_while_as_many_wait_for_a_limit_as_may_a_job_that_it_binds_is_429() -> None:
    async with open_house() as house:
        control = require(house.context.submitter)._control
        full = Crowding(limits=("type:text.transform",), until=SystemClock().now() + 60_000)
        control.note(replace(control.control, crowding=full))
        async with house.client.post("/jobs", json=TEXT) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "60")
            problem = await answer.json(content_type=None)
        assert problem["type"] == LIMITED
        assert "already wait for type:text.transform: nothing was accepted" in problem["detail"]
        status, batch = await house.post("/jobs/batch", json={"jobs": [TEXT]})
        assert (status, batch["jobs"][0]["status"], batch["jobs"][0]["problem"]["retry_after"]) == (200, 429, 60)
        assert not house.queue.bodies


async def test_every_way_to_submit_counts_and_nothing_else_does() -> None:
    async with open_house(clock=StoppedClock(), rates=RatesSettings(tenant_rate=1, tenant_burst=4)) as house:
        job = await house.submit()
        assert await submitted(house, path="/api/v1/jobs/batch", json={"jobs": [TEXT, {"type": "nobody's"}]}) == 200
        assert await submitted(house, path="/artifacts", data=b"x") == 201
        for path, said in (("/jobs", {"json": TEXT}), ("/jobs/batch", {"json": {"jobs": [TEXT]}})):
            assert await submitted(house, path=path, **said) == 429
        assert await submitted(house, path="/artifacts", data=b"x") == 429
        assert (await house.get(f"/jobs/{job['job_id']}"))[0] == 200
        assert (await house.post(f"/jobs/{job['job_id']}/cancel"))[0] == 202
        assert (await house.post(f"/jobs/{job['job_id']}/retry"))[0] == 202


async def test_a_batch_counts_its_jobs_and_is_taken_whole_or_not_at_all() -> None:
    clock = StoppedClock()
    async with open_house(clock=clock, rates=RatesSettings(token_rate=10, token_burst=50)) as house:
        assert await submitted(house, path="/jobs/batch", json={"jobs": [TEXT] * 30}) == 200
        status, problem = await house.post("/jobs/batch", json={"jobs": [TEXT] * 30})
        assert (status, problem["type"], len(house.queue.bodies)) == (429, LIMITED, 30)
        clock.seconds += problem["retry_after"]
        assert await submitted(house, path="/jobs/batch", json={"jobs": [TEXT] * 30}) == 200
        status, problem = await house.post("/jobs/batch", json={"jobs": [TEXT] * 51})
        assert (status, problem["type"]) == (413, "urn:cqworker:problem:too-large")
        assert "may submit 50 jobs at once, and these are 51" in problem["detail"]


async def test_who_has_nothing_left_is_refused_before_his_body_is_read() -> None:
    async with open_house(clock=StoppedClock(), rates=RatesSettings(token_rate=1, token_burst=1)) as house:
        assert await submitted(house) == 202
        assert await submitted(house, data=b"{no JSON at all") == 429


async def test_tokens_and_tenants_have_rates_of_their_own_and_take_nothing_from_one_another() -> None:
    tokens = [
        token("one", "submit", tenant="acme"),
        token("two", "submit", tenant="acme").model_copy(update={"rate": 1.0, "burst": 5}),
        token("three", "submit", tenant="zeta"),
    ]
    rates = RatesSettings(
        token_rate=1, token_burst=2, tenant_rate=1, tenant_burst=9, tenants={"acme": RateSettings(burst=4)}
    )
    async with open_house(clock=StoppedClock(), tokens=tokens, rates=rates) as house:
        assert [await submitted(house, "one") for _ in range(3)] == [202, 202, 429]
        assert [await submitted(house, "two") for _ in range(3)] == [202, 202, 429], "its tenant has no more"
        assert [await submitted(house, "three") for _ in range(3)] == [202, 202, 429]
        limits = [(event.limit, event.name) for event in house.events if isinstance(event, SubmissionsLimited)]
        assert limits == [("token", "one"), ("tenant", "acme"), ("token", "three")]


async def test_without_a_rate_nothing_is_limited_and_without_a_burst_a_whole_batch_gets_in() -> None:
    async with open_house(clock=StoppedClock()) as house:
        assert {await submitted(house) for _ in range(50)} == {202}
    async with open_house(clock=StoppedClock(), rates=RatesSettings(tenant_rate=0.1)) as house:
        assert await submitted(house, path="/jobs/batch", json={"jobs": [TEXT] * 500}) == 200
        assert await submitted(house) == 429


@pytest.mark.parametrize("said", [{"token_rate": 0}, {"token_burst": 0}, {"tenant_rate": -1}, {"tenant_burst": 1.5}])
def test_a_rate_that_is_none_is_refused_where_it_is_written(said: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(said))):
        RatesSettings(**said)
