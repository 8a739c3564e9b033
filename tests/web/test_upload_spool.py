"""What is on its way between clients and S3: how much memory it takes, and what a disk without room does."""

from __future__ import annotations

import asyncio
import errno
import os
import tempfile
import tracemalloc
from contextlib import AsyncExitStack
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest

from cqworker.model.artifact_keys import upload_key
from cqworker.ports import StoredObject
from cqworker.web.connection_limit import Wait
from cqworker.web.upload_spool import MEMORY_BYTES, READ_BYTES
from tests.patience import scaled
from tests.web.house import House, bearer, open_house, token, until
from tests.web.raw import read_answer, wire

MEBIBYTE = 1_048_576
CROWDED = "urn:cqworker:problem:crowded"
KEY = "0" * 32


def put_up(house: House, data: bytes, tenant: str = "default") -> None:
    """Something to fetch at /artifacts/{KEY}."""
    house.artifacts.objects[house.artifacts.reference(upload_key(tenant, KEY))] = StoredObject(data, "image/png")


def upload(size: int, came: int, secret: str = "") -> bytes:
    """An upload that stops after so many bytes."""
    known = f"Authorization: Bearer {secret}\r\n" if secret else ""
    return (
        f"POST /artifacts HTTP/1.1\r\nHost: localhost\r\n{known}Content-Length: {size}\r\n\r\n".encode() + b"x" * came
    )


@pytest.mark.parametrize("size", [1, MEMORY_BYTES, MEMORY_BYTES + 1, MEMORY_BYTES + READ_BYTES, 3 * MEBIBYTE + 7])
async def test_what_is_uploaded_comes_back_byte_for_byte_whatever_its_size(house: House, size: int) -> None:
    data = os.urandom(size)
    status, made = await house.post("/artifacts", data=BytesIO(data))
    assert (status, made["bytes"]) == (201, size)
    async with house.client.get(f"/artifacts/{made['artifact_id']}") as answer:
        assert (answer.status, answer.content_length, await answer.read()) == (200, size, data)
    async with house.client.head(f"/artifacts/{made['artifact_id']}") as answer:
        assert (answer.status, answer.content_length, await answer.read()) == (200, size, b"")


async def test_eight_uploads_at_once_are_never_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nowhere(key: str, data: bytes | BinaryIO, content_type: str) -> str:
        assert not isinstance(data, bytes)
        assert len(data.read(100)) == 100
        return key

    async def send(port: int) -> int:
        async with wire(port) as (reader, writer):
            writer.write(upload(16 * MEBIBYTE, 0))
            for _ in range(16):
                writer.write(mebibyte)
                await writer.drain()
            return (await read_answer(reader)).status

    async with open_house() as house:
        monkeypatch.setattr(house.artifacts, "put", nowhere)
        mebibyte = bytes(MEBIBYTE)
        tracemalloc.start()
        try:
            assert await asyncio.gather(*(send(house.port) for _ in range(8))) == [201] * 8
            assert tracemalloc.get_traced_memory()[1] < 32 * MEBIBYTE, "of 128 that were sent"
        finally:
            tracemalloc.stop()


