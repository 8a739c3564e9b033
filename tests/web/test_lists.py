"""GET /jobs and GET /jobs/count: what they answer, to whom, and how they refuse."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from cqworker.errors import Unavailable
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.model.timestamps import rfc3339
from cqworker.ports.fleet import Heartbeat, RunningJob
from cqworker.ports.listing import JobIndex
from cqworker.testing.memory_listing import MemoryListing
from cqworker.testing.memory_schedule import MemorySchedule
from cqworker.web.app_context import require
from tests.jobs.lists import MINUTE, job
from tests.web.house import CLOCK, House, bearer, open_house, token


def failed(number: int, **changed: Any) -> JobRecord:
    """A job that failed so many minutes ago."""
    at = CLOCK.now() - number * MINUTE
    made = job(number, created_at=at - MINUTE, finished_at=at, purge_at=CLOCK.now() // 1000 + 1_000_000)
    return replace(made, **changed)


def fill(house: House, *records: JobRecord) -> None:
    house.store.records = {record.job_id: record for record in records}


async def ids(house: House, query: str, **headers: Any) -> list[str]:
    """Of the whole list."""
    found, cursor = list[str](), ""
    while True:
        status, page = await house.get(f"/jobs?{query}{cursor}", **headers)
        assert status == 200, page
        assert page["complete"] is (page["next"] is None)
        found += [each["job_id"] for each in page["jobs"]]
        if page["complete"]:
            return found
        cursor = f"&cursor={page['next']}"


async def test_a_list_shows_each_job_in_short() -> None:
    async with open_house() as house:
        fill(house, failed(2, tags=("vip",)), failed(1))
        status, page = await house.get("/jobs?status=FAILED")
        assert status == 200
        assert (page["next"], page["looked_at"], page["complete"]) == (None, 2, True)
        [newer, older] = page["jobs"]
        assert (newer["job_id"], older["job_id"]) == ("job-00001", "job-00002")
        assert older["tags"] == ["vip"]
        assert older["failure"] == {"kind": "rejected", "message": "no", "error": None, "fingerprint": "0a1b2c3d"}
        assert (older["worker"], older["release"]) == ("w1", "1.0")
        assert not older.keys() & {"payload", "result", "history", "metadata"}


async def test_filters_pages_and_counts_fit_together() -> None:
    async with open_house() as house:
        fill(house, *(failed(number, type=("a", "b")[number % 2]) for number in range(20)))
        assert await ids(house, "status=FAILED&type=b&limit=3") == [f"job-{number:05}" for number in range(1, 20, 2)]
        since = rfc3339(CLOCK.now() - 9 * MINUTE - 30_000).replace("Z", "%2B00:00")
        assert await ids(house, f"status=failed&type=b&from={since}") == [f"job-{n:05}" for n in range(1, 10, 2)]
        status, counted = await house.get(f"/jobs/count?status=FAILED&type=b&from={since}")
        assert (status, counted["count"], counted["complete"]) == (200, 5, True)


async def test_a_table_that_throttles_a_list_is_told_in_words_and_no_job_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def throttle(_: object) -> None:
        raise Unavailable("dynamodb", 'DynamoDB throttles BatchGetItem on table "jobs".', "Raise its capacity.")

    async with open_house() as house:
        fill(house, failed(1))
        monkeypatch.setattr(MemorySchedule, "read_many", lambda _, names: throttle(names))
        status, problem = await house.get("/jobs?status=FAILED")
    assert (status, problem["type"]) == (503, "urn:cqworker:problem:unavailable")
    assert problem["detail"] == 'DynamoDB throttles BatchGetItem on table "jobs". Raise its capacity.'


async def test_what_runs_is_listed_from_what_the_workers_told_where_no_index_has_all_jobs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(MemoryListing, "page", missing)
    async with open_house() as house:
        fill(house, failed(1, status=Status.RUNNING, finished_at=None))
        named = (RunningJob("job-00001", "orders.charge", CLOCK.now()),)
        said = Heartbeat(worker="w1", boot="b", seen=CLOCK.now(), busy=4, oldest=named)
        await require(house.context.fleet)._fleet.heartbeat(said, first=True)
        assert await ids(house, "status=RUNNING") == ["job-00001"]
        _, page = await house.get("/jobs?status=RUNNING")
        status, problem = await house.get("/jobs?status=QUEUED")
    assert (page["source"], page["unnamed"]) == ("workers", 3)
    assert (status, problem["type"]) == (409, "urn:cqworker:problem:not-provisioned")


async def missing(*_: object) -> None:
    """There is no such index."""


async def test_a_job_called_count_is_still_a_job() -> None:
    async with open_house() as house:
        status, problem = await house.post("/jobs/count", json={})
        assert (status, problem["detail"]) == (405, "GET, HEAD may be used here.")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("status=BROKEN", "must be one of"),
        ("typ=a", "did you mean type"),
        ("status=FAILED&status=FAILED", "given twice"),
        ("status=FAILED&cursor=nonsense", "leave it out to begin anew"),
        ("limit=1000", "from 1 to 200"),
        ("from=yesterday", "2026-11-30T06:00:00Z"),
    ],
)
async def test_a_question_that_cannot_be_asked_is_a_400_that_says_why(query: str, said: str) -> None:
    async with open_house() as house:
        for path in ("/jobs", "/jobs/count"):
            status, problem = await house.get(f"{path}?{query}")
            assert (status, problem["type"]) == (400, "urn:cqworker:problem:listing-refused")
            assert said in problem["detail"]


async def test_without_its_index_a_list_is_a_409_with_the_command() -> None:
    async with open_house() as house:
        house.listing.missing |= set(JobIndex)
        for path in ("/jobs?status=FAILED", "/jobs?status=SCHEDULED", "/jobs", "/jobs/count?status=FAILED"):
            status, problem = await house.get(path)
            assert (status, problem["type"]) == (409, "urn:cqworker:problem:not-provisioned")
            assert "`cqworker provision`" in problem["detail"]


TOKENS = [
    token("ann", "read", tenant="acme"),
    token("bob", "read", tenant="blue"),
    token("olga", "read", "submit", tenant="*"),
    token("sue", "submit", tenant="*"),
]


async def test_a_token_sees_the_jobs_of_its_tenant_and_the_operator_of_all_everybodys() -> None:
    async with open_house(tokens=TOKENS) as house:
        fill(house, *(failed(number, tenant=("acme", "blue", "default")[number % 3]) for number in range(6)))
        assert await ids(house, "status=FAILED", headers=bearer("ann")) == ["job-00000", "job-00003"]
        assert await ids(house, "status=FAILED&tenant=blue", headers=bearer("bob")) == ["job-00001", "job-00004"]
        assert len(await ids(house, "status=FAILED&limit=1", headers=bearer("olga"))) == 6
        assert await ids(house, "status=FAILED&tenant=acme", headers=bearer("olga")) == ["job-00000", "job-00003"]
        _, counted = await house.get("/jobs/count?status=FAILED", headers=bearer("ann"))
        assert counted["count"] == 2


async def test_a_token_that_asks_for_anothers_jobs_or_uses_anothers_cursor_is_refused() -> None:
    async with open_house(tokens=TOKENS) as house:
        fill(house, *(failed(number, tenant=("acme", "blue")[number % 2]) for number in range(6)))
        status, problem = await house.get("/jobs?status=FAILED&tenant=blue", headers=bearer("ann"))
        assert (status, 'the tenant "acme"' in problem["detail"]) == (400, True)
        _, page = await house.get("/jobs?status=FAILED&limit=1", headers=bearer("bob"))
        status, problem = await house.get(f"/jobs?status=FAILED&cursor={page['next']}", headers=bearer("ann"))
        assert (status, "another list" in problem["detail"]) == (400, True)


async def test_who_may_not_read_may_not_list() -> None:
    async with open_house(tokens=TOKENS) as house:
        for path in ("/jobs?status=FAILED", "/jobs/count?status=FAILED"):
            assert (await house.get(path, headers=bearer("sue")))[0] == 403
            assert (await house.get(path))[0] == 401


async def test_the_operator_of_all_sees_every_job_and_submits_as_the_default_tenant() -> None:
    async with open_house(tokens=TOKENS) as house:
        fill(house, failed(1, tenant="acme"))
        assert (await house.get("/jobs/job-00001", headers=bearer("olga")))[0] == 200
        asked = {"type": "text.transform", "payload": {"text": "a"}}
        status, made = await house.post("/jobs", json=asked, headers=bearer("olga"))
        assert (status, made["tenant"]) == (202, "default")
        assert house.store.records[made["job_id"]].status is Status.QUEUED
