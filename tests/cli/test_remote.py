"""A daemon that refuses, that is none, or that is not there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from click.testing import Result

from cqworker.client import request_retry
from tests.cli.running import invoke
from tests.web.house import House, open_house, token

SUBMIT = ("submit", "text.transform", '{"text": "hello"}')


async def asked(house: House, *args: str, **environ: str) -> Result:
    return await asyncio.to_thread(invoke, *args, env={"CQWORKER_URL": f"http://127.0.0.1:{house.port}", **environ})


async def test_without_its_token_a_command_is_told_to_bring_one() -> None:
    async with open_house(tokens=[token("secret", "submit")]) as house:
        result = await asked(house, *SUBMIT)
    assert result.exit_code == 1
    assert result.stderr.endswith("Give the token as CQWORKER_TOKEN.\n")


async def test_a_token_is_taken_from_the_environment() -> None:
    async with open_house(tokens=[token("secret", "submit")]) as house:
        result = await asked(house, *SUBMIT, CQWORKER_TOKEN="secret")
        assert result.exit_code == 0, result.stderr
        assert len(house.store.records) == 1


async def test_a_token_that_does_not_allow_it_is_refused_in_the_daemon_s_words() -> None:
    async with open_house(tokens=[token("secret", "submit")]) as house:
        result = await asked(house, "jobs", "cancel", "x", CQWORKER_TOKEN="secret")
    assert result.exit_code == 1
    assert "operate" in result.stderr


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


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not there is looked for again as often as always, and without pauses."""
    monkeypatch.setattr(request_retry, "PAUSES", (0.0,) * len(request_retry.PAUSES))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "answered 200 with something that is no job"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "answered 200 with something that is no job"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nhi", "answered 404 with something that is no job"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "No daemon answers at http://127.0.0.1:"),
        (b"", "No daemon answers at http://127.0.0.1:"),
    ],
)
async def test_who_is_no_daemon_is_recognised(answer: bytes, told: str) -> None:
    async with somebody_else(answer) as url:
        result = await asyncio.to_thread(invoke, "jobs", "show", "x", "--url", url)
    assert result.exit_code == 1
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.usefixtures("quick")
def test_a_daemon_that_is_not_there_is_told_with_the_way_to_start_one() -> None:
    result = invoke(*SUBMIT, "--url", "http://127.0.0.1:1")
    assert result.exit_code == 1
    assert result.stderr == (
        "No daemon answers at http://127.0.0.1:1: Connection refused. "
        "Start one with `cqworker run`, or correct the URL.\n"
    )


@pytest.mark.usefixtures("quick")
def test_a_batch_for_a_daemon_that_is_not_there_is_told_once() -> None:
    lines = '{"type": "text.transform", "payload": {}}\n' * 3
    result = invoke("submit", "--batch", "-", "--url", "http://127.0.0.1:1", input=lines)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("No daemon answers at http://127.0.0.1:1")
    assert len(result.stderr.splitlines()) == 1
