"""The addresses of a host's name: asked for by one for all, and remembered while the resolver is away."""

from __future__ import annotations

import asyncio
from socket import SOCK_STREAM

KNOWN = 10.0
"""Seconds: connections that are made together need one look-up."""
PATIENCE = 1.0
"""Seconds that a look-up may take while the addresses of the last one are there to use (RFC 8767, section 5)."""
RETRY = 1.0
"""Seconds after which a resolver that failed is asked again, while old addresses are used."""

Place = tuple[int, str]
"""An address family (AF_INET, AF_INET6) and an address."""


class Names:
    """Looks one host up. A look-up outlives those who gave up waiting: a mute resolver has one of ours at most."""

    def __init__(self, host: str, port: int | None) -> None:
        self._host = host
        self._port = port
        self._loop = asyncio.get_running_loop()
        self._asking: asyncio.Task[None] | None = None
        self._known: list[Place] = []
        self._until = 0.0
        self._trouble: Exception | None = None

    async def addresses(self) -> list[Place]:
        """In the resolver's order; raises what it raised (OSError) where no address was ever known."""
        if self._loop.time() >= self._until:
            self._asking = self._asking or self._loop.create_task(self._ask())
            await asyncio.wait([self._asking], timeout=PATIENCE if self._known else None)
        if not self._known and self._trouble is not None:
            raise type(self._trouble)(*self._trouble.args)
        return self._known

    def doubt(self) -> None:
        """What is known leads nowhere: the next one who asks looks it up."""
        self._until = 0.0

    def close(self) -> None:
        """Nobody waits for an answer any more."""
        if self._asking is not None:
            self._asking.cancel()

    async def _ask(self) -> None:
        try:
            found = await self._loop.getaddrinfo(self._host, self._port, type=SOCK_STREAM)
        except Exception as error:  # noqa: BLE001 - it is raised to whoever has no address instead
            self._trouble = error
            self._until = self._loop.time() + RETRY if self._known else 0.0
        else:
            self._known = [(int(family), str(place[0])) for family, *_, place in found]
            self._trouble = OSError("the name has no address")
            self._until = self._loop.time() + KNOWN
        finally:
            self._asking = None
