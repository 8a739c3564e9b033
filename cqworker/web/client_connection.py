"""One client's connection: aiohttp's, with the patience, the limits and the error answers that it lacks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import cast

from aiohttp import HttpVersion11, hdrs, web

from cqworker.web.connection_limit import Lobby, Wait
from cqworker.web.deadline_timer import Alarm
from cqworker.web.error_middleware import problem_of_http, problem_of_what_is_no_http
from cqworker.web.error_replies import CROWDED, LINGERING, in_bytes
from cqworker.web.framing_overhead import Framing
from cqworker.web.problems import Kind, Problem
from cqworker.web.security_headers import secure
from cqworker.web.slow_readers import STALL_PATIENCE, Taking

KEEPALIVE = 75.0
"""Seconds an idle connection stays open: a little more than what load balancers keep (60 s)."""
HEAD_PATIENCE = 15.0
"""Seconds for the head of a request, counted from its first byte; from the connection's start for the first one."""


class Connection(web.RequestHandler):
    """Closes on clients that are too slow, tells the lobby what it waits for, and never closes on an unread answer."""

    __slots__ = (
        "_bye", "_deadline", "_framing", "_head_patience", "_is_half_closed", "_is_leaving", "_is_served", "_let_go",
        "_lobby", "_output", "_owner", "_pipe", "_taking",
    )  # fmt: skip

    def __init__(
        self, manager: web.Server, lobby: Lobby, head_patience: float = HEAD_PATIENCE, keepalive: float = KEEPALIVE
    ) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(  # lingering is done here: aiohttp's reads a body whose encoding is broken
            manager, loop=loop, keepalive_timeout=keepalive, lingering_time=0, access_log=None, auto_decompress=False  # type: ignore[arg-type]
        )  # fmt: skip
        self._lobby = lobby
        self._head_patience = head_patience
        self._framing = Framing()
        self._is_served = self._is_leaving = self._is_half_closed = False
        self._owner = ""
        self._let_go: Callable[[], None] | None = None
        self._output: Callable[[], int] = lambda: 0
        self._pipe: asyncio.Transport | None = None
        self._taking: Taking | None = None
        self._deadline, self._bye = Alarm(), Alarm()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._pipe = cast(asyncio.Transport, transport)
        self._lobby.entered(self, self._peer())
        self._expect_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._lobby.left(self)
        self._deadline.forget()
        if self._taking is not None:
            self._taking.resume()
        self._bye.forget()
        self._pipe = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_leaving or self._close:
            return
        if data and not self._is_served and not self._deadline.is_set:
            self._expect_head()
        try:
            for portion in self._framing.portions(data):
                self._parse(portion)
        except Problem as problem:
            self._refuse(problem)
        except Exception as error:  # noqa: BLE001 - whatever the parser chokes on, a stranger sent it
            self._refuse(problem_of_what_is_no_http(error))

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio asks for it, aiohttp has no answer
        """A client that has said everything may still want to read; True keeps the way to it open."""
        if self._is_leaving or not self._is_served:
            return False
        self._is_half_closed = True
        if (body := self._framing.body) is not None:
            body.set_exception(web.RequestPayloadError("The body ends early."))
        elif self._let_go is not None:
            self._let_go()
        return True

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_taking()
        self._lobby.waits(self, Wait.ANSWER, self._owner)

    def resume_writing(self) -> None:
        if self._taking is not None:
            self._taking.resume()
        if self._is_served:
            self._lobby.works(self)
        super().resume_writing()

    def serve(self, request: web.BaseRequest, is_vital: bool) -> Problem | None:
        """A request is about to be answered; a problem where there is no place for it."""
        self._owner = self._peer()
        writer = request.writer
        self._output = lambda: writer.output_size
        if self._taking is not None:
            self._taking.resume()
            self._taking = None
        if self._paused:
            self._watch_taking()
        if request.version < HttpVersion11 and hdrs.TRANSFER_ENCODING in request.headers:
            return Problem(Kind.MALFORMED, "HTTP/1.0 knows no Transfer-Encoding (RFC 9112, section 6.1).")
        if is_vital or self._lobby.may_work():
            return None
        return Problem(Kind.CROWDED, "As many requests as there are places are being answered. Try again later.")

    @property
    def owner(self) -> str:
        """On whose account the request holds what it holds."""
        return self._owner

    def belongs_to(self, tenant: str) -> None:
        """Whose the request is, on whose account it holds its place; until that is known it is its peer's."""
        self._owner = f"tenant {tenant}"

    @contextmanager
    def waiting(self, wait: Wait, let_go: Callable[[], None]) -> Iterator[None]:
        """While the block lasts the request waits for this; `let_go` ends the wait when the place is needed."""
        self._let_go = let_go
        self._lobby.waits(self, wait, self._owner)
        if self._is_half_closed and wait is Wait.END:  # most of those have left
            let_go()
        try:
            yield
        finally:
            self._let_go = None
            self._lobby.works(self)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Sends the answer; aiohttp's own errors, which come from before any middleware, as problems, too."""
        if isinstance(resp, web.HTTPException):
            resp = problem_of_http(resp).response()
        is_last = self._close or (self._is_half_closed and not self._messages) or self._lobby.is_leaving(self)
        if is_last or not request.content.is_eof():
            resp.force_close()
        messages_before = self._request_count
        try:
            resp, is_gone = await super().finish_response(request, resp, start_time)
            self._note_news(messages_before)
        finally:
            self._is_served = bool(self._messages)
        if is_gone or not resp.keep_alive:
            self._linger()
            return resp, True
        if not self._is_served:
            self._lobby.waits(self, Wait.HEAD, self._peer())
            if self._framing.is_in_head:
                self._expect_head()
        return resp, False

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
        if status < 500:
            problem = problem_of_what_is_no_http(exc)
        else:
            self.log_exception("a request could not be routed", exc_info=exc)
            problem = Problem(Kind.INTERNAL, "The worker's log says more.")
        response = problem.response()
        secure(response)
        response.force_close()
        return response

    def progress(self) -> int:
        """As Guest.progress."""
        if self._taking is not None:
            return self._taking.taken()
        body = self._framing.body
        return body.total_bytes if body is not None else 0

    def send_away(self, wait: Wait) -> None:
        """As Guest.send_away."""
        match wait:
            case Wait.BODY | Wait.END if self._let_go is not None:
                self._let_go()
            case Wait.HEAD if self._framing.is_in_head:
                self._say(CROWDED)
            case Wait.HEAD:
                self.force_close()
            case _:
                self.evict()

    def evict(self) -> None:
        """Drops the connection, whatever is still to be sent."""
        if self._pipe is not None:
            self._pipe.abort()

    def force_close(self) -> None:
        """As aiohttp's; what it leaves to be sent has to be taken in time."""
        super().force_close()
        if self._is_leaving or self._unsent():
            self._leave()

    def _parse(self, data: bytes) -> None:
        """Feeds aiohttp's parser, and counts what is no contents."""
        framing, messages_before = self._framing, self._request_count
        body = framing.body
        bytes_before = body.total_bytes if body is not None else 0
        super().data_received(data)
        if self._note_news(messages_before):
            if body is not None and not body.is_eof():  # what came is an error in the midst of it
                body.set_exception(web.RequestPayloadError("The body's framing is broken."))
        elif body is None:
            framing.more_of_head(len(data))
        else:
            is_read = not (self._reading_paused or self._buffer_paused)
            framing.more_around(body, len(data) - body.total_bytes + bytes_before, is_read)

    def _note_news(self, messages_before: int) -> bool:
        """Whether a head has come; the body has a patience of its own."""
        if self._request_count == messages_before or not self._messages:
            return False
        message, content = self._messages[-1]
        self._framing.begin(content, getattr(message, "chunked", False))
        self._is_served = True
        self._deadline.forget()
        if self._let_go is None:
            self._lobby.works(self)
        return True

    def _refuse(self, problem: Problem) -> None:
        """The answer to what is wrong in the midst of a head or of a body."""
        if (body := self._framing.body) is not None:
            body.set_exception(problem)
        elif self._is_served:
            self.close()
        else:
            self._say(in_bytes(problem))

    def _say(self, last_words: bytes) -> None:
        if self._pipe is not None:
            self._pipe.write(last_words)
            self._linger()

    def _linger(self) -> None:
        """Says that no more comes and reads on: a close on unread bytes is a reset, and takes the answer along."""
        self._is_leaving, self.transport = True, None  # aiohttp, which would close it, is done with it
        self._lobby.leaves(self)
        self.close()
        pipe = self._pipe
        if pipe is None or pipe.is_closing():
            return
        if self._is_half_closed:
            self._leave()
            return
        with suppress(RuntimeError):  # as aiohttp does it: not every loop lets the reading be resumed
            pipe.write_eof()
            pipe.resume_reading()
        self._bye.set(LINGERING, self._leave)

    def _leave(self) -> None:
        """Closes; what is still to be sent has to be taken in time."""
        if self._pipe is not None:
            self._pipe.close()
            self._bye.set(STALL_PATIENCE, self.evict)

    def _expect_head(self) -> None:
        self._deadline.set(self._head_patience, self.evict)

    def _watch_taking(self) -> None:
        if self._taking is None:
            self._taking = Taking(self._output, self._unsent, self._lobby.least_rate, self.evict)
        self._taking.pause()

    def _unsent(self) -> int:
        return self._pipe.get_write_buffer_size() if self._pipe is not None else 0

    def _peer(self) -> str:
        peer = self._pipe.get_extra_info("peername") if self._pipe is not None else None
        return f"peer {peer[0]}" if isinstance(peer, tuple) else "peer"


def connection_of(request: web.BaseRequest) -> Connection:
    """The connection that a request came on."""
    return cast(Connection, request.protocol)
