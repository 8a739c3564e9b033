"""POST /operations and what is asked of operations: what is refused, what a dry run says, and whose they are."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from cqworker.model.operations import OPERATION_TYPE, Tally
from cqworker.model.record import JobRecord, Progress
from cqworker.model.status import Status
from cqworker.ports.listing import JobIndex
from tests.web.house import CLOCK, House, bearer, open_house, token
from tests.web.test_lists import failed, fill

FAILED = {"status": "FAILED"}
RETRY: dict[str, Any] = {"act": "retry", "filter": FAILED}


def asked(house: House) -> list[JobRecord]:
    """The jobs of operations that were asked for."""
    return [record for record in house.store.records.values() if record.type == OPERATION_TYPE]


@pytest.mark.parametrize(
    ("body", "pointer", "said"),
    [
        ({"act": "retry"}, "/filter", "say filter or job_ids"),
        (RETRY | {"job_ids": ["a"]}, "/filter", "stands beside job_ids"),
        (RETRY | {"filter": {}}, "/filter", "is empty"),
        (RETRY | {"filter": {"satus": "FAILED"}}, "/filter/satus", "no field here"),
        (RETRY | {"filter": {"cursor": "abc"}}, "/filter/cursor", "no field here"),
        ({"act": "delete", "filter": FAILED}, "/act", "retry"),
        ({"act": "retry", "job_ids": []}, "/job_ids", "at least 1"),
        ({"act": "retry", "job_ids": ["a"] * 501}, "/job_ids", "at most 500"),
        (RETRY | {"rate": 0}, "/rate", "greater than or equal to 1"),
        (RETRY | {"rate": 1001}, "/rate", "less than or equal to 1000"),
        (RETRY | {"reason": "ü" * 51}, "/reason", "100 bytes"),
        (RETRY | {"expect": -1}, "/expect", "greater than or equal to 0"),
    ],
)
async def test_what_is_wrong_is_said_with_its_place(body: dict[str, Any], pointer: str, said: str) -> None:
    async with open_house() as house:
        status, problem = await house.post("/operations", json=body)
        assert (status, problem["type"]) == (422, "urn:cqworker:problem:invalid-request")
        assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
        assert said in problem["errors"][0]["detail"]
        assert not asked(house)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (RETRY | {"filter": {"status": "SUCCEEDED"}}, "No SUCCEEDED job can be retried; `status` may be FAILED, CANC"),
        ({"act": "cancel", "filter": FAILED}, "No FAILED job can be cancelled"),
        (RETRY | {"filter": {"status": "FALIED"}}, "`status` must be one of"),
        (RETRY | {"filter": FAILED | {"from": "yesterday"}}, "`from` must be a time"),
    ],
)
async def test_a_filter_that_cannot_be_is_refused(body: dict[str, Any], said: str) -> None:
    async with open_house() as house:
        status, problem = await house.post("/operations", json=body)
        assert (status, problem["type"]) == (400, "urn:cqworker:problem:listing-refused")
        assert said in problem["detail"]


async def test_an_operation_is_answered_with_its_address_and_begins_as_a_job() -> None:
    async with open_house(tokens=[token("alice", "operate", tenant="*")]) as house:
        fill(house, failed(1), failed(2))
        body = RETRY | {"reason": "bucket was missing", "rate": 7.0, "expect": 2}
        async with house.client.post("/operations", json=body, headers=bearer("alice")) as answer:
            assert answer.status == 202, await answer.text()
            view = await answer.json()
            assert answer.headers["Location"] == f"/operations/{view['operation_id']}"
        [record] = asked(house)
        assert (record.job_id, record.status, record.tenant) == (view["operation_id"], Status.QUEUED, "*")
        assert (view["state"], view["by"], view["reason"], view["rate"]) == ("waiting", "alice", body["reason"], 7)
        assert (view["filter"], view["named"], view["expected"], view["matched"]) == (FAILED, None, 2, 0)
        assert await house.get(f"/operations/{record.job_id}", headers=bearer("alice")) == (200, view)
        assert (await house.get("/operations", headers=bearer("alice")))[1] == {"operations": [view], "next": None}


async def test_how_far_it_is_stands_in_its_jobs_progress() -> None:
    async with open_house() as house:
        _, view = await house.post("/operations", json=RETRY)
        name = view["operation_id"]
        tally = Tally(at=1_764_547_200_000, matched=9, done=7, skipped=1, refused={"unsendable": 1})  # type: ignore[dict-item]
        house.rewrite(name, Status.RUNNING, progress=Progress(9, None, tally.text(), CLOCK.now()))
        _, view = await house.get(f"/operations/{name}")
        assert (view["state"], view["matched"], view["done"], view["skipped"]) == ("running", 9, 7, 1)
        assert (view["refused"], view["looked_to"]) == ({"unsendable": 1}, "2025-12-01T00:00:00.000Z")
        stopped = replace(tally, stopped="60 of 100 failed again")
        house.rewrite(name, Status.SUCCEEDED, progress=Progress(9, None, stopped.text(), CLOCK.now()))
        _, view = await house.get(f"/operations/{name}")
        assert (view["state"], view["stopped_because"]) == ("stopped", "60 of 100 failed again")


async def test_a_dry_run_counts_shows_some_and_says_of_which_kinds_they_are() -> None:
    async with open_house() as house:
        fill(house, *(failed(number, type=("a", "b", "b")[number % 3]) for number in range(30)))
        status, preview = await house.post("/operations", json=RETRY | {"dry_run": True})
        assert status == 200
        assert (preview["matched"], preview["more"], preview["complete"], preview["summary"]) == (30, False, True, "30")
        assert [each["job_id"] for each in preview["samples"]] == [f"job-{number:05}" for number in range(20)]
        assert preview["spread"] == {"type": {"b": 20, "a": 10}, "tenant": {"default": 30}, "release": {"1.0": 30}}
        assert not asked(house)


async def test_a_dry_run_counts_up_to_a_thousand() -> None:
    async with open_house() as house:
        fill(house, *(failed(number // 100, job_id=f"job-{number:05}") for number in range(1001)))
        _, preview = await house.post("/operations", json=RETRY | {"dry_run": True})
        assert (preview["matched"], preview["more"], preview["summary"]) == (1000, True, "more than 1,000")


@pytest.mark.parametrize(("expect", "expected"), [(30, 202), (39, 202), (50, 409), (19, 202), (18, 409), (0, 409)])
async def test_another_number_than_was_seen_is_refused(expect: int, expected: int) -> None:
    async with open_house() as house:
        fill(house, *(failed(number) for number in range(30)))
        status, answer = await house.post("/operations", json=RETRY | {"expect": expect})
        assert status == expected, answer
        if status == 409:
            assert answer["type"] == "urn:cqworker:problem:not-allowed-now"
            assert "30 jobs match by now" in answer["detail"]
            assert not asked(house)


async def test_jobs_may_be_named_one_by_one() -> None:
    async with open_house() as house:
        fill(house, failed(1), failed(2), failed(3, status=Status.SUCCEEDED))
        body = {"act": "retry", "job_ids": ["job-00001", "job-00003", "job-00001", "nobody"]}
        _, preview = await house.post("/operations", json=body | {"dry_run": True})
        assert (preview["matched"], [each["job_id"] for each in preview["samples"]]) == (1, ["job-00001"])
        status, view = await house.post("/operations", json=body)
        assert (status, view["named"], view["filter"]) == (202, 3, None)


async def test_a_list_that_needs_an_index_is_refused_before_it_begins() -> None:
    async with open_house() as house:
        house.listing.missing |= set(JobIndex)
        status, problem = await house.post("/operations", json={"act": "cancel", "filter": {"type": "a"}})
        assert (status, problem["type"]) == (409, "urn:cqworker:problem:not-provisioned")
        assert "`cqworker provision`" in problem["detail"]
        assert not asked(house)


async def test_an_operation_can_be_stopped_once() -> None:
    async with open_house() as house:
        _, view = await house.post("/operations", json=RETRY)
        path = f"/operations/{view['operation_id']}/cancel"
        status, stopped = await house.post(path)
        assert (status, stopped["state"]) == (202, "cancelled")
        status, problem = await house.post(path)
        assert (status, problem["type"]) == (409, "urn:cqworker:problem:not-allowed-now")


async def test_a_forged_cursor_shows_nothing_of_others_and_a_wrong_one_is_refused() -> None:
    tokens = [token("ann", "operate", tenant="anns"), token("bob", "operate", tenant="bobs")]
    async with open_house(tokens=tokens) as house:
        _, anns = await house.post("/operations", json=RETRY, headers=bearer("ann"))
        for cursor in ("~", "zzz", anns["operation_id"], "operations%23anns"):
            _, page = await house.get(f"/operations?cursor={cursor}", headers=bearer("bob"))
            assert page == {"operations": [], "next": None}
        for query in ("cursor=", f"cursor={'x' * 65}", "limit=0", "limit=101", "limit=all"):
            status, problem = await house.get(f"/operations?{query}", headers=bearer("bob"))
            assert (status, problem["type"]) == (400, "urn:cqworker:problem:listing-refused"), query


async def test_a_tenants_operation_is_another_ones_to_neither_see_nor_stop() -> None:
    tokens = [token("ann", "operate", tenant="anns"), token("bob", "operate", tenant="bobs")]
    async with open_house(tokens=[*tokens, token("root", "operate", tenant="*")]) as house:
        _, anns = await house.post("/operations", json=RETRY, headers=bearer("ann"))
        path = f"/operations/{anns['operation_id']}"
        assert (await house.get(path, headers=bearer("bob")))[0] == 404
        assert (await house.post(f"{path}/cancel", headers=bearer("bob")))[0] == 404
        assert (await house.get(path, headers=bearer("root")))[0] == 200
        _, roots = await house.post("/operations", json=RETRY, headers=bearer("root"))
        assert (await house.get(f"/operations/{roots['operation_id']}", headers=bearer("ann")))[0] == 404
        assert (await house.get(f"/jobs/{roots['operation_id']}", headers=bearer("ann")))[0] in (403, 404)


async def test_nobody_submits_a_job_of_the_products_own_types() -> None:
    async with open_house() as house:
        status, problem = await house.post("/jobs", json={"type": OPERATION_TYPE, "payload": {}})
        assert (status, problem["type"]) == (422, "urn:cqworker:problem:unknown-type")
        _, shown = await house.get("/handlers")
        assert OPERATION_TYPE not in {each["type"] for each in shown["handlers"]}