async def test_a_download_that_nobody_takes_holds_neither_memory_nor_a_transfer(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cqworker.web.artifact_routes.TRANSFER_TIMEOUT", 1.0)
    put_up(house, bytes(16 * MEBIBYTE))
    get = f"GET /artifacts/{KEY} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    tracemalloc.start()
    try:
        async with AsyncExitStack() as stack:
            for _ in range(10):
                _, writer = await stack.enter_async_context(wire(house.port))
                writer.write(get)
            await until(lambda: house.connection_limit.count(Wait.ANSWER) == 10, 20)
            assert tracemalloc.get_traced_memory()[0] < 16 * MEBIBYTE, "of 160 that were asked for"
            assert (await house.post("/artifacts", data=b"x"))[0] == 201
    finally:
        tracemalloc.stop()


async def test_uploads_that_stop_hold_no_transfer_from_others() -> None:
    async with open_house() as house, AsyncExitStack() as stack:
        for _ in range(20):
            _, writer = await stack.enter_async_context(wire(house.port))
            writer.write(upload(MEBIBYTE, MEMORY_BYTES * 2))
        await until(lambda: house.connection_limit.count(Wait.BODY) == 20)
        async with asyncio.timeout(scaled(5)):
            assert (await house.post("/artifacts", data=b"x"))[0] == 201


async def test_one_tenant_with_many_transfers_waits_its_turn_beside_another(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = (token("greedy", "submit", tenant="greedy"), token("modest", "submit", tenant="modest"))
    async with open_house(tokens=tokens) as house:
        turns, keep, order = asyncio.Semaphore(0), house.artifacts.put, list[str]()

        async def slowly(key: str, data: bytes | BinaryIO, content_type: str) -> str:
            order.append(key.split("/")[1])
            await turns.acquire()
            return await keep(key, data, content_type)

        monkeypatch.setattr(house.artifacts, "put", slowly)
        greedy = [
            asyncio.ensure_future(house.post("/artifacts", data=b"x", headers=bearer("greedy"))) for _ in range(30)
        ]
        await until(lambda: len(order) == 8)
        modest = asyncio.ensure_future(house.post("/artifacts", data=b"x", headers=bearer("modest")))
        await until(lambda: house.connection_limit.count(Wait.HEAD) == 0 and len(house.connection_limit) == 31)
        for _ in range(31):
            turns.release()
        assert [status for status, _ in await asyncio.gather(*greedy, modest)] == [201] * 31
        assert "modest" in order[:11]


async def test_when_the_room_for_uploads_is_used_up_the_slowest_of_whoever_has_most_is_sent_away() -> None:
    tokens = (token("greedy", "submit", tenant="greedy"), token("modest", "submit", tenant="modest"))
    async with open_house(tokens=tokens, max_upload=MEBIBYTE, max_spool=MEBIBYTE) as house, AsyncExitStack() as stack:
        wires = []
        for _ in range(3):
            wires.append(await stack.enter_async_context(wire(house.port)))
            wires[-1][1].write(upload(MEBIBYTE, 300_000, "greedy"))
        await until(lambda: house.spools.quota.held == 900_000)
        async with asyncio.timeout(scaled(5)):
            data = b"x" * 400_000
            assert (await house.post("/artifacts", data=data, headers=bearer("modest")))[0] == 201
            answers = [asyncio.ensure_future(read_answer(reader)) for reader, _ in wires]
            done, rest = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
            answer = await done.pop()
        assert (answer.status, answer.problem["type"]) == (503, CROWDED)
        assert answer.headers["retry-after"]
        for one in rest:
            one.cancel()
    assert house.spools.quota.held == 0


async def test_json_bodies_that_come_in_part_have_a_bound_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqworker.web.application.MAX_BODIES_IN_MEMORY", MEBIBYTE)
    tokens = (token("greedy", "submit", tenant="greedy"), token("modest", "submit", tenant="modest"))
    async with open_house(tokens=tokens) as house, AsyncExitStack() as stack:
        for _ in range(30):
            _, writer = await stack.enter_async_context(wire(house.port))
            writer.write(upload(MEBIBYTE, 100_000, "greedy").replace(b"/artifacts", b"/jobs"))
        await until(lambda: house.bodies.held > 900_000)
        job = {"type": "text.transform", "payload": {"text": "x" * 200_000}}
        assert (await house.post("/jobs", json=job, headers=bearer("modest")))[0] == 202
        assert house.bodies.held <= MEBIBYTE


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.EROFS])
async def test_a_disk_without_room_is_503_with_what_mends_it_and_small_uploads_go_on(
    house: House, monkeypatch: pytest.MonkeyPatch, error: int, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(**_: object) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    status, problem = await house.post("/artifacts", data=b"x" * MEBIBYTE)
    assert (status, problem["type"]) == (503, CROWDED)
    assert os.strerror(error) in problem["detail"]
    assert "TMPDIR" in problem["detail"]
    put_up(house, bytes(MEBIBYTE))
    assert (await house.get(f"/artifacts/{KEY}"))[0] == 503
    assert (await house.post("/artifacts", data=b"x" * MEMORY_BYTES))[0] == 201
    assert (house.events, caplog.records) == ([], [])


async def test_a_disk_that_fills_up_in_the_midst_is_503(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("cqworker.web.upload_spool.UploadSpool._append", full)
    assert (await house.post("/artifacts", data=b"x" * MEBIBYTE))[0] == 503
    assert house.spools.quota.held == 0


async def test_without_a_folder_for_temporary_files_uploads_stay_in_memory_within_bounds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def nowhere() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", nowhere)
    async with open_house(max_upload=100 * MEBIBYTE) as house:
        assert (await house.post("/artifacts", data=b"x" * MEBIBYTE))[0] == 201
        put_up(house, bytes(65 * MEBIBYTE))
        assert (await house.get(f"/artifacts/{KEY}"))[0] == 503


async def test_nothing_is_left_on_the_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    async with open_house() as house:
        assert (await house.post("/artifacts", data=b"x" * MEBIBYTE))[0] == 201
        async with wire(house.port) as (_, writer):
            writer.write(upload(MEBIBYTE, 500_000))
            await until(lambda: house.spools.quota.held == 500_000)
        await until(lambda: house.spools.quota.held == 0)
        await until(lambda: list(tmp_path.iterdir()) == [])
        await until(lambda: not [file for file in open_files() if file.is_relative_to(tmp_path)])


def open_files() -> list[Path]:
    return [file.readlink() for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
