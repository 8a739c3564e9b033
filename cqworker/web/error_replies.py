"""Error answers outside of any request, and the connection of a client for whom there is no place."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import cast

import orjson

from cqworker.web.problems import CONTENT_TYPE, Problem, ProblemKind
from cqworker.web.security_headers import SECURITY_HEADERS

LINGER_SECONDS = 2.0
"""Seconds in which the rest of what a client sends is read and thrown away, so that it can read its answer."""
MAX_LINGERING = 64
"""Busy replies that linger; beyond them a connection is answered and closed at once."""


def to_bytes(problem: Problem) -> bytes:
    """The problem as the last answer on a connection."""
    body = orjson.dumps(problem.body())
    headers = {"Content-Type": CONTENT_TYPE, "Content-Length": len(body), "Server": "cqworker", "Connection": "close"}
    lines = [f"{name}: {value}\r\n" for name, value in {**headers, **problem.headers, **SECURITY_HEADERS}.items()]
    status = problem.kind.status
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{''.join(lines)}\r\n".encode() + body


BUSY = to_bytes(Problem(ProblemKind.CROWDED, "Every connection is busy. Try again in a few seconds."))


class BusyReply(asyncio.Protocol):
    """Answers a connection with 503 and closes it; `lingering` has the others that are still open."""

    def __init__(self, lingering: set[BusyReply]) -> None:
        self._lingering = lingering
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        pipe = cast(asyncio.Transport, transport)
        pipe.write(BUSY)
        if len(self._lingering) >= MAX_LINGERING:
            pipe.close()
            return
        self._lingering.add(self)
        pipe.write_eof()
        self._end = asyncio.get_running_loop().call_later(LINGER_SECONDS, pipe.abort)

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002 - the signature is asyncio's
        self._lingering.discard(self)
        if self._end is not None:
            self._end.cancel()
