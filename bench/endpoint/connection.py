"""HTTP/1.1 by hand: one request after the other on a connection that is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

HEAD_END = b"\r\n\r\n"
LONGEST_HEAD = 65_536
"""Bytes of a request above its body: more than any client of AWS sends."""
STATUS = {200: b"OK", 400: b"Bad Request", 403: b"Forbidden", 404: b"Not Found", 412: b"Precondition Failed"}
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(slots=True)
class HttpRequest:
    """A request: `head` is everything above the body in small letters, for headers that are looked up by name."""

    method: str
    target: str
    head: bytes
    body: bytes

    def header(self, name: bytes) -> bytes:
        """A header's value in small letters; empty where there is none."""
        start = self.head.find(b"\r\n" + name + b":")
        if start < 0:
            return b""
        end = self.head.find(b"\r\n", start + 2)
        return self.head[start + len(name) + 3 : end if end > 0 else None].strip()


@dataclass(slots=True)
class HttpAnswer:
    """An answer: `headers` are whole lines, each with its end."""

    status: int
    headers: bytes
    body: bytes

    def text(self, *, bodiless: bool) -> bytes:
        """The answer as it is sent; to HEAD without its body."""
        reason = STATUS.get(self.status, b"Error")
        length = b"Content-Length: %d\r\n" % len(self.body) if self.status != 204 else b""
        head = b"HTTP/1.1 %d %s\r\n%s%s\r\n" % (self.status, reason, length, self.headers)
        return head if bodiless else head + self.body


Respond = Callable[[HttpAnswer], None]
Serve = Callable[[HttpRequest, Respond], Callable[[], None] | None]
"""Answers through `Respond`, at once or later; what it returns is called when the caller is gone before."""


class ServerConnection(asyncio.Protocol):
    """One client; the next request is looked at when the last one was answered."""

    def __init__(self, serve: Serve, latency: float) -> None:
        self._serve = serve
        self._latency = latency
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self._busy = False
        self._abandon: Callable[[], None] | None = None
        self._told_to_go_on = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio asks so
        self._transport = None
        if self._abandon is not None:
            self._abandon()

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        if not self._busy:
            self._look()

    def _look(self) -> None:
        """Serves what has arrived whole."""
        while not self._busy and self._received:
            end = self._received.find(HEAD_END)
            if end < 0:
                if len(self._received) > LONGEST_HEAD:
                    self._hang_up()
                return
            head = self._received[:end]
            request = HttpRequest("", "", head.lower(), b"")
            length = int(request.header(b"content-length") or 0)
            begin = end + len(HEAD_END)
            if len(self._received) < begin + length:
                self._ask_for_the_rest(request)
                return
            request.body = self._received[begin : begin + length]
            self._received = self._received[begin + length :]
            request.method, request.target = head[: head.find(b"\r\n")].decode("latin-1").split(" ")[:2]
            self._told_to_go_on = False
            self._answer(request)

    def _ask_for_the_rest(self, request: HttpRequest) -> None:
        if request.header(b"expect") and not self._told_to_go_on and self._transport is not None:
            self._told_to_go_on = True
            self._transport.write(GO_ON)

    def _answer(self, request: HttpRequest) -> None:
        self._busy = True
        bodiless = request.method == "HEAD"

        def respond(answer: HttpAnswer) -> None:
            text = answer.text(bodiless=bodiless)
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._send, text)
            else:
                self._send(text)

        self._abandon = self._serve(request, respond)

    def _send(self, text: bytes) -> None:
        self._busy, self._abandon = False, None
        if self._transport is not None:
            self._transport.write(text)
            if self._received:
                asyncio.get_running_loop().call_soon(self._look)

    def _hang_up(self) -> None:
        if self._transport is not None:
            self._transport.abort()
