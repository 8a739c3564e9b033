"""Requests over pools of connections that stay open; failures are raised as the SDK's own exceptions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from yarl import URL

from cqworker.aws.call_limits import POLL_READ_SECONDS, POOL_SIZE, READ_SECONDS
from cqworker.aws.http.connection_pool import ConnectionPool
from cqworker.aws.http.endpoint import Endpoint
from cqworker.aws.http.proxy_transport import ProxyTransport
from cqworker.aws.http.request_bytes import request_bytes, request_opening
from cqworker.aws.http.response_parser import HttpResponse

MAX_RESPONSE_BYTES = 64 * 1024 * 1024
"""DynamoDB answers with 16 MiB at most, SQS with ten messages of 1 MiB."""
SWEEP_SECONDS = 1.0
"""Seconds between two looks at all connections, which cost less than a timer for each request."""

PoolKey = tuple[URL, object, bool]
"""Whose connections may be shared: the same host, trusted in the same way, and whether receives wait there."""


class PooledTransport:
    """Two pools of connections to each host: receives wait in one of their own, so that they keep no write from one."""

    def __init__(self, pollers: int) -> None:
        self._limits = {True: pollers + 2, False: POOL_SIZE}
        self._pools: dict[PoolKey, tuple[ConnectionPool, str]] = {}
        self._proxy_transport = ProxyTransport(self._limits)
        self._sweep_timer: asyncio.TimerHandle | None = None

    async def post(self, endpoint: Endpoint, headers: Mapping[str, str], body: bytes, *, poll: bool) -> HttpResponse:
        """Sends one request and returns its response; raises the SDK's exceptions for what the network does."""
        if endpoint.proxy is not None:
            return await self._proxy_transport.post(endpoint, headers, body, poll=poll, max_bytes=MAX_RESPONSE_BYTES)
        key = (endpoint.url, endpoint.tls, poll)
        pool, opening = self._pools.get(key) or self._open(key, endpoint)
        return await pool.post(request_bytes(opening, headers, body))

    async def close(self) -> None:
        """Closes every connection."""
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
        for pool, _ in self._pools.values():
            pool.close()
        self._pools.clear()
        await self._proxy_transport.close()
        await asyncio.sleep(0)  # the loop closes their sockets in its next turn

    def _open(self, key: PoolKey, endpoint: Endpoint) -> tuple[ConnectionPool, str]:
        poll = key[2]
        pool = ConnectionPool(
            endpoint, self._limits[poll], POLL_READ_SECONDS if poll else READ_SECONDS, MAX_RESPONSE_BYTES
        )
        if not self._pools:
            self._schedule_sweep()
        self._pools[key] = pool, request_opening(endpoint.url, endpoint.user_agent)
        return self._pools[key]

    def _schedule_sweep(self) -> None:
        self._sweep_timer = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        self._schedule_sweep()
        for pool, _ in self._pools.values():
            pool.sweep()
