"""What is said to a connection outside of any request, and how it is closed without taking that along."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import cast

import orjson

from cqworker.web.problems import CONTENT_TYPE, Kind, Problem
from cqworker.web.security_headers import SECURITY

LINGERING = 2.0
"""Seconds in which the rest of what a client sends is read and thrown away, so that it reads what it was told."""
MOST_AT_ONCE = 64
"""Apologies that linger; beyond them a connection is told and closed at once."""


def in_bytes(problem: Problem) -> bytes:
    """The problem as the last answer on a connection."""
    body = orjson.dumps(problem.body())
    headers = {"Content-Type": CONTENT_TYPE, "Content-Length": len(body), "Server": "cqworker", "Connection": "close"}
    lines = [f"{name}: {value}\r\n" for name, value in {**headers, **problem.headers, **SECURITY}.items()]
    status = problem.kind.status
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{''.join(lines)}\r\n".encode() + body


CROWDED = in_bytes(Problem(Kind.CROWDED, "Every connection is busy. Try again in a few seconds."))


class Apology(asyncio.Protocol):
    """The connection of somebody who cannot be served now: is told so and closed; `lingering` are its like."""

    def __init__(self, lingering: set[Apology]) -> None:
        self._lingering = lingering
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        pipe = cast(asyncio.Transport, transport)
        pipe.write(CROWDED)
        if len(self._lingering) >= MOST_AT_ONCE:
            pipe.close()
            return
        self._lingering.add(self)
        pipe.write_eof()
        self._end = asyncio.get_running_loop().call_later(LINGERING, pipe.abort)

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002 - the signature is asyncio's
        self._lingering.discard(self)
        if self._end is not None:
            self._end.cancel()
