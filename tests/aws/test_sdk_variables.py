"""What the SDK's variables say holds on both ways to AWS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from cqworker.aws.clients import AwsClients
from cqworker.aws.error_translation import AwsFault
from cqworker.aws.operations import GET_ITEM, GET_QUEUE_URL, UPDATE_ITEM
from tests.aws.stub import Seen, answers, error, ok, serving
from tests.patience import scaled

SpeakTo = Callable[..., None]
ELSEWHERE = "http://dynamodb.example.com"


@pytest.mark.parametrize(("most", "tried"), [("1", 1), ("5", 5), ("", 3)])
async def test_a_call_is_tried_as_often_as_the_sdks_variable_says(
    clients: AwsClients, speak_to: SpeakTo, most: str, tried: int
) -> None:
    async with serving(answers(error(500, "InternalServerError"))) as stub:
        speak_to(stub.url, **({"AWS_MAX_ATTEMPTS": most} if most else {}))
        with pytest.raises(AwsFault):
            await clients.call(UPDATE_ITEM, {}, "it")
    assert len(stub.seen) == tried


async def test_a_number_of_tries_that_is_none_is_told(clients: AwsClients, speak_to: SpeakTo) -> None:
    speak_to(ELSEWHERE, AWS_MAX_ATTEMPTS="many")
    with pytest.raises(AwsFault) as caught:
        await clients.call(UPDATE_ITEM, {}, "it")
    assert "AWS_MAX_ATTEMPTS is no whole number" in caught.value.cause
    assert not caught.value.ambiguous


async def test_an_application_that_has_a_name_says_it(clients: AwsClients, speak_to: SpeakTo) -> None:
    async with serving(answers(ok())) as stub:
        speak_to(stub.url, AWS_SDK_UA_APP_ID="night shift")
        await clients.call(UPDATE_ITEM, {}, "it")
    assert stub.seen[0].headers["User-Agent"].startswith("cqworker")
    assert "app/night-shift" in stub.seen[0].headers["User-Agent"]


async def test_a_refusal_in_xml_is_read_by_its_code(clients: AwsClients, speak_to: SpeakTo) -> None:
    said = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"

    async def judge(_: Seen) -> web.StreamResponse:
        return web.Response(status=400, text=said, content_type="text/xml")

    async with serving(judge) as stub, AwsClients(lambda _: None, lean=True) as lean:
        speak_to(stub.url)
        with pytest.raises(AwsFault, match="may not do sqs:GetQueueUrl"):
            await lean.call(GET_QUEUE_URL, {}, "it")


@asynccontextmanager
async def proxy(answer: bytes | None) -> AsyncIterator[str]:
    """A proxy that says this to everything; None: nothing."""
    lines: list[asyncio.StreamWriter] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.append(writer)
        await reader.read(2**16)
        if answer is not None:
            writer.write(answer)
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for line in lines:
            line.transport.abort()
        await asyncio.sleep(0)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 407 Who?\r\nContent-Length: 0\r\n\r\n", r"asks who we are \(407\)"),
        (None, "in time through the HTTP proxy"),
    ],
    ids=["407", "silent"],
)
async def test_a_proxy_is_described_as_it_behaves(
    clients: AwsClients, speak_to: SpeakTo, scheme: str, answer: bytes | None, words: str
) -> None:
    async with proxy(answer) as url:
        speak_to(f"{scheme}://dynamodb.example.com", HTTP_PROXY=url, HTTPS_PROXY=url)
        with pytest.raises(AwsFault, match=words):
            await clients.call(GET_ITEM, {}, "it", seconds=scaled(5) if answer else 0.5)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_none_of_http_is_named(clients: AwsClients, speak_to: SpeakTo, scheme: str) -> None:
    socks = "socks5://user:canary@127.0.0.1:1080"
    speak_to(f"{scheme}://dynamodb.example.com", HTTP_PROXY=socks, HTTPS_PROXY=socks)
    with pytest.raises(AwsFault, match=r"through socks5://127\.0\.0\.1:1080, which is no HTTP proxy") as caught:
        await clients.call(GET_ITEM, {}, "it")
    assert "canary" not in str(caught.value)
