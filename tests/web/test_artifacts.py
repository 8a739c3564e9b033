"""Uploads, downloads, and what a job made."""

from __future__ import annotations

import asyncio
from io import BytesIO

import pytest
from aiohttp import ClientConnectionResetError, FormData, web
from aiohttp.test_utils import make_mocked_request
from msgspec.structs import replace

from cqworker.events import Event
from cqworker.model.source_reference import resolve_source
from cqworker.model.status import Status
from cqworker.ports import StoredObject
from cqworker.web.artifact_routes import TRANSFERS
from cqworker.web.error_middleware import error_middleware
from tests.web.house import House, away, bearer, open_house, token, until

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100


async def test_an_upload_can_be_fetched_and_used_as_a_source(house: House) -> None:
    async with house.client.post("/artifacts", data=PNG, headers={"Content-Type": "image/png"}) as answer:
        made = await answer.json()
        assert answer.status == 201
        assert answer.headers["Location"] == f"/artifacts/{made['artifact_id']}"
    artifact_id = made["artifact_id"]
    source = f"artifact:{artifact_id}"
    assert made == {"artifact_id": artifact_id, "bytes": 108, "content_type": "image/png", "source": source}
    assert resolve_source(source, "default", house.artifacts.reference, ()) in house.artifacts.objects
    async with house.client.get(f"/artifacts/{artifact_id}") as answer:
        assert (answer.status, await answer.read(), answer.content_type) == (200, PNG, "image/png")
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{artifact_id}.png"'
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "text/javascript", "x", "a/b;c=dé"])
async def test_what_a_browser_would_run_is_served_as_bytes(house: House, content_type: str) -> None:
    _, made = await house.post("/artifacts", data=b"<script>", headers={"Content-Type": content_type})
    async with house.client.get(f"/artifacts/{made['artifact_id']}") as answer:
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{made["artifact_id"]}.bin"'


async def test_an_empty_upload_is_refused(house: House) -> None:
    status, problem = await house.post("/artifacts")
    assert (status, problem["status"]) == (400, 400)


async def test_an_upload_over_the_limit_is_413_and_one_at_the_limit_is_not() -> None:
    async with open_house(max_upload=2_000_000) as house:
        assert (await house.post("/artifacts", data=BytesIO(b"x" * 2_000_000)))[0] == 201
        status, problem = await house.post("/artifacts", data=BytesIO(b"x" * 2_000_001))
        assert (status, problem["type"]) == (413, "urn:cqworker:problem:too-large")
        assert len(house.artifacts.objects) == 1


@pytest.mark.parametrize("artifact_id", ["0" * 32, "%2e%2e%2fx", "0" * 31, "0" * 31 + "G", "😀", "%00"])
async def test_an_artifact_that_nobody_uploaded_is_404(house: House, artifact_id: str) -> None:
    status, problem = await house.get(f"/artifacts/{artifact_id}")
    assert (status, problem["status"]) == (404, 404)


