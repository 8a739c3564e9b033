"""The connections to one endpoint: kept, shared first come, first served, closed when idle or silent for too long."""

from __future__ import annotations

import asyncio

from botocore import exceptions as sdk

from cqworker.aws.http.connector import Connector
from cqworker.aws.http.endpoint import Endpoint
from cqworker.aws.http.fair_semaphore import FairSemaphore
from cqworker.aws.http.http_connection import HttpConnection, SilentError
from cqworker.aws.http.response_parser import HttpResponse

KEEP_ALIVE_SECONDS = 12.0
"""Seconds an idle connection is kept: shorter than any AWS endpoint keeps it."""


class ConnectionPool:
    """Up to `limit` requests at a time to the host of `endpoint`; the others wait in the order in which they came.

    A request whose answer is silent for `silence_seconds`, or longer than `max_bytes`, fails.
    """

    def __init__(self, endpoint: Endpoint, limit: int, silence_seconds: float, max_bytes: int) -> None:
        self._url = str(endpoint.url)
        self._connector = Connector(endpoint)
        self._silence_seconds = silence_seconds
        self._max_bytes = max_bytes
        self._slots = FairSemaphore(limit)
        self._loop = asyncio.get_running_loop()
        self._open: set[HttpConnection] = set()
        self._idle: list[HttpConnection] = []

    async def post(self, request: bytes) -> HttpResponse:
        """One request and its answer; raises the SDK's exceptions for what the network does."""
        if not self._slots.try_acquire():
            await self._slots.acquire()
        try:
            return await self._exchange(self._pop_idle() or await self._connect(), request)
        finally:
            self._slots.release()

    def sweep(self) -> None:
        """Closes connections whose answer has been silent for too long, and idle ones that nobody has used."""
        now = self._loop.time()
        for connection in self._open:
            connection.fail_if_silent(self._silence_seconds, now)
        for connection in [idle for idle in self._idle if not idle.is_fresh(KEEP_ALIVE_SECONDS)]:
            self._idle.remove(connection)
            self._drop(connection)

    def close(self) -> None:
        """Ends every connection."""
        self._connector.close()
        for connection in self._open:
            connection.abort()
        self._open.clear()
        self._idle.clear()

    async def _exchange(self, connection: HttpConnection, request: bytes) -> HttpResponse:
        try:
            return await connection.exchange(request)
        except SilentError as error:
            raise sdk.ReadTimeoutError(endpoint_url=self._url, error=error) from None
        except OSError as error:
            raise sdk.ConnectionClosedError(endpoint_url=self._url, error=error) from None
        finally:
            if connection.is_reusable():
                self._idle.append(connection)
            else:
                self._drop(connection)

    def _pop_idle(self) -> HttpConnection | None:
        """The idle connection that was used last: the others may grow old."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_fresh(KEEP_ALIVE_SECONDS):
                return connection
            self._drop(connection)
        return None

    def _drop(self, connection: HttpConnection) -> None:
        connection.abort()
        self._open.discard(connection)

    async def _connect(self) -> HttpConnection:
        connection = await self._connector.connect(lambda: HttpConnection(self._loop, self._max_bytes))
        self._open.add(connection)
        return connection
