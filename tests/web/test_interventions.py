"""Retry and cancel over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from cqworker.model.status import Status
from tests.web.house import CLOCK, House, away


def problem_of(answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    status, body = answer
    assert body["status"] == status
    return status, body["type"].removeprefix("urn:cqworker:problem:")


@pytest.mark.parametrize("ending", [Status.FAILED, Status.CANCELLED])
async def test_a_retry_opens_a_new_round(house: House, ending: Status) -> None:
    job = await house.submit()
    house.rewrite(job["job_id"], ending, attempt=4)
    status, shown = await house.post(f"/jobs/{job['job_id']}/retry")
    assert (status, shown["status"], shown["round"], shown["attempt"]) == (202, "QUEUED", 2, 0)
    assert len(house.queue.bodies) == 2


async def test_a_retry_of_a_round_is_harmless_when_repeated(house: House) -> None:
    job = await house.submit()
    house.rewrite(job["job_id"], Status.FAILED)
    for _ in range(2):
        status, shown = await house.post(f"/jobs/{job['job_id']}/retry", json={"round": 1})
        assert (status, shown["round"]) == (202, 2)
    assert len(house.queue.bodies) == 2


async def test_a_job_that_succeeded_is_not_retried(house: House) -> None:
    job = await house.submit()
    house.rewrite(job["job_id"], Status.SUCCEEDED)
    answer = await house.post(f"/jobs/{job['job_id']}/retry")
    assert problem_of(answer) == (409, "not-allowed-now")
    assert answer[1]["job_id"] == job["job_id"]


@pytest.mark.parametrize("body", [{"round": 0}, {"round": "1"}, {"rond": 1}, {"round": True}])
async def test_a_retry_with_a_round_that_is_none_is_422(house: House, body: dict[str, Any]) -> None:
    job = await house.submit()
    status, problem = await house.post(f"/jobs/{job['job_id']}/retry", json=body)
    assert (status, problem["errors"][0]["pointer"]) == (422, f"/{next(iter(body))}")


async def test_a_retry_body_that_is_no_json_is_400(house: House) -> None:
    job = await house.submit()
    assert problem_of(await house.post(f"/jobs/{job['job_id']}/retry", data=b"x")) == (400, "malformed-request")


async def test_a_waiting_job_is_cancelled_at_once_and_then_is_final(house: House) -> None:
    job = await house.submit()
    status, shown = await house.post(f"/jobs/{job['job_id']}/cancel")
    assert (status, shown["status"]) == (202, "CANCELLED")
    assert problem_of(await house.post(f"/jobs/{job['job_id']}/cancel")) == (409, "not-allowed-now")


async def test_a_running_job_is_asked_to_stop(house: House) -> None:
    job = await house.submit()
    house.rewrite(job["job_id"], Status.RUNNING, attempt=1, token="t", lease_expires_at=CLOCK.now() + 60_000)
    status, shown = await house.post(f"/jobs/{job['job_id']}/cancel")
    assert (status, shown["status"]) == (202, "RUNNING")
    assert shown["cancel_requested_at"] is not None


@pytest.mark.parametrize("act", ["retry", "cancel"])
async def test_nobody_can_be_neither_retried_nor_cancelled(house: House, act: str) -> None:
    assert problem_of(await house.post(f"/jobs/nobody/{act}")) == (404, "job-not-found")
    assert problem_of(await house.post(f"/jobs/{'x' * 65}/{act}")) == (404, "job-not-found")


@pytest.mark.parametrize("act", ["retry", "cancel"])
async def test_a_store_that_is_away_is_503(house: House, act: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_: object) -> None:
        raise away("dynamodb")

    monkeypatch.setattr(house.store, "get", refuse)
    assert problem_of(await house.post(f"/jobs/some/{act}")) == (503, "unavailable")