async def test_storage_that_is_away_is_503(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> None:
        raise away("s3")

    monkeypatch.setattr(house.artifacts, "put", refuse)
    status, problem = await house.post("/artifacts", data=PNG)
    assert (status, problem["service"]) == (503, "s3")


async def succeeded(house: House, result: str) -> str:
    job_id: str = (await house.submit())["job_id"]
    house.rewrite(job_id, Status.SUCCEEDED, result=result.replace("JOB", job_id))
    return job_id


async def test_the_object_that_a_result_names_is_served_as_an_attachment(house: House) -> None:
    job_id = await succeeded(house, '{"output":"s3://artifacts/cq/JOB/1-1.png"}')
    house.artifacts.objects[f"s3://artifacts/cq/{job_id}/1-1.png"] = StoredObject(PNG, "image/png")
    async with house.client.get(f"/jobs/{job_id}/artifact") as answer:
        assert (answer.status, await answer.read(), answer.content_type) == (200, PNG, "image/png")
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{job_id}.png"'


@pytest.mark.parametrize(
    ("name", "content_type", "filename"),
    [
        ("report.csv", "text/csv", "report.csv"),
        ("report", "text/csv", "report.csv"),
        ("x.html", "text/html", "x.html.bin"),
    ],
)
async def test_an_object_with_a_name_is_served_under_it_and_as_nothing_that_a_browser_runs(
    house: House, name: str, content_type: str, filename: str
) -> None:
    job_id = await succeeded(house, f'{{"output":"s3://artifacts/cq/JOB/1-1/{name}"}}')
    house.artifacts.objects[f"s3://artifacts/cq/{job_id}/1-1/{name}"] = StoredObject(b"a;b", content_type)
    async with house.client.get(f"/jobs/{job_id}/artifact") as answer:
        assert (answer.status, await answer.read()) == (200, b"a;b")
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{filename}"'


async def test_what_a_job_wrote_under_a_name_is_served_by_it_whatever_the_result_says(house: House) -> None:
    job_id = await succeeded(house, "null")
    house.rewrite(job_id, Status.SUCCEEDED, round=2, attempt=3)
    for number in ("2-3", "2-2"):
        house.artifacts.objects[f"s3://artifacts/cq/{job_id}/{number}/report.csv"] = StoredObject(
            number.encode(), "text/csv"
        )
    async with house.client.get(f"/jobs/{job_id}/artifacts/report.csv") as answer:
        assert (answer.status, await answer.read()) == (200, b"2-3")
        assert answer.headers["Content-Disposition"] == 'attachment; filename="report.csv"'


@pytest.mark.parametrize("name", ["other.csv", ".hidden", "..%2Fx", "%2e%2e", "a%20b", "😀", "x" * 101, "%00"])
async def test_a_name_that_a_job_gave_nothing_is_404(house: House, name: str) -> None:
    job_id = await succeeded(house, "null")
    status, problem = await house.get(f"/jobs/{job_id}/artifacts/{name}")
    assert (status, problem["status"]) == (404, 404)


async def test_what_another_tenants_job_wrote_under_a_name_is_no_job_of_the_callers() -> None:
    tokens = (token("ours", "submit", "read"), token("theirs", "read", tenant="rival"))
    async with open_house(tokens=tokens) as house:
        job_id = (await house.submit(Authorization="Bearer ours"))["job_id"]
        house.rewrite(job_id, Status.SUCCEEDED, attempt=1)
        house.artifacts.objects[f"s3://artifacts/cq/{job_id}/1-1/a"] = StoredObject(b"x", "text/csv")
        for secret, expected in (("ours", 200), ("theirs", 404)):
            async with house.client.get(f"/jobs/{job_id}/artifacts/a", headers=bearer(secret)) as answer:
                assert answer.status == expected


async def test_the_output_of_a_job_whose_id_was_made_elsewhere_is_served(house: House) -> None:
    job_id = await succeeded(house, '{"output":"s3://artifacts/cq/order%2E7/1-1.png"}')
    house.store.records["order.7"] = replace(house.store.records.pop(job_id), job_id="order.7")
    house.artifacts.objects["s3://artifacts/cq/order%2E7/1-1.png"] = StoredObject(PNG, "image/png")
    async with house.client.get("/jobs/order.7/artifact") as answer:
        assert (answer.status, await answer.read()) == (200, PNG)


@pytest.mark.parametrize(
    "result",
    [
        '{"output":"s3://artifacts/cq/uploads/other/secret"}',
        '{"output":"s3://artifacts/cq/JOB2/1-1.png"}',
        '{"output":"s3://artifacts/cq/JOB/../other/1-1.png"}',
        '{"output":"s3://artifacts/cq/JOB//1-1.png"}',
        '{"output":"s3://artifacts/cq/JOB/"}',
        '{"output":"s3://elsewhere/cq/JOB/1-1.png"}',
        '{"output":"JOB/1-1.png"}',
        '{"output":["s3://artifacts/cq/JOB/1-1.png"]}',
        '"s3://artifacts/cq/JOB/1-1.png"',
        "null",
    ],
)
async def test_a_result_opens_no_door_but_the_jobs_own(house: House, result: str) -> None:
    job_id = await succeeded(house, result)
    output = result.replace("JOB", job_id).split('"')[-2 if result != "null" else 0]
    house.artifacts.objects[output] = StoredObject(b"secret", "text/plain")
    status, problem = await house.get(f"/jobs/{job_id}/artifact")
    assert (status, problem["type"]) == (404, "urn:cqworker:problem:artifact-not-found")
    assert problem["job_id"] == job_id


async def test_a_spilled_result_is_served_as_the_json_it_is(house: House) -> None:
    job_id = (await house.submit())["job_id"]
    reference = await house.artifacts.put(f"results/{job_id}.json", b'{"n":1}', "application/json")
    house.rewrite(job_id, Status.SUCCEEDED, result_ref=reference)
    assert await house.get(f"/jobs/{job_id}/artifact") == (200, {"n": 1})


async def test_a_job_without_a_result_has_no_artifact(house: House) -> None:
    job_id = (await house.submit())["job_id"]
    assert (await house.get(f"/jobs/{job_id}/artifact"))[0] == 404


async def test_an_object_that_is_gone_is_404_and_one_too_large_is_said_to_be() -> None:
    async with open_house(max_upload=1024) as house:
        job_id = await succeeded(house, '{"output":"s3://artifacts/cq/JOB/1-1.png"}')
        assert (await house.get(f"/jobs/{job_id}/artifact"))[0] == 404
        house.artifacts.objects[f"s3://artifacts/cq/{job_id}/1-1.png"] = StoredObject(b"x" * 2000, "image/png")
        status, problem = await house.get(f"/jobs/{job_id}/artifact")
        assert (status, problem["type"]) == (413, "urn:cqworker:problem:artifact-too-large")


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "APPLICATION/X-WWW-Form-Urlencoded;a"])
async def test_what_curl_sends_by_itself_is_bytes_of_any_kind(house: House, content_type: str) -> None:
    status, made = await house.post("/artifacts", data=PNG, headers={"Content-Type": content_type})
    assert (status, made["content_type"]) == (201, "application/octet-stream")
    async with house.client.get(f"/artifacts/{made['artifact_id']}") as answer:
        assert (await answer.read(), answer.content_type) == (PNG, "application/octet-stream")


