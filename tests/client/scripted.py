"""A server that does to each connection what its script says, and a proxy's or a daemon's answers for it."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Act = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Scripted:
    """Where it listens, and the first line of each request that it read."""

    url: str
    heard: list[str] = field(default_factory=list)


@asynccontextmanager
async def scripted(*acts: Act, context: ssl.SSLContext | None = None) -> AsyncIterator[Scripted]:
    """The acts come one for each request; the last one goes on for ever."""
    serving = Scripted("")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.read(65_536)
            serving.heard.append(head.split(b" HTTP")[0].decode(errors="replace"))
            await acts[min(len(serving.heard), len(acts)) - 1](reader, writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):  # the caller or the test is done
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    serving.url = f"{'https' if context else 'http'}://localhost:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield serving


async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Breaks the connection (RST)."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def hang_up(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Closes the connection without a word."""


async def keep_silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speaks something that is no HTTP."""
    writer.write(b"220 mail.example ESMTP\r\n")
    await writer.drain()


def answer(status: str, body: bytes, *headers: str) -> Act:
    async def act(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()

    return act


def problem(status: int, kind: str) -> Act:
    said = {"type": f"urn:cqworker:problem:{kind}", "title": "No", "status": status, "detail": "No."}
    return answer(f"{status} No", json.dumps(said).encode())


def job(status: str = "QUEUED", names: Sequence[str] = ()) -> Act:
    """A job as the API shows it."""
    times = ("created_at", "updated_at", "scheduled_at", "started_at", "finished_at", "cancel_requested_at")
    view: dict[str, object] = {
        **dict.fromkeys(times, "2026-11-22T23:33:16.726Z"),
        "job_id": "j1",
        "type": "t",
        "queue": "q",
        "tenant": "default",
        "status": status,
        "payload": {},
        "metadata": {},
        "tags": list(names),
        "round": 1,
        "attempt": 0,
        "max_attempts": 1,
        "progress": None,
        "result": None,
        "failure": None,
        "history": [],
        "trace_id": "0",
    }
    return answer("200 OK", json.dumps(view).encode())
