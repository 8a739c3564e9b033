"""What only a client over HTTP can meet: tokens, strangers, and nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cqworker.client import Client, DaemonRefused, DaemonUnreachable, NewJob, NotAdmitted, request_retry
from cqworker.client.problem_errors import error_of
from cqworker.model.status import Status
from tests.client.shop import TEXT, TYPE
from tests.patience import scaled
from tests.web.house import House, bearer, open_house, token


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_retry, "PAUSES", (0.01, 0.01, 0.01))


def url_of(house: House) -> str:
    return f"http://127.0.0.1:{house.port}"


async def test_a_token_opens_what_its_scopes_allow() -> None:
    tokens = [token("secret", "submit", tenant="acme")]
    async with open_house(tokens=tokens) as house, Client.http(url_of(house), token="secret") as client:
        job = await client.submit(TYPE, TEXT)
        assert job.tenant == "acme"
        with pytest.raises(DaemonRefused, match='lacks the scope "read"') as caught:
            await client.get(job.job_id)
        assert not isinstance(caught.value, NotAdmitted)


@pytest.mark.parametrize("given", [None, "wrong"])
async def test_without_a_valid_token_nobody_is_admitted(given: str | None) -> None:
    async with open_house(tokens=[token("secret", "submit")]) as house, Client.http(url_of(house), given) as client:
        with pytest.raises(NotAdmitted, match="Authorization: Bearer"):
            await client.submit(TYPE, TEXT)


async def test_the_versioned_address_can_be_the_base() -> None:
    async with open_house() as house, Client.http(f"{url_of(house)}/api/v1/") as client:
        job = await client.submit(TYPE, TEXT)
        assert (await client.get(job.job_id)).status is Status.QUEUED


async def test_a_hundred_waits_at_once_hold_no_other_call_up() -> None:
    async with open_house() as house, Client.http(url_of(house)) as client:
        job = await client.submit(TYPE, TEXT)
        waits = [asyncio.create_task(client.wait(job.job_id, 30)) for _ in range(100)]
        async with asyncio.timeout(scaled(5)):
            assert (await client.cancel(job.job_id)).status is Status.CANCELLED
            assert {seen.status for seen in await asyncio.gather(*waits)} == {Status.CANCELLED}


@asynccontextmanager
async def somebody_else(answer: bytes) -> AsyncIterator[str]:
    """A server that is no cqworker."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def page(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.mark.parametrize(
    "answer",
    [
        page("200 OK", b"hi"),
        page("200 OK", b"{}"),
        page("200 OK", b"[1]"),
        page("404 Not Found", b"hi"),
        page("502 Bad Gateway", b'{"message": "no upstream"}'),
        page("302 Found", b"", "Location: http://127.0.0.1:1/"),
    ],
)
async def test_who_is_no_cqworker_is_recognised(answer: bytes) -> None:
    async with somebody_else(answer) as url, Client.http(url, token="secret") as client:
        with pytest.raises(DaemonRefused, match="something that is no job"):
            await client.get("x")


async def test_a_job_that_this_version_cannot_read_is_told_as_such() -> None:
    strange = page("200 OK", b'{"job_id": "x", "status": "PAUSED"}')
    async with somebody_else(strange) as url, Client.http(url) as client:
        with pytest.raises(DaemonRefused, match="cannot read"):
            await client.get("x")


@pytest.mark.parametrize("answer", [page("200 OK", b'{"jobs": []}'), page("200 OK", b'{"jobs": {}}')])
async def test_a_batch_that_is_not_answered_job_by_job_is_no_answer(answer: bytes) -> None:
    async with somebody_else(answer) as url, Client.http(url) as client:
        with pytest.raises(DaemonRefused):
            await client.submit_many([NewJob(TYPE, TEXT)])


async def test_a_connection_that_breaks_may_have_carried_the_request() -> None:
    async with somebody_else(b"") as url, Client.http(url) as client:
        with pytest.raises(DaemonUnreachable) as caught:
            await client.submit(TYPE, TEXT)
        assert caught.value.ambiguous


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://", "nonsense"])
async def test_where_nobody_listens_nothing_was_asked(url: str) -> None:
    async with Client.http(url) as client:
        with pytest.raises(DaemonUnreachable, match="No daemon answers at") as caught:
            await client.submit(TYPE, TEXT)
        assert not caught.value.ambiguous


async def test_every_problem_that_the_daemon_tells_is_an_error_of_its_own_or_a_refusal() -> None:
    async with open_house(tokens=[token("t", "read")]) as house:
        status, problem = await house.get("/nowhere", headers=bearer("t"))
    error = error_of(problem)
    assert (status, type(error)) == (404, DaemonRefused)
    assert str(error) == problem["detail"]
