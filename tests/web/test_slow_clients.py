"""Clients that are slow, silent, or too many: the others do not notice."""

from __future__ import annotations

import asyncio
import inspect
import resource
import socket
import time
from contextlib import suppress

import pytest

from cqworker.ports import StoredObject
from cqworker.web.connection_limit import most_connections
from cqworker.web.server import Server
from tests.patience import scaled
from tests.stopwatch import Stopwatch
from tests.web.house import House, open_house, until
from tests.web.raw import exchange, read_answer, wire

HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
SHORT = 0.3


async def is_closed(reader: asyncio.StreamReader, patience: float = 5.0) -> bool:
    """Whether the server closes the connection without another word."""
    try:
        return await asyncio.wait_for(reader.read(), patience) == b""
    except ConnectionError:
        return True


async def is_closed_within(reader: asyncio.StreamReader, seconds: float) -> bool:
    try:
        return await is_closed(reader, seconds)
    except TimeoutError:
        return False


@pytest.mark.parametrize("sent", [b"", b"GET", HEAD])
async def test_a_head_that_does_not_come_closes_the_connection(sent: bytes) -> None:
    async with open_house(head_timeout=SHORT) as house, wire(house.port) as (reader, writer):
        writer.write(sent)
        assert await is_closed(reader)


async def test_a_head_that_trickles_has_no_more_time_than_one_that_stops() -> None:
    async with open_house(head_timeout=SHORT) as house, wire(house.port) as (reader, writer):
        writer.write(HEAD)
        closed = asyncio.create_task(is_closed(reader))
        watch = Stopwatch()
        while not closed.done():
            writer.write(b"X: y\r\n")
            await asyncio.wait({closed}, timeout=SHORT / 10)
        assert await closed
        assert watch.seconds < SHORT * 5


async def test_the_second_head_on_a_connection_is_timed_from_its_first_byte() -> None:
    async with open_house(head_timeout=SHORT) as house, wire(house.port) as (reader, writer):
        for _ in range(2):
            writer.write(HEAD + b"\r\n")
            assert (await read_answer(reader)).status == 200
            await asyncio.sleep(SHORT * 1.5)
        writer.write(b"G")
        assert await is_closed(reader)


async def test_an_idle_connection_is_closed_when_it_has_been_kept_long_enough() -> None:
    async with open_house(keepalive=SHORT) as house, wire(house.port) as (reader, writer):
        for _ in range(3):
            writer.write(HEAD + b"\r\n")
            assert (await read_answer(reader)).status == 200
        idle_since = time.monotonic()
        assert await is_closed(reader)
        assert time.monotonic() - idle_since > SHORT / 2


def test_heads_have_15_seconds_and_connections_are_a_thousand_unless_told_otherwise() -> None:
    assert inspect.signature(Server).parameters["head_timeout"].default == 15.0
    assert most_connections() == min(1000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)


@pytest.mark.parametrize(("files", "connections"), [(64, 32), (10, 8), (1024, 512), (1 << 20, 1000)])
def test_connections_leave_half_of_the_file_descriptors_to_aws(
    monkeypatch: pytest.MonkeyPatch, files: int, connections: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert most_connections() == connections


async def test_an_idle_connection_is_kept_for_75_seconds_unless_told_otherwise(house: House) -> None:
    assert inspect.signature(Server).parameters["keepalive"].default == 75.0
    async with wire(house.port) as (reader, writer):
        writer.write(HEAD + b"\r\n")
        assert (await read_answer(reader)).status == 200
        assert not await is_closed_within(reader, SHORT)


async def test_a_waiting_request_is_not_disturbed_by_the_patience_for_heads() -> None:
    async with open_house(head_timeout=SHORT) as house:
        job = await house.submit()
        assert (await house.get(f"/jobs/{job['job_id']}?wait={SHORT * 3}"))[0] == 200


async def test_a_body_that_stops_is_408(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqworker.web.body_reader.BODY_SILENCE", SHORT)
    answer = await exchange(house.port, POST + b"{")
    assert (answer.status, answer.problem["type"]) == (408, "urn:cqworker:problem:request-too-slow")
    assert "8192 bytes a second" in answer.problem["detail"]


async def test_a_body_that_trickles_is_408(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqworker.web.body_reader.BODY_SILENCE", SHORT)
    async with wire(house.port) as (reader, writer):
        writer.write(POST)
        answer = asyncio.create_task(read_answer(reader))
        while not answer.done():
            writer.write(b" ")
            await asyncio.wait({answer}, timeout=SHORT / 10)
        assert (await answer).status == 408


async def big_artifact(house: House) -> bytes:
    """Uploads 16 MiB, more than the kernel keeps for a client that does not read; returns the request for them."""
    _, made = await house.post("/artifacts", data=b"x")
    reference = house.artifacts.reference(f"uploads/default/{made['artifact_id']}")
    house.artifacts.objects[reference] = StoredObject(b"x" * 16_777_216, "image/png")
    return f"GET /artifacts/{made['artifact_id']} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def narrow_socket(house: House) -> socket.socket:
    """A connection with a small window."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.setblocking(False)
    narrow.connect_ex(("127.0.0.1", house.port))
    return narrow


async def test_a_client_that_takes_nothing_of_its_answer_is_dropped(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cqworker.web.slow_readers.STALL_TIMEOUT", SHORT)
    request = await big_artifact(house)
    loop = asyncio.get_running_loop()
    with narrow_socket(house) as narrow:
        await loop.sock_sendall(narrow, request)
        await loop.sock_recv(narrow, 1000)
        await until(lambda: house.is_idle)


async def test_a_client_that_takes_its_answer_at_less_than_the_least_rate_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cqworker.web.slow_readers.STALL_TIMEOUT", SHORT)
    monkeypatch.setattr("cqworker.web.slow_readers.CHECK_EVERY", SHORT / 10)
    async with open_house(least_rate=100_000_000) as house:
        request, loop = await big_artifact(house), asyncio.get_running_loop()
        with narrow_socket(house) as narrow:
            await loop.sock_sendall(narrow, request)
            async with asyncio.timeout(scaled(8)):
                with suppress(ConnectionError):
                    while await loop.sock_recv(narrow, 4096):  # noqa: ASYNC110 - a client that takes its time
                        await asyncio.sleep(SHORT / 300)
        await until(lambda: house.is_idle)


async def test_a_client_that_reads_slowly_gets_it_all(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    patience = scaled(SHORT)
    monkeypatch.setattr("cqworker.web.slow_readers.STALL_TIMEOUT", patience)
    request = await big_artifact(house)
    received = 0
    async with wire(house.port) as (reader, writer):
        writer.write(request)
        while received < 16_777_216:
            received += len(await reader.read(1_000_000))
            await asyncio.sleep(patience / 40)
    assert received > 16_777_216
