"""The connections to one place: kept, shared in turn, given up when they have been idle or silent for too long."""

from __future__ import annotations

import asyncio

from botocore import exceptions as sdk

from cqworker.aws.http.connector import Dialler
from cqworker.aws.http.endpoint import Address
from cqworker.aws.http.fair_semaphore import Turns
from cqworker.aws.http.http_connection import Connection, SilentError
from cqworker.aws.http.response_parser import Reply

KEPT_ALIVE = 12.0
"""Seconds an idle connection is kept: shorter than any AWS endpoint keeps it."""


class Pool:
    """Up to `limit` requests at a time to the host of `address`, the others wait in the order in which they came."""

    def __init__(self, address: Address, limit: int, patience: float, largest: int) -> None:
        self._url = str(address.url)
        self._dialler = Dialler(address)
        self._patience = patience
        self._largest = largest
        self._turns = Turns(limit)
        self._loop = asyncio.get_running_loop()
        self._open: set[Connection] = set()
        self._idle: list[Connection] = []

    async def post(self, request: bytes) -> Reply:
        """One request and its answer; raises the SDK's exceptions for what the network does."""
        if not self._turns.take():
            await self._turns.wait()
        try:
            return await self._ask(self._kept() or await self._connect(), request)
        finally:
            self._turns.pass_on()

    def sweep(self) -> None:
        """Gives up what has been silent for too long, and what nobody has used."""
        now = self._loop.time()
        for connection in self._open:
            connection.judge(self._patience, now)
        for connection in [idle for idle in self._idle if not idle.is_fresh(KEPT_ALIVE)]:
            self._idle.remove(connection)
            self._drop(connection)

    def close(self) -> None:
        """Ends every connection."""
        self._dialler.close()
        for connection in self._open:
            connection.abort()
        self._open.clear()
        self._idle.clear()

    async def _ask(self, connection: Connection, request: bytes) -> Reply:
        try:
            return await connection.ask(request)
        except SilentError as error:
            raise sdk.ReadTimeoutError(endpoint_url=self._url, error=error) from None
        except OSError as error:
            raise sdk.ConnectionClosedError(endpoint_url=self._url, error=error) from None
        finally:
            if connection.is_done():
                self._idle.append(connection)
            else:
                self._drop(connection)

    def _kept(self) -> Connection | None:
        """The connection that was used last, for the others may grow old."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_fresh(KEPT_ALIVE):
                return connection
            self._drop(connection)
        return None

    def _drop(self, connection: Connection) -> None:
        connection.abort()
        self._open.discard(connection)

    async def _connect(self) -> Connection:
        connection = await self._dialler.connect(lambda: Connection(self._loop, self._largest))
        self._open.add(connection)
        return connection
