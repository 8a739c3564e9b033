"""The addresses of a host's name: looked up once for all who ask, and kept while the resolver is away."""

from __future__ import annotations

import asyncio
from socket import SOCK_STREAM

CACHE_SECONDS = 10.0
"""Seconds that addresses are fresh: connections that are made together need one look-up."""
STALE_AFTER_SECONDS = 1.0
"""Seconds that a look-up may take while there are stale addresses to use in its place (RFC 8767, section 5)."""
RETRY_SECONDS = 1.0
"""Seconds after which a resolver that failed is asked again, while stale addresses are used."""

HostAddress = tuple[int, str]
"""An address family (AF_INET, AF_INET6) and an address."""


class Resolver:
    """Looks one host up. A look-up outlives those who gave up waiting: a mute resolver has one of ours at most."""

    def __init__(self, host: str, port: int | None) -> None:
        self._host = host
        self._port = port
        self._loop = asyncio.get_running_loop()
        self._lookup: asyncio.Task[None] | None = None
        self._known: list[HostAddress] = []
        self._fresh_until = 0.0
        self._error: Exception | None = None

    async def addresses(self) -> list[HostAddress]:
        """In the resolver's order; raises what it raised (OSError) where no address was ever known."""
        if self._loop.time() >= self._fresh_until:
            self._lookup = self._lookup or self._loop.create_task(self._look_up())
            await asyncio.wait([self._lookup], timeout=STALE_AFTER_SECONDS if self._known else None)
        if not self._known and self._error is not None:
            raise type(self._error)(*self._error.args)
        return self._known

    def invalidate(self) -> None:
        """The addresses lead nowhere: the next call of addresses() looks them up again."""
        self._fresh_until = 0.0

    def close(self) -> None:
        """Ends a look-up that is under way."""
        if self._lookup is not None:
            self._lookup.cancel()

    async def _look_up(self) -> None:
        try:
            found = await self._loop.getaddrinfo(self._host, self._port, type=SOCK_STREAM)
        except Exception as error:  # noqa: BLE001 - it is raised to whoever has no address instead
            self._error = error
            self._fresh_until = self._loop.time() + RETRY_SECONDS if self._known else 0.0
        else:
            self._known = [(int(family), str(place[0])) for family, *_, place in found]
            self._error = OSError("the name has no address")
            self._fresh_until = self._loop.time() + CACHE_SECONDS
        finally:
            self._lookup = None
