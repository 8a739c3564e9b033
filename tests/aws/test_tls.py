"""TLS on both ways to AWS: whom they trust, what they bear, and what is said where no connection comes about."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cqworker.aws import call_limits
from cqworker.aws.clients import AwsClients
from cqworker.aws.error_translation import AwsFault
from cqworker.aws.http import connector
from cqworker.aws.operations import UPDATE_ITEM
from cqworker.aws.tls_context import new_tls_context
from tests.aws_http.certificates import authority_and_server
from tests.aws_http.scripted_server import Line, speaking

SpeakTo = Callable[..., None]
Front = Callable[[int, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bool]]
"""What happens to a connection, which is counted from 1, before TLS; False where it ends there."""
ALERT = bytes.fromhex("15030300020250")
"""The record of a fatal alert, internal_error (RFC 8446, 6)."""


async def talk(line: Line) -> None:
    while True:
        await line.echo()


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(2**16):
            writer.write(data)
    except ConnectionError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def secure(folder: Path, front: Front | None = None, *, bare: bool = False) -> AsyncIterator[tuple[int, Path]]:
    """The port of a service called localhost and the file of its authority."""
    authority, context = authority_and_server(folder, bare=bare)
    count = 0

    async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        if front is not None and not await front(count, reader, writer):
            writer.close()
            return
        back_reader, back_writer = await asyncio.open_connection("127.0.0.1", back.address.url.port)
        await asyncio.gather(pipe(reader, back_writer), pipe(back_reader, writer))

    async with speaking(talk, tls=context) as back:
        server = await asyncio.start_server(come, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1], authority
        finally:
            server.close()


async def said(clients: AwsClients) -> bool:
    return dict(await clients.call(UPDATE_ITEM, {}, 'table "jobs"')).get("ResponseMetadata") is not None


@pytest.mark.parametrize("bare", [False, True])
async def test_a_private_authority_is_trusted_as_the_sdk_trusts_it(
    clients: AwsClients, speak_to: SpeakTo, tmp_path: Path, bare: bool
) -> None:
    async with secure(tmp_path, bare=bare) as (port, authority):
        speak_to(f"https://localhost:{port}", AWS_CA_BUNDLE=str(authority))
        assert await said(clients)


async def test_a_certificate_of_another_host_is_refused(clients: AwsClients, speak_to: SpeakTo, tmp_path: Path) -> None:
    async with secure(tmp_path) as (port, authority):
        speak_to(f"https://127.0.0.1:{port}", AWS_CA_BUNDLE=str(authority))
        with pytest.raises(AwsFault, match=r"The TLS certificate of DynamoDB .* was not accepted") as caught:
            await said(clients)
    assert not caught.value.ambiguous


async def test_an_unknown_authority_is_refused(clients: AwsClients, speak_to: SpeakTo, tmp_path: Path) -> None:
    async with secure(tmp_path) as (port, _):
        speak_to(f"https://localhost:{port}")
        with pytest.raises(AwsFault, match=r"certificate .* AWS_CA_BUNDLE"):
            await said(clients)


async def test_a_bundle_that_is_not_there_is_no_certificates_fault(
    clients: AwsClients, speak_to: SpeakTo, tmp_path: Path
) -> None:
    speak_to("https://localhost:9", AWS_CA_BUNDLE=str(tmp_path / "nowhere.pem"))
    with pytest.raises(AwsFault) as caught:
        await said(clients)
    assert "certificate of" not in caught.value.cause


async def test_a_handshake_that_breaks_is_tried_again(clients: AwsClients, speak_to: SpeakTo, tmp_path: Path) -> None:
    async def alert(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if number == 1:
            await reader.read(100)
            writer.write(ALERT)
            await writer.drain()
        return number > 1

    async with secure(tmp_path, alert) as (port, authority):
        speak_to(f"https://localhost:{port}", AWS_CA_BUNDLE=str(authority))
        assert await said(clients)


@pytest.mark.parametrize("answer", [ALERT, b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"])
async def test_what_answers_otherwise_than_in_tls_has_no_certificate_to_blame(
    clients: AwsClients, speak_to: SpeakTo, tmp_path: Path, answer: bytes
) -> None:
    async def speak(_: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await reader.read(100)
        writer.write(answer)
        await writer.drain()
        return False

    async with secure(tmp_path, speak) as (port, authority):
        speak_to(f"https://localhost:{port}", AWS_CA_BUNDLE=str(authority))
        with pytest.raises(AwsFault, match="No TLS connection to DynamoDB at https://localhost") as caught:
            await said(clients)
    assert not caught.value.ambiguous
    assert "certificate" not in str(caught.value)


async def test_a_handshake_slower_than_a_connection_may_be_succeeds(
    clients: AwsClients, speak_to: SpeakTo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK has one bound for both."""
    assert call_limits.CONNECT_SECONDS < call_limits.SDK_CONNECT_SECONDS < call_limits.HANDSHAKE_SECONDS
    monkeypatch.setattr(connector, "CONNECT_SECONDS", 0.5)

    async def dawdle(*_: object) -> bool:
        await asyncio.sleep(0.7)
        return True

    async with secure(tmp_path, dawdle) as (port, authority):
        speak_to(f"https://localhost:{port}", AWS_CA_BUNDLE=str(authority))
        assert await said(clients)


def test_a_context_that_trusts_nobody_checks_names_and_certificates() -> None:
    context = new_tls_context()
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
