"""The connections of the JSON client: kept, broken, given up, encrypted, and led through proxies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from cqworker.aws.clients import AwsClients
from cqworker.aws.operations import GET_ITEM, SEND, UPDATE_ITEM
from cqworker.errors import Unavailable
from tests.aws.stub import Seen, body_of, ok, serving
from tests.aws_http.asking import said
from tests.aws_http.certificates import authority_and_server

SpeakTo = Callable[..., None]
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"MessageId":1}'


@asynccontextmanager
async def scripted(*connections: Sequence[bytes | None]) -> AsyncIterator[tuple[str, list[int]]]:
    """A server that answers the requests of each connection in turn; None closes it. Counts requests by connection."""
    counts: list[int] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place = len(counts)
        counts.append(0)
        for answer in connections[place]:
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]))
            counts[place] += 1
            if answer is None:
                break
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}", counts
    finally:
        server.close()
        await server.wait_closed()


async def test_a_connection_is_used_again(clients: AwsClients, speak_to: SpeakTo) -> None:
    async with scripted([ANSWER] * 5) as (url, counts):
        speak_to(url)
        for _ in range(5):
            await clients.call(SEND, {}, "something")
    assert counts == [5]


async def test_a_kept_connection_that_the_service_closes_on_the_next_request_costs_a_try(
    clients: AwsClients, speak_to: SpeakTo
) -> None:
    async with scripted([ANSWER, None], [ANSWER]) as (url, counts):
        speak_to(url)
        for _ in range(2):
            assert await said(clients, SEND, {}) == {"MessageId": 1}
    assert counts == [2, 1]


async def test_an_answer_that_breaks_off_is_none(clients: AwsClients, speak_to: SpeakTo) -> None:
    async with scripted([ANSWER[:-4]], [ANSWER]) as (url, counts):
        speak_to(url)
        assert await said(clients, SEND, {}) == {"MessageId": 1}
    assert counts == [1, 1]


@pytest.mark.parametrize("noise", [b"\x16\x03\x01 what?\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"])
async def test_what_is_no_http_is_a_broken_connection(clients: AwsClients, speak_to: SpeakTo, noise: bytes) -> None:
    async with scripted([noise], [noise], [noise]) as (url, _):
        speak_to(url)
        with pytest.raises(Unavailable, match="broke") as caught:
            await clients.call(UPDATE_ITEM, {}, "something")
    assert caught.value.ambiguous


async def test_the_answer_to_a_call_that_was_given_up_is_not_taken_for_the_next_ones(
    clients: AwsClients, speak_to: SpeakTo
) -> None:
    release = asyncio.Event()

    async def echo(seen: Seen) -> web.StreamResponse:
        if body_of(seen)["Number"] == 1:
            await release.wait()
        return ok(**body_of(seen))

    async with serving(echo) as stub:
        speak_to(stub.url)
        first = asyncio.create_task(clients.call(GET_ITEM, {"Number": 1}, "something"))
        await stub.arrived(1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        release.set()
        for number in range(2, 5):
            assert await said(clients, GET_ITEM, {"Number": number}) == {"Number": number}


@pytest.fixture
async def encrypted(tmp_path: Path) -> AsyncIterator[tuple[str, Path]]:
    """A service on TLS, and the file of the authority that vouches for it."""
    authority, context = authority_and_server(tmp_path)

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return ok(MessageId="1")

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    yield f"https://localhost:{runner.addresses[0][1]}", authority
    await runner.cleanup()


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
async def test_an_authority_of_ones_own_is_trusted(
    clients: AwsClients,
    speak_to: SpeakTo,
    encrypted: tuple[str, Path],
    variable: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, authority = encrypted
    speak_to(url)
    monkeypatch.setenv(variable, str(authority))
    assert await said(clients, SEND, {}) == {"MessageId": "1"}


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    clients: AwsClients, speak_to: SpeakTo, encrypted: tuple[str, Path]
) -> None:
    speak_to(encrypted[0])
    with pytest.raises(Unavailable, match=r"certificate of SQS .* was not accepted") as caught:
        await clients.call(SEND, {}, "something")
    assert not caught.value.ambiguous


async def test_a_bundle_that_is_not_there_is_told(
    clients: AwsClients, speak_to: SpeakTo, encrypted: tuple[str, Path], tmp_path: Path
) -> None:
    speak_to(encrypted[0], AWS_CA_BUNDLE=str(tmp_path / "none.pem"))
    with pytest.raises(Unavailable, match="Correct AWS_CA_BUNDLE"):
        await clients.call(SEND, {}, "something")


async def test_requests_go_through_the_proxy_of_the_environment(
    clients: AwsClients, speak_to: SpeakTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(lambda _: asyncio.sleep(0, ok(MessageId="1"))) as proxy:
        speak_to("http://sqs.example:81")
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        assert await said(clients, SEND, {}) == {"MessageId": "1"}
    assert proxy.seen[0].headers["Host"] == "sqs.example:81"


async def test_a_proxy_that_is_not_there_is_told(
    clients: AwsClients, speak_to: SpeakTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(lambda _: asyncio.sleep(0, ok())) as proxy:
        gone = proxy.url
    speak_to("http://sqs.example:81")
    monkeypatch.setenv("http_proxy", gone)
    with pytest.raises(Unavailable, match="proxy for SQS refused") as caught:
        await clients.call(SEND, {}, "something")
    assert not caught.value.ambiguous
