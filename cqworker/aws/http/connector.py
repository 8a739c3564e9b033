"""How a connection comes about: a name looked up, its addresses called in a race, TLS agreed upon."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from itertools import chain, zip_longest
from socket import IPPROTO_TCP, SOCK_STREAM, socket
from typing import Any

from aiohappyeyeballs import start_connection
from botocore import exceptions as sdk

from cqworker.aws.call_limits import CONNECT, HANDSHAKE
from cqworker.aws.error_translation import NotConnectedError
from cqworker.aws.http.endpoint import Address
from cqworker.aws.http.http_connection import Connection
from cqworker.aws.http.resolver import Names, Place

NEXT_AFTER = 0.25
"""Seconds that an address has for itself before the next one is called as well (RFC 8305, 8: 250 ms)."""


class Dialler:
    """Makes connections to the host of `address`; of its addresses those that failed last are called last."""

    def __init__(self, address: Address) -> None:
        self._url = address.url
        self._host = address.url.raw_host or ""
        self._tls = address.tls if address.url.scheme == "https" else None
        self._loop = asyncio.get_running_loop()
        self._names = Names(self._host, self._url.port)
        self._failed: list[str] = []

    async def connect(self, make: Callable[[], Connection]) -> Connection:
        """A new connection; raises the SDK's exceptions where there is none. No deadline of ours binds the look-up."""
        url = str(self._url)
        try:
            line, host = await self._call(self._ordered(await self._names.addresses()))
            return await self._agree(line, host, make)
        except TimeoutError as error:
            self._names.doubt()
            raise sdk.ConnectTimeoutError(endpoint_url=url, error=error) from None
        except ssl.SSLError as error:
            raise sdk.SSLError(endpoint_url=url, error=error) from None
        except (OSError, RuntimeError) as error:  # uvloop says some of the first as the second
            self._names.doubt()
            raise sdk.EndpointConnectionError(endpoint_url=url, error=NotConnectedError(*error.args)) from None

    def close(self) -> None:
        """Nobody will connect any more."""
        self._names.close()

    def _ordered(self, places: Sequence[Place]) -> list[Place]:
        """Those that did not fail first, then the others, the later they failed the later."""
        if not places:
            raise OSError("the name has no address")
        hosts = {host for _, host in places}
        self._failed = [host for host in self._failed if host in hosts]
        ranks = {host: rank for rank, host in enumerate(self._failed, 1)}
        return sorted(_interleaved(places), key=lambda place: ranks.get(place[1], 0))

    async def _call(self, places: Sequence[Place]) -> tuple[socket, str]:
        """The first line that comes about, and to whom; who was called before and did not answer has failed."""
        called: dict[str, socket] = {}
        port = self._url.port or 0
        infos = [(family, SOCK_STREAM, IPPROTO_TCP, "", (host, port)) for family, host in places]

        def note(info: Any) -> socket:
            line = called[info[4][0]] = socket(*info[:3])
            return line

        line: socket | None = None
        try:
            async with asyncio.timeout(CONNECT):
                line = await start_connection(
                    infos, happy_eyeballs_delay=NEXT_AFTER, interleave=0, loop=self._loop, socket_factory=note
                )
        finally:
            for host, one in called.items():
                self._judge(host, failed=one is not line)
        return line, next(host for host, one in called.items() if one is line)

    async def _agree(self, line: socket, host: str, make: Callable[[], Connection]) -> Connection:
        name = self._host.rstrip(".") if self._tls else None
        try:
            async with asyncio.timeout(HANDSHAKE):
                _, connection = await self._loop.create_connection(make, sock=line, ssl=self._tls, server_hostname=name)
        except TimeoutError:
            self._judge(host, failed=True)
            raise
        return connection

    def _judge(self, host: str, *, failed: bool) -> None:
        if host in self._failed:
            self._failed.remove(host)
        if failed:
            self._failed.append(host)


def _interleaved(places: Sequence[Place]) -> list[Place]:
    """By families in turn, the first family first (RFC 8305, 4): one that leads nowhere holds nobody up for long."""
    families: dict[int, list[Place]] = {}
    for place in places:
        families.setdefault(place[0], []).append(place)
    return [place for place in chain.from_iterable(zip_longest(*families.values())) if place is not None]
