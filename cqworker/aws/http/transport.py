"""Requests on connections that stay open; what goes wrong on them is said in the SDK's own exceptions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from yarl import URL

from cqworker.aws.call_limits import POLL_READ, POOL, READ
from cqworker.aws.http.connection_pool import Pool
from cqworker.aws.http.endpoint import Address
from cqworker.aws.http.proxy_transport import Detour
from cqworker.aws.http.request_bytes import opening_of, request_of
from cqworker.aws.http.response_parser import Reply

LARGEST = 64 * 1024 * 1024
"""Bytes of an answer: DynamoDB sends 16 MiB at most, SQS ten messages of 1 MiB."""
SWEEP = 1.0
"""Seconds between two looks at all connections, which cost less than a timer for each request."""

Place = tuple[URL, object, bool]
"""Whose connections may be shared: the same host, trusted in the same way, and whether receives wait there."""


class Transport:
    """Two pools of connections to each host: receives wait in one of their own, so that they keep no write from one."""

    def __init__(self, pollers: int) -> None:
        self._limits = {True: pollers + 2, False: POOL}
        self._pools: dict[Place, tuple[Pool, str]] = {}
        self._detour = Detour(self._limits)
        self._sweeping: asyncio.TimerHandle | None = None

    async def post(self, address: Address, headers: Mapping[str, str], body: bytes, *, poll: bool) -> Reply:
        """One request and its answer; raises the SDK's exceptions for what the network does."""
        if address.proxy is not None:
            return await self._detour.post(address, headers, body, poll=poll, largest=LARGEST)
        place = (address.url, address.tls, poll)
        pool, opening = self._pools.get(place) or self._open(place, address)
        return await pool.post(request_of(opening, headers, body))

    async def close(self) -> None:
        """Closes every connection."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        for pool, _ in self._pools.values():
            pool.close()
        self._pools.clear()
        await self._detour.close()
        await asyncio.sleep(0)  # the loop closes their sockets in its next turn

    def _open(self, place: Place, address: Address) -> tuple[Pool, str]:
        poll = place[2]
        pool = Pool(address, self._limits[poll], POLL_READ if poll else READ, LARGEST)
        if not self._pools:
            self._sweep_later()
        self._pools[place] = pool, opening_of(address.url, address.user_agent)
        return self._pools[place]

    def _sweep_later(self) -> None:
        self._sweeping = asyncio.get_running_loop().call_later(SWEEP, self._sweep)

    def _sweep(self) -> None:
        self._sweep_later()
        for pool, _ in self._pools.values():
            pool.sweep()
