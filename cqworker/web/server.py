"""The HTTP server: listens, serves, ends long polls, closes."""

from __future__ import annotations

import asyncio
import os
import socket

from aiohttp import web

from cqworker.errors import CqworkerError
from cqworker.settings import HttpSettings
from cqworker.web.app_context import LONG_POLLS, AppContext
from cqworker.web.application import create_app
from cqworker.web.client_connection import HEAD_TIMEOUT, KEEPALIVE, ClientConnection, connection_of
from cqworker.web.connection_limit import ConnectionLimit, most_connections, reserve_of
from cqworker.web.error_replies import BusyReply
from cqworker.web.routes import VITAL_PATHS
from cqworker.web.security_headers import add_security_headers

__all__ = ["AppContext", "CannotListen", "Server", "create_app"]

BACKLOG = 1024
"""Connections that the kernel keeps until they are accepted."""
MAX_ACCEPTED_AT_ONCE = 64
"""Connections that are accepted in one turn of the loop, on which leases live, too."""
LAST_ANSWERS = 3.0
"""Seconds that running requests have to end when the server closes."""


class CannotListen(CqworkerError):
    """The address is in use, or does not belong to this machine."""


class Server:
    """Serves one application on one address; `start` once, `close` once."""

    def __init__(
        self,
        app: web.Application,
        settings: HttpSettings,
        *,
        places: int | None = None,
        reserve: int | None = None,
        head_timeout: float = HEAD_TIMEOUT,
        keepalive: float = KEEPALIVE,
    ) -> None:
        self._app = app
        self._settings = settings
        max_connections = most_connections(settings.max_connections)
        kept = reserve or reserve_of(max_connections)
        self._limit = ConnectionLimit(places or max_connections - kept, kept, settings.least_rate)
        self._busy_replies: set[BusyReply] = set()
        self._head_timeout = head_timeout
        self._keepalive = keepalive
        self._runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=LAST_ANSWERS, access_log=None)
        self._listener: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port that is listened on; the configured one before the start."""
        if self._listener is None or not self._listener.sockets:
            return self._settings.port
        return int(self._listener.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listens; raises CannotListen."""
        await self._runner.setup()
        manager = self._runner.server
        assert manager is not None, "setup() made it"
        _check_places(manager)
        host, port = self._settings.host, self._settings.port
        try:
            self._listener = await asyncio.get_running_loop().create_server(
                lambda: self._make_protocol(manager), host.strip("[]"), port, backlog=MAX_ACCEPTED_AT_ONCE
            )
        except OSError as error:
            await self._runner.cleanup()
            cure = "Choose another http.port or http.host, or stop what listens there."
            raise CannotListen(f"Cannot listen on {host}:{port}: {error.strerror or error}. {cure}") from error
        _lengthen_backlog(self._listener)

    def quiet(self) -> None:
        """Ends the requests that wait for a job's end, with the job as it is; everything else goes on."""
        self._app[LONG_POLLS].close()

    async def close(self) -> None:
        """Stops listening, gives running requests a moment, and leaves nothing behind."""
        self.quiet()
        if self._listener is not None:
            self._listener.close()
        await self._runner.cleanup()

    def _make_protocol(self, manager: web.Server) -> asyncio.Protocol:
        if not self._limit.admit():
            return BusyReply(self._busy_replies)
        return ClientConnection(manager, self._limit, self._head_timeout, self._keepalive)


def _lengthen_backlog(listener: asyncio.Server) -> None:
    """asyncio takes one number for the kernel's queue and for how much it accepts at once."""
    for listening in listener.sockets:
        with socket.socket(fileno=os.dup(listening.fileno())) as same:
            same.listen(BACKLOG)


def _check_places(manager: web.Server) -> None:
    """Asks each request's connection whether there is a place for it, and answers with a problem where not."""
    answer = manager.request_handler

    async def check_and_answer(request: web.BaseRequest) -> web.StreamResponse:
        refusal = connection_of(request).begin_request(request, request.path in VITAL_PATHS)
        if refusal is None:
            return await answer(request)
        response = refusal.response()
        add_security_headers(response)
        response.force_close()
        return response

    manager.request_handler = check_and_answer
