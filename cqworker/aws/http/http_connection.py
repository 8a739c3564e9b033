"""One connection to a service: a request, its answer, and then perhaps another."""

from __future__ import annotations

import asyncio
from typing import cast

from cqworker.aws.http.response_parser import Answers, Reply, UnreadableError


class SilentError(Exception):
    """Nothing has come for too long."""


class Connection(asyncio.Protocol):
    """Carries one request at a time; whatever goes wrong with one is the connection's end."""

    __slots__ = ("_answer", "_answers", "_loop", "_open", "_since", "_transport", "_unsent")

    def __init__(self, loop: asyncio.AbstractEventLoop, largest: int) -> None:
        self._loop = loop
        self._answers = Answers(largest)
        self._answer: asyncio.Future[Reply] | None = None
        self._open = False
        self._since = loop.time()
        self._unsent = 0

    async def ask(self, request: bytes) -> Reply:
        """The answer; raises OSError for a connection that broke, and SilentError."""
        answer: asyncio.Future[Reply] = self._loop.create_future()
        self._answer = answer
        self._since = self._loop.time()
        self._transport.write(request)
        return await answer

    def is_done(self) -> bool:
        """Whether its request has come to an end that lets another follow: all is sent and all is read."""
        return self._open and self._answer is None and not self._transport.get_write_buffer_size()

    def is_fresh(self, seconds: float) -> bool:
        """Whether it is still open both ways, and has not been idle for longer than that."""
        return self._open and not self._transport.is_closing() and self._loop.time() - self._since <= seconds

    def judge(self, patience: float, now: float) -> None:
        """Gives up a request whose answer keeps silent; what is still being sent is no silence."""
        if self._answer is None:
            return
        unsent = self._transport.get_write_buffer_size()
        if unsent != self._unsent:
            self._unsent, self._since = unsent, now
        elif now - self._since > patience:
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
        self._since = self._loop.time()
        if self._answer is None:
            return self.abort()
        try:
            reply = self._answers.feed(data)
        except UnreadableError as error:
            return self._fail(error)
        if reply is not None:
            self._deliver(reply)
        return None

    def eof_received(self) -> None:
        """The event loop's call: the service sends no more; that may be how it ends an answer."""
        if self._answer is not None and (reply := self._answers.end()) is not None:
            self._deliver(reply)
        self._fail(ConnectionResetError("ended by the service"))

    def connection_lost(self, exc: Exception | None) -> None:
        """The event loop's call: it is over."""
        self._open = False
        self._fail(exc or ConnectionResetError("closed by the service"))
        self._answers.close()

    def _deliver(self, reply: Reply) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_result(reply)
        if self._answers.last:
            self.abort()

    def _fail(self, error: Exception) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(error)
        if self._open:
            self._open = False
            self._transport.abort()
