"""One client's connection: aiohttp's, with the timeouts, the limits and the error answers that it lacks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import cast

from aiohttp import HttpVersion11, hdrs, web

from cqworker.web.connection_limit import ConnectionLimit, Wait
from cqworker.web.deadline_timer import DeadlineTimer
from cqworker.web.error_middleware import problem_of_http, problem_of_parse_error
from cqworker.web.error_replies import BUSY, LINGER_SECONDS, to_bytes
from cqworker.web.framing_overhead import FramingOverhead
from cqworker.web.problems import Problem, ProblemKind
from cqworker.web.security_headers import add_security_headers
from cqworker.web.slow_readers import STALL_TIMEOUT, SlowReader

KEEPALIVE = 75.0
"""Seconds an idle connection stays open: more than the 60 s of an AWS load balancer, which must be the one to close."""
HEAD_TIMEOUT = 15.0
"""Seconds for a request's head, from its first byte; for the first one, from the connection's start."""


class ClientConnection(web.RequestHandler):
    """Closes on clients that are too slow, tells the limit what it waits for, and never closes on an unread answer."""

    __slots__ = (
        "_framing", "_head_timeout", "_head_timer", "_is_half_closed", "_is_lingering", "_is_served",
        "_limit", "_linger_timer", "_output", "_owner", "_pipe", "_release", "_slow_reader",
    )  # fmt: skip

    def __init__(
        self,
        manager: web.Server,
        limit: ConnectionLimit,
        head_timeout: float = HEAD_TIMEOUT,
        keepalive: float = KEEPALIVE,
    ) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(  # lingering is done here: aiohttp's reads a body whose encoding is broken
            manager, loop=loop, keepalive_timeout=keepalive, lingering_time=0, access_log=None, auto_decompress=False  # type: ignore[arg-type]
        )  # fmt: skip
        self._limit, self._head_timeout = limit, head_timeout
        self._framing = FramingOverhead()
        self._is_served = self._is_lingering = self._is_half_closed = False
        self._owner = ""
        self._release: Callable[[], None] | None = None
        self._output: Callable[[], int] = lambda: 0
        self._pipe: asyncio.Transport | None = None
        self._slow_reader: SlowReader | None = None
        self._head_timer, self._linger_timer = DeadlineTimer(), DeadlineTimer()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._pipe = cast(asyncio.Transport, transport)
        self._limit.add(self, self._peer())
        self._expect_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._limit.remove(self)
        self._head_timer.cancel()
        if self._slow_reader is not None:
            self._slow_reader.resume()
        self._linger_timer.cancel()
        self._pipe = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_lingering or self._close:
            return
        if data and not self._is_served and not self._head_timer.is_set:
            self._expect_head()
        try:
            for portion in self._framing.portions(data):
                self._parse(portion)
        except Problem as problem:
            self._refuse(problem)
        except Exception as error:  # noqa: BLE001 - the parser may raise anything on hostile bytes
            self._refuse(problem_of_parse_error(error))

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio asks for it, aiohttp has no answer
        """A client that sends no more may still want to read; True keeps the connection open for writing."""
        if self._is_lingering or not self._is_served:
            return False
        self._is_half_closed = True
        if (body := self._framing.body) is not None:
            body.set_exception(web.RequestPayloadError("The body ends early."))
        elif self._release is not None:
            self._release()
        return True

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()
        self._limit.mark_waiting(self, Wait.ANSWER, self._owner)

    def resume_writing(self) -> None:
        if self._slow_reader is not None:
            self._slow_reader.resume()
        if self._is_served:
            self._limit.mark_busy(self)
        super().resume_writing()

    def begin_request(self, request: web.BaseRequest, is_vital: bool) -> Problem | None:
        """Begins a request; returns the problem to answer where it is refused, because there is no place for it."""
        self._owner = self._peer()
        writer = request.writer
        self._output = lambda: writer.output_size
        if self._slow_reader is not None:
            self._slow_reader.resume()
            self._slow_reader = None
        if self._paused:
            self._watch_reader()
        if request.version < HttpVersion11 and hdrs.TRANSFER_ENCODING in request.headers:
            return Problem(ProblemKind.MALFORMED, "HTTP/1.0 knows no Transfer-Encoding (RFC 9112, section 6.1).")
        if is_vital or self._limit.may_serve():
            return None
        return Problem(ProblemKind.CROWDED, "As many requests as there are places are being answered. Try again later.")

    @property
    def owner(self) -> str:
        """Whose quota the request uses: "tenant …", or "peer …" until its token was read."""
        return self._owner

    def charge_to(self, tenant: str) -> None:
        """Counts the request's place and bytes to this tenant from now on; until then they are its peer's."""
        self._owner = f"tenant {tenant}"

    @contextmanager
    def waiting(self, wait: Wait, release: Callable[[], None]) -> Iterator[None]:
        """Marks the request as waiting for the block; `release` is called to end that when its place is needed."""
        self._release = release
        self._limit.mark_waiting(self, wait, self._owner)
        if self._is_half_closed and wait is Wait.END:  # most of those have left
            release()
        try:
            yield
        finally:
            self._release = None
            self._limit.mark_busy(self)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Sends the answer; aiohttp's own errors, which no middleware sees, as problems too."""
        if isinstance(resp, web.HTTPException):
            resp = problem_of_http(resp).response()
        is_last = self._close or (self._is_half_closed and not self._messages) or self._limit.is_leaving(self)
        if is_last or not request.content.is_eof():
            resp.force_close()
        messages_before = self._request_count
        try:
            resp, is_gone = await super().finish_response(request, resp, start_time)
            self._note_request(messages_before)
        finally:
            self._is_served = bool(self._messages)
        if is_gone or not resp.keep_alive:
            self._linger()
            return resp, True
        if not self._is_served:
            self._limit.mark_waiting(self, Wait.HEAD, self._peer())
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
            problem = problem_of_parse_error(exc)
        else:
            self.log_exception("a request could not be routed", exc_info=exc)
            problem = Problem(ProblemKind.INTERNAL, "The worker's log says more.")
        response = problem.response()
        add_security_headers(response)
        response.force_close()
        return response

    def progress(self) -> int:
        """As LimitedConnection.progress."""
        if self._slow_reader is not None:
            return self._slow_reader.bytes_taken()
        body = self._framing.body
        return body.total_bytes if body is not None else 0

    def ask_to_leave(self, wait: Wait) -> None:
        """As LimitedConnection.ask_to_leave."""
        match wait:
            case Wait.BODY | Wait.END if self._release is not None:
                self._release()
            case Wait.HEAD if self._framing.is_in_head:
                self._send_last(BUSY)
            case Wait.HEAD:
                self.force_close()
            case _:
                self.evict()

    def evict(self) -> None:
        """Drops the connection at once; what was not sent is lost."""
        if self._pipe is not None:
            self._pipe.abort()

    def force_close(self) -> None:
        """As aiohttp's; the client has to take in time what is still to be sent."""
        super().force_close()
        if self._is_lingering or self._unsent_bytes():
            self._close_in_time()

    def _parse(self, data: bytes) -> None:
        """Feeds aiohttp's parser, and counts the bytes that are not part of a body."""
        framing, messages_before = self._framing, self._request_count
        body = framing.body
        bytes_before = body.total_bytes if body is not None else 0
        super().data_received(data)
        if self._note_request(messages_before):
            if body is not None and not body.is_eof():  # what came is an error in the midst of it
                body.set_exception(web.RequestPayloadError("The body's framing is broken."))
        elif body is None:
            framing.count_head(len(data))
        else:
            is_read = not (self._reading_paused or self._buffer_paused)
            framing.count_overhead(body, len(data) - body.total_bytes + bytes_before, is_read)

    def _note_request(self, messages_before: int) -> bool:
        """Whether a head has come whole; then its body is waited for, with a timeout of its own."""
        if self._request_count == messages_before or not self._messages:
            return False
        message, content = self._messages[-1]
        self._framing.begin_body(content, getattr(message, "chunked", False))
        self._is_served = True
        self._head_timer.cancel()
        if self._release is None:
            self._limit.mark_busy(self)
        return True

    def _refuse(self, problem: Problem) -> None:
        """Answers what is wrong within a head or a body."""
        if (body := self._framing.body) is not None:
            body.set_exception(problem)
        elif self._is_served:
            self.close()
        else:
            self._send_last(to_bytes(problem))

    def _send_last(self, reply: bytes) -> None:
        if self._pipe is not None:
            self._pipe.write(reply)
            self._linger()

    def _linger(self) -> None:
        """Ends the sending and reads on: a close with unread bytes resets the connection (RFC 9112, section 9.6)."""
        self._is_lingering, self.transport = True, None  # aiohttp, which would close it, is done with it
        self._limit.mark_leaving(self)
        self.close()
        pipe = self._pipe
        if pipe is None or pipe.is_closing():
            return
        if self._is_half_closed:
            self._close_in_time()
            return
        with suppress(RuntimeError):  # as aiohttp does it: not every loop lets the reading be resumed
            pipe.write_eof()
            pipe.resume_reading()
        self._linger_timer.start(LINGER_SECONDS, self._close_in_time)

    def _close_in_time(self) -> None:
        """Closes; the client has to take in time what is still to be sent."""
        if self._pipe is not None:
            self._pipe.close()
            self._linger_timer.start(STALL_TIMEOUT, self.evict)

    def _expect_head(self) -> None:
        self._head_timer.start(self._head_timeout, self.evict)

    def _watch_reader(self) -> None:
        if self._slow_reader is None:
            self._slow_reader = SlowReader(self._output, self._unsent_bytes, self._limit.least_rate, self.evict)
        self._slow_reader.pause()

    def _unsent_bytes(self) -> int:
        return self._pipe.get_write_buffer_size() if self._pipe is not None else 0

    def _peer(self) -> str:
        peer = self._pipe.get_extra_info("peername") if self._pipe is not None else None
        return f"peer {peer[0]}" if isinstance(peer, tuple) else "peer"


def connection_of(request: web.BaseRequest) -> ClientConnection:
    """The connection of a request."""
    return cast(ClientConnection, request.protocol)
