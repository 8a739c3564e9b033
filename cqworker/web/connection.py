"""One client's connection: aiohttp's, with the patience, the limits and the error answers that it lacks."""

from __future__ import annotations

import asyncio
from typing import cast

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from cqworker.web.headers import secure
from cqworker.web.lobby import Lobby
from cqworker.web.mending import problem_of_http
from cqworker.web.problems import Kind, Problem

KEEPALIVE = 75.0
"""Seconds an idle connection stays open: a little more than what load balancers keep (60 s)."""
HEAD_PATIENCE = 15.0
"""Seconds for the head of a request, counted from its first byte; from the connection's start for the first one."""
STALL_PATIENCE = 30.0
"""Seconds that a client may go without taking anything of its answer."""
LINGERING = 2.0
"""Seconds in which the rest of a refused body is read and thrown away, so that the client reads the refusal."""


class Connection(web.RequestHandler):
    """Closes on clients that send their request's head too slowly, or do not take their answer."""

    __slots__ = ("_deadline", "_head_patience", "_is_served", "_lobby", "_pipe", "_stall")

    def __init__(
        self, manager: web.Server, lobby: Lobby, head_patience: float = HEAD_PATIENCE, keepalive: float = KEEPALIVE
    ) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(manager, loop=loop, keepalive_timeout=keepalive, lingering_time=LINGERING, access_log=None)  # type: ignore[arg-type]
        self._lobby = lobby
        self._head_patience = head_patience
        self._is_served = False
        self._pipe: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._pipe = cast(asyncio.Transport, transport)
        self._lobby.entered(self)
        self._expect_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._lobby.left(self)
        self._forget_deadline()
        self._forget_stall()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if data and not self._is_served and self._deadline is None:
            self._expect_head()
        super().data_received(data)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_stall(self._unsent())

    def resume_writing(self) -> None:
        self._forget_stall()
        super().resume_writing()

    def head_arrived(self) -> None:
        """A request is about to be answered; its body has a patience of its own."""
        self._is_served = True
        self._forget_deadline()
        self._lobby.is_served(self)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Sends the answer; aiohttp's own errors, which come from before any middleware, as problems, too."""
        if isinstance(resp, web.HTTPException):
            resp = problem_of_http(resp).response()
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._is_served = False
            self._lobby.was_served(self)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - the signature is aiohttp's
    ) -> web.StreamResponse:
        """The answer to what is no HTTP. Nothing is logged about it, for anybody can send a million of them."""
        if request.writer.output_size > 0:
            raise ConnectionError("The answer has begun already; another one cannot follow.")
        if isinstance(exc, LineTooLong):
            problem = Problem(Kind.HEADERS_TOO_LARGE, "A line of the request's head is longer than 8190 bytes.")
        elif status < 500:
            problem = Problem(Kind.MALFORMED, "This is not HTTP/1.1 as RFC 9112 writes it.")
        else:
            self.log_exception("a request could not be routed", exc_info=exc)
            problem = Problem(Kind.INTERNAL, "The worker's log says more.")
        response = problem.response()
        secure(response)
        response.force_close()
        return response

    def evict(self) -> None:
        """Drops the connection, whatever is still to be sent."""
        if self._pipe is not None:
            self._pipe.abort()

    def _expect_head(self) -> None:
        self._deadline = asyncio.get_running_loop().call_later(self._head_patience, self.evict)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _watch_stall(self, unsent: int) -> None:
        self._stall = asyncio.get_running_loop().call_later(STALL_PATIENCE, self._judge_stall, unsent)

    def _judge_stall(self, unsent_before: int) -> None:
        unsent = self._unsent()
        if unsent >= unsent_before:
            self.evict()
        else:
            self._watch_stall(unsent)

    def _unsent(self) -> int:
        return self._pipe.get_write_buffer_size() if self._pipe is not None else 0

    def _forget_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
