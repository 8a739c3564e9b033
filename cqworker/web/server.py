"""The HTTP server's life: listen, serve, let waiters go, close."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import cast

from aiohttp import web

from cqworker.errors import CqworkerError
from cqworker.settings import HttpSettings
from cqworker.web.application import create_app
from cqworker.web.connection import HEAD_PATIENCE, KEEPALIVE, Connection
from cqworker.web.lobby import Apology, Lobby, most_connections
from cqworker.web.parts import WAITING_ROOM, Parts

__all__ = ["CannotListen", "Parts", "Server", "create_app"]

BACKLOG = 256
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
        most: int | None = None,
        head_patience: float = HEAD_PATIENCE,
        keepalive: float = KEEPALIVE,
    ) -> None:
        self._app = app
        self._settings = settings
        self._lobby = Lobby(most or most_connections())
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
        _announce_heads(manager)
        host, port = self._settings.host, self._settings.port
        try:
            self._listener = await asyncio.get_running_loop().create_server(
                lambda: self._greet(manager), host.strip("[]"), port, backlog=BACKLOG
            )
        except OSError as error:
            await self._runner.cleanup()
            cure = "Choose another http.port or http.host, or stop what listens there."
            raise CannotListen(f"Cannot listen on {host}:{port}: {error.strerror or error}. {cure}") from error

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
        if not self._lobby.has_room():
            return Apology()
        return Connection(manager, self._lobby, self._head_patience, self._keepalive)


def _announce_heads(manager: web.Server) -> None:
    """Tells each connection when a request's head has come: its patience for it ends there."""
    answer = manager.request_handler

    def announce_and_answer(request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        cast(Connection, request.protocol).head_arrived()
        return answer(request)

    manager.request_handler = announce_and_answer
