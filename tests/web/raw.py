"""Talks to the server byte by byte, as no decent client would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from tests.patience import scaled


@dataclass(frozen=True)
class RawAnswer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """The body, which is a problem."""
        assert self.headers["content-type"].startswith("application/problem+json"), self
        loaded: dict[str, Any] = orjson.loads(self.body)
        assert loaded["status"] == self.status
        return loaded


Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def wire(port: int) -> AsyncIterator[Wire]:
    """A connection to the server."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def exchange(port: int, data: bytes, patience: float = 10.0) -> RawAnswer:
    """Sends the bytes and reads one answer."""
    async with wire(port) as (reader, writer), asyncio.timeout(scaled(patience)):
        writer.write(data)
        return await read_answer(reader, has_body=not data.startswith(b"HEAD "))


async def read_answer(reader: asyncio.StreamReader, *, has_body: bool = True) -> RawAnswer:
    """The next answer on a connection."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status_line, *lines = head.rstrip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    status, length = int(status_line.split()[1]), headers.get("content-length")
    if status < 200 or not has_body:
        return RawAnswer(status, headers, b"")
    body = await (reader.readexactly(int(length)) if length is not None else reader.read())
    return RawAnswer(status, headers, body)
