"""One request on the JSON client's own connections: how it is framed, sent, given up and refused."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from botocore import exceptions as sdk

from cqworker.aws.http import pooled_transport as transport_module
from cqworker.aws.http.pooled_transport import PooledTransport
from cqworker.aws.http.response_parser import MAX_HEAD_BYTES
from tests.aws_http.certificates import authority_and_server
from tests.aws_http.scripted_server import HEADERS, Line, answer, ask, ended, speaking
from tests.patience import scaled

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Amz-Crc32: 7\r\n\r\n4;a=b\r\nfour\r\n3\r\nmor\r\n0\r\n\r\n"
)


@pytest.fixture
async def transport() -> AsyncIterator[PooledTransport]:
    made = PooledTransport(2)
    yield made
    await made.close()


async def test_a_chunked_answer_is_put_together(transport: PooledTransport) -> None:
    async def speak(line: Line) -> None:
        await line.hear()
        line.say(CHUNKED)
        await line.hear()
        for place in range(len(CHUNKED)):
            line.say(CHUNKED[place : place + 1])
            await asyncio.sleep(0)

    async with speaking(speak) as server:
        for _ in range(2):
            reply = await ask(transport, server)
            assert (reply.status, reply.body, reply.headers["x-amz-crc32"]) == (200, b"fourmor", "7")
    assert len(server.lines) == 1


async def test_a_trailer_replaces_no_header(transport: PooledTransport) -> None:
    async def speak(line: Line) -> None:
        await line.hear()
        line.say(CHUNKED[:-2] + b"X-Amz-Crc32: 8\r\n\r\n")
        await line.echo()

    async with speaking(speak) as server:
        assert (await ask(transport, server)).headers["x-amz-crc32"] == "7"
        assert (await ask(transport, server, b"next")).body == b"next"


async def test_an_answer_without_a_length_ends_with_its_connection(transport: PooledTransport) -> None:
    async def speak(line: Line) -> None:
        await line.hear()
        line.say(b"HTTP/1.1 200 OK\r\nDate: today\r\n\r\nhalf")
        await asyncio.sleep(0.01)
        line.say(b" and half")

    async with speaking(speak) as server:
        for _ in range(2):
            reply = await ask(transport, server)
            assert (reply.body, reply.headers) == (b"half and half", {"date": "today"})
    assert len(server.lines) == 2


async def test_an_answer_that_says_how_long_it_is_does_not_end_sooner(transport: PooledTransport) -> None:
    async def speak(line: Line) -> None:
        await line.hear()
        line.say((CHUNKED[:-9], answer(b"whole")[:-1], b"HTTP/1.1 200 OK\r\nDate: to", b"")[line.number])

    async with speaking(speak) as server:
        for _ in range(4):
            with pytest.raises(sdk.ConnectionClosedError):
                await ask(transport, server)


async def test_answers_that_only_announce_the_answer_are_passed_over(transport: PooledTransport) -> None:
    async def speak(line: Line) -> None:
        await line.hear()
        line.say(b"HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n")
        await asyncio.sleep(0.01)
        line.say(b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"now", b"X-Empty:", b"X-After: 2"))
        await line.echo()

    async with speaking(speak) as server:
        reply = await ask(transport, server)
        assert (reply.status, reply.body) == (200, b"now")
        assert reply.headers == {"content-length": "3", "x-empty": "", "x-after": "2"}
        assert (await ask(transport, server, b"next")).body == b"next"


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_an_answer_that_has_no_body_does_not_wait_for_one(transport: PooledTransport, status: bytes) -> None:
    async def speak(line: Line) -> None:
        await line.hear()
        line.say(b"HTTP/1.1 " + status + b"\r\n\r\n")
        await line.echo()

    async with speaking(speak) as server:
        assert (await ask(transport, server)).body == b""
        assert (await ask(transport, server, b"next")).body == b"next"


NO_ANSWERS = [
    b"\x16\x03\x01 what?\r\n\r\n",
    b"220 mail.example ESMTP\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nwhat\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"x" * (MAX_HEAD_BYTES + 1),
]


@pytest.mark.parametrize("noise", NO_ANSWERS, ids=range(len(NO_ANSWERS)))
async def test_garbage_is_an_error_of_the_sdks_kind_and_closes_the_connection(
    transport: PooledTransport, noise: bytes
) -> None:
    async def speak(line: Line) -> None:
        await line.hear()
        line.say(noise)
        await line.left()

    async with speaking(speak) as server:
        for _ in range(2):
            with pytest.raises(sdk.ConnectionClosedError):
                await ask(transport, server)
        await server.lines[1].over()


@pytest.mark.parametrize("size", [0, 1, 65_536, 2**20, 5 * 2**20])
async def test_a_request_is_sent_whole(transport: PooledTransport, size: int) -> None:
    async with speaking(Line.echo) as server:
        body = b"x" * size
        assert (await ask(transport, server, body)).body == body
    assert server.lines[0].head.splitlines() == [
        b"POST / HTTP/1.1",
        b"User-Agent: cqworker",
        b"Accept-Encoding: identity",
        b"Content-Length: %d" % size,
        *(f"{name}: {value}".encode() for name, value in HEADERS.items()),
        b"",
    ]


@pytest.mark.parametrize("value", ["a\r\nX-Other: b", "a\nb", "a\rb", "a\0b"])
async def test_a_header_that_would_be_two_is_refused_and_not_repeated(transport: PooledTransport, value: str) -> None:
    async with speaking(Line.echo) as server:
        with pytest.raises(ValueError, match="must not hold a line break") as caught:
            await transport.post(server.address, {**HEADERS, "X": value}, b"", poll=False)
    assert (server.lines, value in str(caught.value)) == ([], False)


@pytest.mark.parametrize("poll", [False, True])
async def test_an_answer_that_keeps_silent_is_given_up(
    transport: PooledTransport, monkeypatch: pytest.MonkeyPatch, poll: bool
) -> None:
    for name in ("READ_SECONDS", "POLL_READ_SECONDS", "SWEEP_SECONDS"):
        monkeypatch.setattr(transport_module, name, 0.05 if (name == "POLL_READ_SECONDS") >= poll else 0.02)

    async def speak(line: Line) -> None:
        await line.hear()
        await line.left()

    async with speaking(speak) as server:
        with pytest.raises(sdk.ReadTimeoutError):
            await ask(transport, server, poll=poll)
        await server.lines[0].over()


async def test_an_answer_that_goes_on_is_not_given_up(
    transport: PooledTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience = scaled(0.2)
    monkeypatch.setattr(transport_module, "READ_SECONDS", patience)
    monkeypatch.setattr(transport_module, "SWEEP_SECONDS", 0.02)

    async def speak(line: Line) -> None:
        await line.hear()
        for piece in (b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n", *(b"x" for _ in range(8))):
            await asyncio.sleep(patience / 4)
            line.say(piece)

    async with speaking(speak) as server:
        assert (await ask(transport, server)).body == b"x" * 8


async def test_a_service_is_believed_by_its_certificate(transport: PooledTransport, tmp_path: Path) -> None:
    authority, context = authority_and_server(tmp_path)

    async def speak(line: Line) -> None:
        for _ in range(2):
            await line.echo()

    async with speaking(speak, context, ssl.create_default_context(cafile=authority)) as server:
        for number in range(4):
            body = b"%d" % number * 2**19
            assert (await ask(transport, server, body)).body == body
            if number % 2:
                await ended(transport)
        assert [line.number for line in server.lines] == [0, 1]
    async with speaking(Line.echo, context) as server:
        with pytest.raises(sdk.SSLError):
            await ask(transport, server)
