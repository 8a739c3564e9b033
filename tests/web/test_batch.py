"""Submitting many jobs in one request."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import orjson
import pytest
from openapi_schema_validator import OAS31Validator

from cqworker.aws.sqs.batched_sends import BatchedSends
from cqworker.errors import MessageTooLarge
from cqworker.events import RequestFailed
from cqworker.web.openapi import ApiDocument
from cqworker.web.response_models import BatchView
from cqworker.web.routes import ROUTES
from tests.web.house import TEXT, House, away, bearer, open_house, token
from tests.web.test_submit import FAULTS


async def batch(house: House, *jobs: object, **options: Any) -> list[dict[str, Any]]:
    """What became of each job."""
    status, body = await house.post("/jobs/batch", json={"jobs": jobs}, **options)
    assert status == 200, body
    BatchView.model_validate_json(orjson.dumps(body), strict=True)
    answers: list[dict[str, Any]] = body["jobs"]
    return answers


def text(said: object) -> dict[str, Any]:
    return {"type": "text.transform", "payload": {"text": said}}


async def test_each_job_is_answered_for_itself_and_in_order(house: House) -> None:
    first, second, third, fourth = await batch(house, text("a"), text(7), "no object", text("b"))
    assert [answer["status"] for answer in (first, second, third, fourth)] == [202, 422, 422, 202]
    assert (first["job"]["payload"], fourth["job"]["payload"]) == ({"text": "a"}, {"text": "b"})
    assert second["problem"]["type"] == "urn:cqworker:problem:invalid-payload"
    assert second["problem"]["errors"][0]["pointer"] == "/jobs/1/payload/text"
    assert third["problem"]["errors"][0]["pointer"] == "/jobs/2"
    assert len(house.queue.bodies) == len(house.store.records) == 2
    assert await house.get(f"/jobs/{fourth['job']['job_id']}") == (200, fourth["job"])


@pytest.mark.parametrize("name", FAULTS)
async def test_what_post_jobs_refuses_is_refused_here_with_a_pointer_into_the_batch(house: House, name: str) -> None:
    body, pointer, kind = FAULTS[name]
    _, answer = await batch(house, TEXT, body)
    assert (answer["status"], answer["problem"]["status"]) == (422, 422)
    assert answer["problem"]["type"] == f"urn:cqworker:problem:{kind}"
    assert f"/jobs/1{pointer}" in [error["pointer"] for error in answer["problem"]["errors"]]
    assert len(house.queue.bodies) == 1


async def test_five_hundred_jobs_are_taken_and_one_more_is_not(house: House) -> None:
    texts = [f"{number:2000}" for number in range(500)]
    answers = await batch(house, *map(text, texts))
    assert [answer["job"]["payload"]["text"] for answer in answers] == texts
    for jobs in ([TEXT] * 501, []):
        status, problem = await house.post("/jobs/batch", json={"jobs": jobs})
        assert (status, problem["errors"][0]["pointer"]) == (422, "/jobs")
    assert len(house.queue.bodies) == 500


async def test_each_key_makes_one_job_also_within_a_batch(house: House) -> None:
    first = await house.submit(Idempotency_Key="1")
    again, new, twice, other = await batch(
        house,
        TEXT | {"idempotency_key": "1"},
        TEXT | {"idempotency_key": "2"},
        TEXT | {"idempotency_key": "2"},
        text("something else") | {"idempotency_key": "1"},
    )
    assert [answer["status"] for answer in (again, new, twice, other)] == [200, 202, 200, 422]
    assert again["job"]["job_id"] == first["job_id"]
    assert new["job"]["job_id"] == twice["job"]["job_id"]
    assert other["problem"]["type"] == "urn:cqworker:problem:idempotency-key-reused"
    assert len(house.queue.bodies) == 2


@pytest.mark.parametrize("key", ["", "k" * 129, "schlüssel", "tab\tbed", "line\n", 7])
async def test_a_key_that_is_no_key_is_refused(house: House, key: object) -> None:
    [answer] = await batch(house, TEXT | {"idempotency_key": key})
    assert answer["status"] == 422
    assert answer["problem"]["errors"][0]["pointer"] == "/jobs/0/idempotency_key"


async def test_a_key_for_the_whole_batch_is_refused(house: House) -> None:
    status, problem = await house.post("/jobs/batch", json={"jobs": [TEXT]}, headers={"Idempotency-Key": "k"})
    assert (status, "idempotency_key" in problem["detail"]) == (400, True)
    assert house.queue.bodies == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("[]", 400),
        ("{", 400),
        ('{"jobs": [], "jobs": []}', 400),
        ('{"jobs": {}}', 422),
        ("{}", 422),
        ('{"jobs": [{}], "atomic": true}', 422),
    ],
)
async def test_what_is_no_batch_is_refused_whole(house: House, body: str, status: int) -> None:
    assert (await house.post("/jobs/batch", data=body.encode()))[0] == status


async def test_a_payload_may_be_nested_as_deeply_as_in_a_request_of_its_own(house: House) -> None:
    for depth, told in ((30, 200), (31, 400)):
        payload = '{"text": "x", "more": ' + "[" * depth + "]" * depth + "}"
        job = '{"type": "text.transform", "payload": ' + payload + "}"
        alone, _ = await house.post("/jobs", data=job.encode())
        together, _ = await house.post("/jobs/batch", data=f'{{"jobs": [{job}]}}'.encode())
        assert (alone, together) == ({200: 202}.get(told, told), told)


async def test_a_batch_over_the_limit_of_bodies_is_413(house: House) -> None:
    data = BytesIO(orjson.dumps({"jobs": [text("x" * 300_000)] * 4}))
    status, problem = await house.post("/jobs/batch", data=data)
    assert (status, problem["type"]) == (413, "urn:cqworker:problem:too-large")


async def test_a_queue_that_falls_silent_or_is_away_is_told_for_each_job(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = iter([away(ambiguous=True), away(), MessageTooLarge("1,100,000 bytes"), None])

    async def stumble(_: object) -> None:
        if (fault := next(faults)) is not None:
            raise fault

    monkeypatch.setattr(house.queue, "send", stumble)
    lost, refused, large, accepted = await batch(house, *[TEXT] * 4)
    assert [answer["status"] for answer in (lost, refused, large, accepted)] == [503, 503, 413, 202]
    assert lost["problem"]["job_id"] in lost["problem"]["detail"]
    assert refused["problem"]["type"] == "urn:cqworker:problem:unavailable"
    assert "Nothing was accepted" in refused["problem"]["detail"]


async def test_a_mistake_in_the_program_spoils_one_job_alone_and_is_logged(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = house.queue.send

    async def stumble(letter: Any) -> None:
        if "spoilt" in letter.body:
            raise ZeroDivisionError("a mistake in the program")
        await send(letter)

    monkeypatch.setattr(house.queue, "send", stumble)
    fine, spoilt = await batch(house, TEXT, text("spoilt"))
    assert (fine["status"], spoilt["status"]) == (202, 500)
    [failed] = [event for event in house.events if isinstance(event, RequestFailed)]
    assert spoilt["problem"]["incident"] == failed.incident
    assert "mistake" not in spoilt["problem"]["detail"]


async def test_the_jobs_belong_to_the_tokens_tenant_and_the_callers_trace() -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    tokens = [token("writer", "submit", tenant="acme"), token("reader", "read")]
    async with open_house(tokens=tokens) as house:
        headers = bearer("writer") | {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
        answers = await batch(house, TEXT, TEXT, headers=headers)
        assert [(answer["job"]["tenant"], answer["job"]["trace_id"]) for answer in answers] == [("acme", trace)] * 2
        assert (await house.post("/jobs/batch", json={"jobs": [TEXT]}, headers=bearer("reader")))[0] == 403
        assert (await house.post("/jobs/batch", json={"jobs": [TEXT]}))[0] == 401


@pytest.mark.parametrize(
    ("job", "is_fine"),
    [
        (TEXT, True),
        (TEXT | {"idempotency_key": "k", "tags": ["t"]}, True),
        (TEXT | {"idempotency_key": "é"}, False),
        (TEXT | {"nope": 1}, False),
        ({"type": "text.transform"}, False),
    ],
)
async def test_the_schema_of_a_batch_agrees_with_the_server(house: House, job: dict[str, Any], is_fine: bool) -> None:
    document = ApiDocument(ROUTES, "1").document
    schema = {"$ref": "#/components/schemas/BatchAsk", "components": document["components"]}
    assert OAS31Validator(schema).is_valid({"jobs": [job]}) is is_fine
    [answer] = await batch(house, job)
    assert answer["status"] == (202 if is_fine else 422)


async def test_the_sends_of_a_batch_travel_together() -> None:
    async with open_house(carried_by=BatchedSends) as house:
        sizes: list[int] = []
        send_many = house.queue.send_many

        async def count(letters: Any) -> Any:
            sizes.append(len(letters))
            return await send_many(letters)

        house.queue.send_many = count  # type: ignore[method-assign]
        await batch(house, *[TEXT] * 205)
        assert sorted(sizes) == [5] + [10] * 20
