"""When a job starts, over HTTP: for later, at another time, now."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cqworker.model.status import Status
from cqworker.model.timestamps import rfc3339
from cqworker.settings.rate_limits import RatesSettings
from cqworker.testing.memory_schedule import MemorySchedule
from tests.web.house import TEXT, House, bearer, open_house, token
from tests.web.test_interventions import problem_of
from tests.web.test_rates import StoppedClock

IN_A_WEEK = datetime.now(UTC).replace(microsecond=0) + timedelta(days=7)


def said(moment: datetime) -> str:
    return moment.isoformat()


async def scheduled(house: House, moment: datetime = IN_A_WEEK) -> str:
    return str((await house.submit(TEXT | {"run_at": said(moment)}))["job_id"])


@pytest.mark.parametrize(
    "when", [{"run_at": said(IN_A_WEEK)}, {"delay_seconds": 31_622_400}], ids=["a time", "a delay"]
)
async def test_a_job_for_later_is_scheduled_and_has_no_message(house: House, when: dict[str, Any]) -> None:
    job = await house.submit(TEXT | when)
    assert (job["status"], house.queue.bodies) == ("SCHEDULED", [])
    assert [entry["event"] for entry in job["history"]] == ["submitted", "scheduled"]
    if "run_at" in when:
        assert datetime.fromisoformat(job["scheduled_at"]) == IN_A_WEEK


@pytest.mark.parametrize("moment", ["2001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"])
async def test_a_time_that_has_passed_is_now(house: House, moment: str) -> None:
    job = await house.submit(TEXT | {"run_at": moment})
    assert (job["status"], job["scheduled_at"], len(house.queue.bodies)) == ("QUEUED", None, 1)
    assert (await house.queue.depth()).delayed == 0


async def test_the_same_key_with_another_time_is_another_request(house: House) -> None:
    body = TEXT | {"run_at": said(IN_A_WEEK)}
    first = await house.submit(body, Idempotency_Key="k")
    assert (await house.submit(body, Idempotency_Key="k"))["job_id"] == first["job_id"]
    other = TEXT | {"run_at": said(IN_A_WEEK + timedelta(seconds=1))}
    answer = await house.post("/jobs", json=other, headers={"Idempotency-Key": "k"})
    assert problem_of(answer) == (422, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("field", "meant"),
    [("eta", "run_at"), ("scheduled_at", "run_at"), ("wait_until", "run_at"), ("countdown", "delay_seconds"),
     ("delay", "delay_seconds"), ("in", "delay_seconds")],
)  # fmt: skip
async def test_a_word_of_another_system_is_answered_with_ours(house: House, field: str, meant: str) -> None:
    _, problem = await house.post("/jobs", json=TEXT | {field: 5})
    assert problem["errors"] == [{"pointer": f"/{field}", "detail": f"is no field here; it is {meant}"}]
    _, problem = await house.post("/jobs/x/retry", json={field: 5})
    assert problem["errors"][0]["detail"] == "is no field here"


@pytest.mark.parametrize("value", [1_796_000_000, True, ["2026-12-03T09:00:00Z"]])
async def test_a_time_that_is_no_text_is_told_how_to_be_one(house: House, value: Any) -> None:
    _, problem = await house.post("/jobs", json=TEXT | {"run_at": value})
    assert problem["detail"].startswith(
        "/run_at: is no time: write a text, a day, a time of day and an offset from UTC"
    )


async def test_a_batch_may_have_jobs_for_later_among_others(house: House) -> None:
    jobs = [TEXT, TEXT | {"run_at": said(IN_A_WEEK)}, TEXT | {"run_at": "2026-02-30T09:00:00Z"}]
    _, answer = await house.post("/jobs/batch", json={"jobs": jobs})
    assert [one["status"] for one in answer["jobs"]] == [202, 202, 422]
    assert answer["jobs"][1]["job"]["status"] == "SCHEDULED"
    assert answer["jobs"][2]["problem"]["errors"][0]["pointer"] == "/jobs/2/run_at"


async def test_a_tenant_may_submit_so_many_for_later_a_second_and_others_still_may() -> None:
    tokens = [token("ann", "submit", tenant="ann"), token("bob", "submit", tenant="bob")]
    rates = RatesSettings(schedule_rate=0.5, schedule_burst=3)
    async with open_house(clock=StoppedClock(), tokens=tokens, rates=rates) as house:
        later = TEXT | {"delay_seconds": 901}
        batch = {"jobs": [later, TEXT, later]}
        assert (await house.post("/jobs/batch", json=batch, headers=bearer("ann")))[0] == 200
        status, problem = await house.post("/jobs/batch", json=batch, headers=bearer("ann"))
        assert (status, problem["retry_after"]) == (429, 2)
        assert (
            'The tenant "ann" may submit 0.5 jobs a second, 3 at once for later than in 15 minutes.'
            in problem["detail"]
        )
        asked = [("ann", later), ("ann", later), ("ann", TEXT | {"delay_seconds": 900}), ("bob", later)]
        answers = [(await house.post("/jobs", json=body, headers=bearer(name)))[0] for name, body in asked]
        assert answers == [202, 429, 202, 202]


@pytest.mark.parametrize("ahead", [timedelta(days=3), timedelta(days=20)])
async def test_a_job_that_waits_is_given_another_time(house: House, ahead: timedelta) -> None:
    job_id, moment = await scheduled(house), datetime.now(UTC).replace(microsecond=0) + ahead
    body = {"run_at": said(moment), "reason": "the shop is closed"}
    status, job = await house.post(f"/jobs/{job_id}/reschedule", json=body)
    assert (status, job["status"], datetime.fromisoformat(job["scheduled_at"])) == (202, "SCHEDULED", moment)
    last = job["history"][-1]
    assert last["event"] == "rescheduled"
    assert last["reason"] == f"{job['scheduled_at']} by the local operator: the shop is closed"
    assert house.queue.bodies == []


async def test_a_delay_says_the_new_time_from_now(house: House) -> None:
    job_id = await scheduled(house)
    _, job = await house.post(f"/jobs/{job_id}/reschedule", json={"delay_seconds": 3600})
    ahead = datetime.fromisoformat(job["scheduled_at"]) - datetime.now(UTC)
    assert timedelta(minutes=55) < ahead <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("act", "body"),
    [("run-now", None), ("reschedule", {"delay_seconds": 0}), ("reschedule", {"run_at": "0001-01-01T00:00:00+14:00"})],
)
async def test_a_job_that_waits_is_run_now(house: House, act: str, body: dict[str, Any] | None) -> None:
    job_id = await scheduled(house)
    status, job = await house.post(f"/jobs/{job_id}/{act}", json=body)
    assert (status, job["status"], len(house.queue.bodies)) == (202, "QUEUED", 1)
    assert job["history"][-1]["reason"] == "now by the local operator"
    assert (await house.queue.depth()).delayed == 0


async def test_the_history_names_the_token_that_asked() -> None:
    async with open_house(tokens=[token("ann", "submit", "operate")]) as house:
        _, job = await house.post("/jobs", json=TEXT | {"run_at": said(IN_A_WEEK)}, headers=bearer("ann"))
        _, job = await house.post(f"/jobs/{job['job_id']}/run-now", headers=bearer("ann"))
        assert job["history"][-1]["reason"] == "now by ann"


@pytest.mark.parametrize("act", ["reschedule", "run-now"])
async def test_who_may_not_operate_gives_no_job_another_time(act: str) -> None:
    async with open_house(tokens=[token("ann", "submit", "read")]) as house:
        answer = await house.post(f"/jobs/x/{act}", json={"delay_seconds": 1}, headers=bearer("ann"))
        assert problem_of(answer) == (403, "forbidden")


REFUSED: dict[str, tuple[Any, str]] = {
    "no time": ({}, "/run_at"),
    "a reason alone": ({"reason": "x"}, "/run_at"),
    "both": ({"run_at": said(IN_A_WEEK), "delay_seconds": 1}, "/run_at"),
    "no offset": ({"run_at": "2026-12-03T09:00:00"}, "/run_at"),
    "no such day": ({"run_at": "2026-02-30T09:00:00Z"}, "/run_at"),
    "too far ahead": ({"run_at": said(IN_A_WEEK + timedelta(days=360))}, "/run_at"),
    "a delay too long": ({"delay_seconds": 31_622_401}, "/delay_seconds"),
    "a delay of text": ({"delay_seconds": "3d"}, "/delay_seconds"),
    "a long reason": ({"delay_seconds": 1, "reason": "x" * 101}, "/reason"),
    "a word of others": ({"eta": 5}, "/eta"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_time_that_cannot_be_is_refused_with_a_pointer(house: House, name: str) -> None:
    body, pointer = REFUSED[name]
    job_id = await scheduled(house)
    status, problem = await house.post(f"/jobs/{job_id}/reschedule", json=body)
    assert (status, problem["errors"][0]["pointer"]) == (422, pointer)
    assert datetime.fromisoformat(rfc3339(house.store.records[job_id].scheduled_at or 0)) == IN_A_WEEK


@pytest.mark.parametrize(
    ("changes", "mend"),
    [
        ({"status": Status.RUNNING, "lease_expires_at": 9_999_999_999_999}, "is RUNNING; .*or cancel it"),
        ({"status": Status.SUCCEEDED}, "is SUCCEEDED; .*submit it anew"),
        ({"status": Status.FAILED}, "is FAILED; .*retry it"),
        ({"status": Status.QUEUED, "cancel_requested_at": 1}, "was asked to stop; .*wait for its end"),
    ],
)
@pytest.mark.parametrize("act", ["reschedule", "run-now"])
async def test_a_job_that_does_not_wait_keeps_its_time(house: House, act: str, changes: Any, mend: str) -> None:
    job_id = (await house.submit())["job_id"]
    house.rewrite(job_id, **changes)
    answer = await house.post(f"/jobs/{job_id}/{act}", json={"delay_seconds": 5})
    assert problem_of(answer) == (409, "not-allowed-now")
    assert re.search(mend, answer[1]["detail"])
    assert answer[1]["job_id"] == job_id


async def test_without_its_index_the_table_keeps_no_job_for_later_and_gives_none_another_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_: object) -> bool:
        return False

    job_id = (await house.submit())["job_id"]
    monkeypatch.setattr(MemorySchedule, "is_ready", never)
    for path, body in (
        ("/jobs", TEXT | {"delay_seconds": 901}),
        (f"/jobs/{job_id}/reschedule", {"delay_seconds": 5}),
        (f"/jobs/{job_id}/run-now", None),
    ):
        status, problem = await house.post(path, json=body)
        assert problem_of((status, problem)) == (409, "not-provisioned"), path
        assert "cqworker provision" in problem["detail"]
    assert (await house.post("/jobs", json=TEXT | {"delay_seconds": 900}))[0] == 202
