"""Submitting a job over HTTP."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import orjson
import pytest

from cqworker.errors import MessageTooLarge
from tests.web.house import TEXT, House, away, open_house


async def test_a_job_is_accepted_with_its_address_and_shown(house: House) -> None:
    async with house.client.post("/jobs", json=TEXT) as answer:
        job = await answer.json()
        assert answer.status == 202
        assert answer.headers["Location"] == f"/jobs/{job['job_id']}"
    assert (job["status"], job["queue"], job["payload"], job["tenant"]) == (
        "QUEUED",
        "main",
        {"text": "hello"},
        "default",
    )
    assert await house.get(f"/jobs/{job['job_id']}") == (200, job)
    assert orjson.loads(house.queue.bodies[0])["job_id"] == job["job_id"]


async def test_everything_that_can_be_said_of_a_job_arrives(house: House) -> None:
    said = {
        "queue": "main",
        "metadata": {"order": "7", "größe": "XL"},
        "tags": ["a", "b"],
        "max_attempts": 3,
        "delay_seconds": 900,
    }
    job = await house.submit(TEXT | said)
    assert {name: job[name] for name in said if name != "delay_seconds"} == {
        name: value for name, value in said.items() if name != "delay_seconds"
    }
    assert job["scheduled_at"] > job["created_at"]


WHOLE = [("10", 10), ("1e1", 10), ("10.0", 10), ("1.00e1", 10), ("300", 300), ("3e2", 300)]
BROKEN = ["1.5", "0.9999", "301.0", "1e300", "3.1e2", "true", '"10"', "-1.0", "0.0"]


@pytest.mark.parametrize(("spelt", "value"), WHOLE)
async def test_a_whole_number_may_be_spelt_as_json_schema_lets_it(house: House, spelt: str, value: int) -> None:
    said = f'"max_attempts": {spelt}, "delay_seconds": {spelt}'
    body = f'{{"type": "text.transform", "payload": {{"text": "a"}}, {said}}}'
    headers = {"Content-Type": "application/json"}
    status, job = await house.post("/jobs", data=body, headers=headers)
    assert (status, job["max_attempts"]) == (202, value)
    _, many = await house.post("/jobs/batch", data=f'{{"jobs": [{body}]}}', headers=headers)
    assert [(one["status"], one["job"]["max_attempts"]) for one in many["jobs"]] == [(202, value)]
    status, problem = await house.post(f"/jobs/{job['job_id']}/retry", data=f'{{"round": {spelt}}}', headers=headers)
    assert (status, problem["type"]) == (409, "urn:cqworker:problem:not-allowed-now")


@pytest.mark.parametrize("spelt", BROKEN)
async def test_what_is_no_whole_number_in_its_bounds_is_422(house: House, spelt: str) -> None:
    body = f'{{"type": "text.transform", "payload": {{"text": "a"}}, "max_attempts": {spelt}}}'
    headers = {"Content-Type": "application/json"}
    status, problem = await house.post("/jobs", data=body, headers=headers)
    assert (status, problem["errors"][0]["pointer"]) == (422, "/max_attempts")
    _, many = await house.post("/jobs/batch", data=f'{{"jobs": [{body}]}}', headers=headers)
    assert many["jobs"][0]["problem"]["errors"][0]["pointer"] == "/jobs/0/max_attempts"


async def test_job_type_and_params_are_understood(house: House) -> None:
    job = await house.submit({"job_type": "text.transform", "params": {"text": "x"}})
    assert (job["type"], job["payload"]) == ("text.transform", {"text": "x"})


async def test_curl_without_a_content_type_is_understood(house: House) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    status, _ = await house.post("/jobs", data=orjson.dumps(TEXT), headers=headers)
    assert status == 202


async def test_the_versioned_address_answers_with_versioned_locations(house: House) -> None:
    async with house.client.post("/api/v1/jobs", json=TEXT) as answer:
        location = answer.headers["Location"]
        assert location == f"/api/v1/jobs/{(await answer.json())['job_id']}"
    assert (await house.get(location))[0] == 200


async def test_a_repeated_key_is_answered_with_the_same_job(house: House) -> None:
    first = await house.submit(Idempotency_Key="order 7")
    async with house.client.post("/jobs", json=TEXT, headers={"Idempotency-Key": "order 7"}) as answer:
        assert answer.status == 200
        assert answer.headers["Idempotent-Replayed"] == "true"
        assert (await answer.json())["job_id"] == first["job_id"]
        assert answer.headers["Location"] == f"/jobs/{first['job_id']}"
    assert len(house.queue.bodies) == 1


async def test_a_key_of_another_request_is_refused(house: House) -> None:
    await house.submit(Idempotency_Key="k")
    body = {"type": "text.transform", "payload": {"text": "other"}}
    status, problem = await house.post("/jobs", json=body, headers={"Idempotency-Key": "k"})
    assert (status, problem["type"]) == (422, "urn:cqworker:problem:idempotency-key-reused")


@pytest.mark.parametrize("key", ["k" * 129, "schlüssel", "tab\tbed", ""])
async def test_a_key_that_is_no_key_is_refused(house: House, key: str) -> None:
    status, problem = await house.post("/jobs", json=TEXT, headers={"Idempotency-Key": key})
    assert status == 400
    assert "1 to 128 printable ASCII" in problem["detail"]


FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no type": ({"payload": {}}, "/type", "invalid-request"),
    "no payload": ({"type": "text.transform"}, "/payload", "invalid-request"),
    "type no string": ({"type": 1, "payload": {}}, "/type", "invalid-request"),
    "empty type": ({"type": "", "payload": {}}, "/type", "invalid-request"),
    "unknown type": ({"type": "nope", "payload": {}}, "/type", "unknown-type"),
    "unknown job_type": ({"job_type": "nope", "payload": {}}, "/job_type", "unknown-type"),
    "unknown queue": (TEXT | {"queue": "nope"}, "/queue", "unknown-queue"),
    "payload field missing": (TEXT | {"payload": {}}, "/payload/text", "invalid-payload"),
    "payload field wrong": (TEXT | {"payload": {"text": 7}}, "/payload/text", "invalid-payload"),
    "params field wrong": ({"type": "text.transform", "params": {"text": 7}}, "/params/text", "invalid-payload"),
    "payload no object": (TEXT | {"payload": [1]}, "/payload", "invalid-payload"),
    "payload null": (TEXT | {"payload": None}, "/payload", "invalid-payload"),
    "both names": (TEXT | {"job_type": "text.transform"}, "/job_type", "invalid-request"),
    "a misspelt field": (TEXT | {"max_attemps": 3}, "/max_attemps", "invalid-request"),
    "a field with a slash": (TEXT | {"a/b~c": 3}, "/a~1b~0c", "invalid-request"),
    "too many attempts": (TEXT | {"max_attempts": 301}, "/max_attempts", "invalid-request"),
    "no attempts": (TEXT | {"max_attempts": 0}, "/max_attempts", "invalid-request"),
    "true attempts": (TEXT | {"max_attempts": True}, "/max_attempts", "invalid-request"),
    "a float delay": (TEXT | {"delay_seconds": 1.5}, "/delay_seconds", "invalid-request"),
    "a negative delay": (TEXT | {"delay_seconds": -1}, "/delay_seconds", "invalid-request"),
    "a long delay": (TEXT | {"delay_seconds": 31_622_401}, "/delay_seconds", "invalid-request"),
    "a time without an offset": (TEXT | {"run_at": "2026-12-03T09:00:00"}, "/run_at", "invalid-request"),
    "a day that there is not": (TEXT | {"run_at": "2027-02-29T09:00:00Z"}, "/run_at", "invalid-request"),
    "a day without a time": (TEXT | {"run_at": "2026-12-03"}, "/run_at", "invalid-request"),
    "a time that is a number": (TEXT | {"run_at": 1_796_000_000}, "/run_at", "invalid-request"),
    "a time beyond 366 days": (TEXT | {"run_at": "9999-12-31T23:59:59-23:59"}, "/run_at", "invalid-request"),
    "a time and a delay": (TEXT | {"run_at": "2026-12-03T09:00Z", "delay_seconds": 5}, "/run_at", "invalid-request"),
    "17 metadata": (TEXT | {"metadata": {str(n): "" for n in range(17)}}, "/metadata", "invalid-request"),
    "1,025 bytes of metadata": (TEXT | {"metadata": {"k": "ü" * 512}}, "/metadata", "invalid-request"),
    "metadata no string": (TEXT | {"metadata": {"k": 1}}, "/metadata/k", "invalid-request"),
    "11 tags": (TEXT | {"tags": ["t"] * 11}, "/tags", "invalid-request"),
    "an empty tag": (TEXT | {"tags": ["t", ""]}, "/tags/1", "invalid-request"),
    "a long tag": (TEXT | {"tags": ["t" * 65]}, "/tags/0", "invalid-request"),
    "tags no list": (TEXT | {"tags": "t"}, "/tags", "invalid-request"),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_what_does_not_fit_is_refused_with_a_pointer_to_it(house: House, name: str) -> None:
    body, pointer, kind = FAULTS[name]
    status, problem = await house.post("/jobs", json=body)
    assert status == problem["status"] == 422
    assert problem["type"] == f"urn:cqworker:problem:{kind}"
    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert all(error["detail"] for error in problem["errors"])
    assert house.queue.bodies == []


async def test_a_refused_delay_and_a_misspelt_field_say_how_to_mend_them(house: House) -> None:
    _, late = await house.post("/jobs", json=TEXT | {"delay_seconds": 40_000_000})
    _, misspelt = await house.post("/jobs", json=TEXT | {"max_attemps": 3})
    assert "366 days" in late["detail"]
    assert "did you mean max_attempts?" in misspelt["detail"]


async def test_ten_thousand_faults_are_told_by_their_first_twenty(house: House) -> None:
    status, problem = await house.post("/jobs", json=TEXT | {str(n): n for n in range(10_000)})
    assert (status, len(problem["errors"])) == (422, 20)
    assert "9999 more" in problem["detail"]


async def test_a_queue_that_is_away_means_that_nothing_was_accepted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_: object) -> None:
        raise away()

    monkeypatch.setattr(house.queue, "send", refuse)
    async with house.client.post("/jobs", json=TEXT) as answer:
        problem = await answer.json()
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
    assert problem["type"] == "urn:cqworker:problem:unavailable"
    assert "Nothing was accepted" in problem["detail"]
    assert "Look at its endpoint." in problem["detail"]
    assert house.store.records == {}


async def test_a_send_without_an_answer_names_the_job_that_may_run(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fall_silent(_: object) -> None:
        raise away(ambiguous=True)

    monkeypatch.setattr(house.queue, "send", fall_silent)
    status, problem = await house.post("/jobs", json=TEXT)
    assert (status, problem["type"]) == (503, "urn:cqworker:problem:send-unanswered")
    assert problem["service"] == "sqs"
    assert problem["job_id"] in problem["detail"]
    assert "same Idempotency-Key" in problem["detail"]


async def test_a_job_is_accepted_even_if_its_record_cannot_be_put(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_: object) -> None:
        raise away("dynamodb")

    monkeypatch.setattr(house.store, "write", refuse)
    status, job = await house.post("/jobs", json=TEXT)
    assert (status, job["status"]) == (202, "QUEUED")


async def test_a_message_that_is_too_large_for_the_queue_is_413(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_: object) -> None:
        raise MessageTooLarge("The message would have 1,100,000 bytes; SQS takes 1,048,576.")

    monkeypatch.setattr(house.queue, "send", refuse)
    status, problem = await house.post("/jobs", json=TEXT)
    assert (status, problem["type"]) == (413, "urn:cqworker:problem:too-large")


async def test_the_callers_trace_goes_on_and_a_broken_one_is_ignored(house: House) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    job = await house.submit(traceparent=f"00-{trace}-b7ad6b7169203331-01")
    other = await house.submit(traceparent="00-nonsense")
    assert job["trace_id"] == trace
    assert other["trace_id"] == other["job_id"].replace("-", "")
    assert (await house.queue.receive(1, 0, 1))[0].traceparent == f"00-{trace}-b7ad6b7169203331-01"


async def test_a_big_payload_goes_to_the_artifacts_and_is_referred_to() -> None:
    async with open_house(inline_limit=64) as house:
        job = await house.submit({"type": "text.transform", "payload": {"text": "long " * 100}})
        assert job["payload"] is None
        assert job["payload_ref"] in house.artifacts.objects


async def test_a_body_over_the_limit_is_413_whether_or_not_it_says_so_first(house: House) -> None:
    async def drip() -> Any:
        for _ in range(40):
            yield b" " * 65_536

    for data in (BytesIO(b" " * 1_048_577), drip()):
        status, problem = await house.post("/jobs", data=data, headers={"Content-Type": "application/json"})
        assert (status, problem["type"]) == (413, "urn:cqworker:problem:too-large")
        assert "1048576" in problem["detail"]
