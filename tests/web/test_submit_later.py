"""Submitting a job over HTTP for a later time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.web.house import TEXT, House, away


async def test_a_job_for_later_is_accepted_in_any_zone_and_waits_without_a_message(house: House) -> None:
    then = datetime.now(timezone(timedelta(hours=5, minutes=45))) + timedelta(days=3)
    status, job = await house.post("/jobs", json=TEXT | {"run_at": then.isoformat()})
    assert (status, job["status"]) == (202, "SCHEDULED")
    assert abs(datetime.fromisoformat(job["scheduled_at"]) - then) < timedelta(milliseconds=1)
    assert [entry["event"] for entry in job["history"]] == ["submitted", "scheduled"]
    status, job = await house.post("/jobs", json=TEXT | {"delay_seconds": 901})
    assert (status, job["status"]) == (202, "SCHEDULED")
    assert house.queue.bodies == []


async def test_a_time_that_has_passed_is_now(house: House) -> None:
    status, job = await house.post("/jobs", json=TEXT | {"run_at": "0001-01-01T00:00:00Z"})
    assert (status, job["status"], job["scheduled_at"]) == (202, "QUEUED", None)


async def test_a_put_without_an_answer_says_that_it_was_the_table_and_names_the_job(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fall_silent(_: object) -> None:
        raise away("dynamodb", ambiguous=True)

    monkeypatch.setattr(house.store, "write", fall_silent)
    status, problem = await house.post("/jobs", json=TEXT | {"delay_seconds": 901})
    assert (status, problem["type"]) == (503, "urn:cqworker:problem:send-unanswered")
    assert problem["service"] == "dynamodb"
    assert problem["detail"].startswith(f"The table did not answer, so job {problem['job_id']} may run at its time.")


async def test_a_table_without_its_index_refuses_a_job_for_later_and_takes_every_other(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def missing() -> bool:
        return False

    submitter: Any = house.context.submitter
    monkeypatch.setattr(submitter._schedule, "check", missing)
    status, problem = await house.post("/jobs", json=TEXT | {"delay_seconds": 901})
    assert (status, problem["type"]) == (409, "urn:cqworker:problem:not-provisioned")
    assert "cqworker provision" in problem["detail"]
    _, batch = await house.post("/jobs/batch", json={"jobs": [TEXT | {"delay_seconds": 901}, TEXT]})
    assert [job["status"] for job in batch["jobs"]] == [409, 202]
