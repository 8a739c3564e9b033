"""One connection to a service: a request, its answer, and then perhaps another."""

from __future__ import annotations

import asyncio
from typing import cast

from cqworker.aws.http.response_parser import HttpResponse, ResponseParser, UnreadableResponseError


class SilentError(Exception):
    """Nothing has come for too long."""


class HttpConnection(asyncio.Protocol):
    """Carries one request at a time; whatever goes wrong with one is the connection's end."""

    __slots__ = ("_active_at", "_loop", "_open", "_parser", "_response", "_transport", "_unsent")

    def __init__(self, loop: asyncio.AbstractEventLoop, max_bytes: int) -> None:
        self._loop = loop
        self._parser = ResponseParser(max_bytes)
        self._response: asyncio.Future[HttpResponse] | None = None
        self._open = False
        self._active_at = loop.time()
        self._unsent = 0

    async def exchange(self, request: bytes) -> HttpResponse:
        """Sends the request and returns its response; raises OSError where the connection breaks, and SilentError."""
        future: asyncio.Future[HttpResponse] = self._loop.create_future()
        self._response = future
        self._active_at = self._loop.time()
        self._transport.write(request)
        return await future

    def is_reusable(self) -> bool:
        """Whether another request may follow: all of the last one is sent, and all of its response is read."""
        return self._open and self._response is None and not self._transport.get_write_buffer_size()

    def is_fresh(self, seconds: float) -> bool:
        """Whether it is still open both ways, and has not been idle for longer than that."""
        return self._open and not self._transport.is_closing() and self._loop.time() - self._active_at <= seconds

    def fail_if_silent(self, seconds: float, now: float) -> None:
        """Fails a request whose answer was silent for so long; while bytes of it are being sent that is no silence."""
        if self._response is None:
            return
        unsent = self._transport.get_write_buffer_size()
        if unsent != self._unsent:
            self._unsent, self._active_at = unsent, now
        elif now - self._active_at > seconds:
            self._fail(SilentError())

    def abort(self) -> None:
        """Ends the connection, and with an error the request on it."""
        self._fail(ConnectionAbortedError("given up"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The event loop's call: there is a connection."""
        self._transport = cast(asyncio.Transport, transport)
        self._open = True

    def data_received(self, data: bytes) -> None:
        """The event loop's call: some of an answer, or what nobody has asked for."""
        self._active_at = self._loop.time()
        if self._response is None:
            return self.abort()
        try:
            response = self._parser.feed(data)
        except UnreadableResponseError as error:
            return self._fail(error)
        if response is not None:
            self._deliver(response)
        return None

    def eof_received(self) -> None:
        """The event loop's call: the service sends no more; that may be how it ends an answer."""
        if self._response is not None and (response := self._parser.end()) is not None:
            self._deliver(response)
        self._fail(ConnectionResetError("ended by the service"))

    def connection_lost(self, exc: Exception | None) -> None:
        """The event loop's call: it is over."""
        self._open = False
        self._fail(exc or ConnectionResetError("closed by the service"))
        self._parser.close()

    def _deliver(self, response: HttpResponse) -> None:
        future, self._response = self._response, None
        if future is not None and not future.done():
            future.set_result(response)
        if self._parser.is_last:
            self.abort()

    def _fail(self, error: Exception) -> None:
        future, self._response = self._response, None
        if future is not None and not future.done():
            future.set_exception(error)
        if self._open:
            self._open = False
            self._transport.abort()
