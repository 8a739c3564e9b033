"""An id that came over SQS may hold anything; percent-encoded it is met on every address that has one."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from msgspec.structs import replace

from cqworker.client.http_transport import http_transport
from cqworker.model.status import Status
from cqworker.web.application import VERSIONED
from cqworker.web.route_definition import Route
from cqworker.web.routes import ROUTES
from tests.web.house import House
from tests.web.raw import RawAnswer, exchange

IDS = [
    "{x}", "}{", "{", "}", "{job_id}", "a/b", "/", "//", "a/", "..", ".", "../..", "a.b", "%", "%2F", "a%2Fb", "%25",
    "%7B", "\u00e9", "\u65e5\u672c", "\U0001f600", " ", "a b", "a+b", "a?b", "a#b", "a&b=c", "a;b", "a:b", "a\\b",
    "a\nb", "\0", "\u2028", "a\"b'c", "[x]", "~!*()", "x" * 64, "\u65e5" * 64,
]  # fmt: skip
WITH_AN_ID = [call for call in ROUTES if "{job_id}" in call.path]
BODIES = {"rescheduleJob": '{"delay_seconds": 3600}', "reprioritiseJob": '{"priority": "high"}'}
"""What is asked at addresses that want a body."""


def stored(house: House, job: dict[str, str], job_id: str, status: Status) -> None:
    """A job of this id, which somebody sent over SQS."""
    record = replace(house.store.records[job["job_id"]], job_id=job_id, status=status)
    house.store.records[job_id] = record


async def ask(house: House, row: Route, job_id: str, prefix: str = "") -> RawAnswer:
    path = row.path.replace("{job_id}", quote(job_id, safe="")).replace("{name}", quote("{a}/b", safe=""))
    body = BODIES.get(row.name, "")
    head = f"{row.method} {prefix}{path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    return await exchange(house.port, (head + body).encode())


def test_every_address_with_an_id_that_wants_a_body_is_asked_with_one() -> None:
    assert {row.name for row in WITH_AN_ID if row.body and row.needs_body} == BODIES.keys()


@pytest.mark.parametrize("prefix", ["", VERSIONED])
@pytest.mark.parametrize("row", WITH_AN_ID, ids=lambda row: row.name)
async def test_every_address_with_an_id_takes_any_id(house: House, row: Route, prefix: str) -> None:
    job = await house.submit()
    for job_id in IDS:
        stored(house, job, job_id, Status.FAILED if row.name == "retryJob" else Status.QUEUED)
        answer = await ask(house, row, job_id, prefix)
        if row.name in ("downloadJobArtifact", "downloadNamedArtifact"):
            assert answer.problem["type"] == "urn:cqworker:problem:artifact-not-found", job_id
            assert answer.problem["job_id"] == job_id
        else:
            assert answer.status in (200, 202), (job_id, answer)
            assert house.store.records[job_id].job_id == job_id


@pytest.mark.parametrize("row", WITH_AN_ID, ids=lambda row: row.name)
async def test_an_id_that_nobody_has_is_a_job_that_is_not_there(house: House, row: Route) -> None:
    for job_id in [*IDS, "x" * 65, "\u65e5" * 100]:
        answer = await ask(house, row, job_id)
        assert answer.problem["type"] == "urn:cqworker:problem:job-not-found", job_id
        assert answer.problem["job_id"] == job_id


@pytest.mark.parametrize("raw", ["%FF", "%C3", "%ED%A0%80", "%", "%zz", "%00%", "\u00e9"])
async def test_an_id_that_is_no_utf_8_is_no_error_of_ours(house: House, raw: str) -> None:
    head = f"GET /jobs/{raw} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert (await exchange(house.port, head.encode("latin-1"))).status in (400, 404)


@pytest.mark.parametrize("artifact_id", ["{x}", "a/b", "..", "\u00e9", "%2F", " "])
async def test_an_artifact_of_a_strange_id_is_an_artifact_that_is_not_there(house: House, artifact_id: str) -> None:
    head = f"GET /artifacts/{quote(artifact_id, safe='')} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = await exchange(house.port, head.encode())
    assert answer.problem["type"] == "urn:cqworker:problem:artifact-not-found"


async def test_the_client_meets_any_id(house: House) -> None:
    job = await house.submit()
    async with http_transport(f"http://127.0.0.1:{house.port}", None) as transport:
        for job_id in IDS:
            stored(house, job, job_id, Status.QUEUED)
            assert (await transport.show(job_id))["job_id"] == job_id
            assert (await transport.cancel(job_id))["status"] == "CANCELLED"
