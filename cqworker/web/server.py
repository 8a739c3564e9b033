"""The HTTP server's life: listen, serve, let waiters go, close."""

from __future__ import annotations

import asyncio
import os
import socket

from aiohttp import web

from cqworker.errors import CqworkerError
from cqworker.settings import HttpSettings
from cqworker.web.app_context import WAITING_ROOM, Parts
from cqworker.web.application import create_app
from cqworker.web.client_connection import HEAD_PATIENCE, KEEPALIVE, Connection, connection_of
from cqworker.web.connection_limit import Lobby, most_connections, reserve_of
from cqworker.web.error_replies import Apology
from cqworker.web.routes import VITAL_PATHS
from cqworker.web.security_headers import secure

__all__ = ["CannotListen", "Parts", "Server", "create_app"]

BACKLOG = 1024
"""Connections that the kernel keeps until they are accepted."""
ACCEPTED_AT_ONCE = 64
"""Connections that are accepted in one turn of the loop, on which leases live, too."""
LAST_ANSWERS = 3.0
"""Seconds that running requests have to end when the server closes."""


class CannotListen(CqworkerError):
    """The address is taken, or is none of this machine's."""


class Server:
    """Serves one application on one address; `start` once, `close` once."""

    def __init__(
        self,
        app: web.Application,
        settings: HttpSettings,
        *,
        places: int | None = None,
        reserve: int | None = None,
        head_patience: float = HEAD_PATIENCE,
        keepalive: float = KEEPALIVE,
    ) -> None:
        self._app = app
        self._settings = settings
        most = most_connections(settings.max_connections)
        kept = reserve or reserve_of(most)
        self._lobby = Lobby(places or most - kept, kept, settings.least_rate)
        self._apologies: set[Apology] = set()
        self._head_patience = head_patience
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
        _announce_requests(manager)
        host, port = self._settings.host, self._settings.port
        try:
            self._listener = await asyncio.get_running_loop().create_server(
                lambda: self._greet(manager), host.strip("[]"), port, backlog=ACCEPTED_AT_ONCE
            )
        except OSError as error:
            await self._runner.cleanup()
            cure = "Choose another http.port or http.host, or stop what listens there."
            raise CannotListen(f"Cannot listen on {host}:{port}: {error.strerror or error}. {cure}") from error
        _lengthen_queues(self._listener)

    def quiet(self) -> None:
        """Lets those go who wait for a job's end, with the job as it is; everything else goes on."""
        self._app[WAITING_ROOM].close()

    async def close(self) -> None:
        """Stops listening, gives running requests a moment, and leaves nothing behind."""
        self.quiet()
        if self._listener is not None:
            self._listener.close()
        await self._runner.cleanup()

    def _greet(self, manager: web.Server) -> asyncio.Protocol:
        if not self._lobby.admits():
            return Apology(self._apologies)
        return Connection(manager, self._lobby, self._head_patience, self._keepalive)


def _lengthen_queues(listener: asyncio.Server) -> None:
    """asyncio takes one number for the kernel's queue and for how much it accepts at once."""
    for listening in listener.sockets:
        with socket.socket(fileno=os.dup(listening.fileno())) as same:
            same.listen(BACKLOG)


def _announce_requests(manager: web.Server) -> None:
    """Tells each connection of the request that came: whether there is a place for it, is known there."""
    answer = manager.request_handler

    async def announce_and_answer(request: web.BaseRequest) -> web.StreamResponse:
        refusal = connection_of(request).serve(request, request.path in VITAL_PATHS)
        if refusal is None:
            return await answer(request)
        response = refusal.response()
        secure(response)
        response.force_close()
        return response

    manager.request_handler = announce_and_answer