async def test_a_form_is_refused_with_the_way_to_send_the_bytes_themselves(house: House) -> None:
    form = FormData({"file": BytesIO(PNG)})
    status, problem = await house.post("/artifacts", data=form)
    assert (status, problem["type"]) == (415, "urn:cqworker:problem:unsupported-media-type")
    assert "--data-binary" in problem["detail"]


async def test_so_many_transfers_at_once_and_the_others_are_told_to_come_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.server._app[TRANSFERS], "_timeout", 0.1)
    free = asyncio.Event()
    keep = house.artifacts.put

    async def slowly(key: str, data: bytes, content_type: str) -> str:
        await free.wait()
        return await keep(key, data, content_type)

    monkeypatch.setattr(house.artifacts, "put", slowly)
    uploads = [asyncio.create_task(house.post("/artifacts", data=PNG)) for _ in range(12)]
    await until(lambda: sum(upload.done() for upload in uploads) == 4)
    free.set()
    statuses = sorted([status for status, _ in await asyncio.gather(*uploads)])
    assert statuses == [201] * 8 + [503] * 4
    assert (await house.post("/artifacts", data=PNG))[0] == 201


async def test_a_client_that_leaves_in_the_middle_of_a_download_is_no_incident(house: House) -> None:
    _, made = await house.post("/artifacts", data=PNG)
    reference = house.artifacts.reference(f"uploads/default/{made['artifact_id']}")
    house.artifacts.objects[reference] = StoredObject(b"x" * 16_777_216, "image/png")
    async with house.client.get(f"/artifacts/{made['artifact_id']}") as answer:
        await answer.content.readexactly(1000)
        answer.close()
    await until(lambda: house.is_idle)
    assert house.events == []
    assert (await house.post("/artifacts", data=PNG))[0] == 201


class ClosingTransport(asyncio.Transport):
    def is_closing(self) -> bool:
        return True


async def test_nor_is_one_whose_connection_is_just_being_closed() -> None:
    events: list[Event] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        raise ClientConnectionResetError("Cannot write to closing transport")

    request = make_mocked_request("GET", "/artifacts/0", transport=ClosingTransport())
    with pytest.raises(ClientConnectionResetError):
        await error_middleware(events.append)(request, answer)
    assert events == []
