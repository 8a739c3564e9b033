"""Makes connections: the name is looked up, its addresses are raced (Happy Eyeballs, RFC 8305), TLS is agreed on."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from itertools import chain, zip_longest
from socket import IPPROTO_TCP, SOCK_STREAM, socket
from typing import Any

from aiohappyeyeballs import start_connection
from botocore import exceptions as sdk

from cqworker.aws.call_limits import CONNECT_SECONDS, HANDSHAKE_SECONDS
from cqworker.aws.error_translation import NotConnectedError
from cqworker.aws.http.endpoint import Endpoint
from cqworker.aws.http.http_connection import HttpConnection
from cqworker.aws.http.resolver import HostAddress, Resolver

NEXT_ADDRESS_SECONDS = 0.25
"""Seconds that an address has for itself before the next one is tried as well (RFC 8305, section 8: 250 ms)."""


class Connector:
    """Makes connections to the host of `endpoint`; of its addresses those that failed last are tried last."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._url = endpoint.url
        self._host = endpoint.url.raw_host or ""
        self._tls = endpoint.tls if endpoint.url.scheme == "https" else None
        self._loop = asyncio.get_running_loop()
        self._resolver = Resolver(self._host, self._url.port)
        self._failed: list[str] = []

    async def connect(self, make: Callable[[], HttpConnection]) -> HttpConnection:
        """A new connection; raises the SDK's exceptions where there is none. The look-up has no deadline of its own."""
        url = str(self._url)
        try:
            sock, host = await self._race(self._order(await self._resolver.addresses()))
            return await self._handshake(sock, host, make)
        except TimeoutError as error:
            self._resolver.invalidate()
            raise sdk.ConnectTimeoutError(endpoint_url=url, error=error) from None
        except ssl.SSLError as error:
            raise sdk.SSLError(endpoint_url=url, error=error) from None
        except (OSError, RuntimeError) as error:  # uvloop says some of the first as the second
            self._resolver.invalidate()
            raise sdk.EndpointConnectionError(endpoint_url=url, error=NotConnectedError(*error.args)) from None

    def close(self) -> None:
        """Ends a look-up that is under way."""
        self._resolver.close()

    def _order(self, addresses: Sequence[HostAddress]) -> list[HostAddress]:
        """Those that did not fail first, then the others, the later they failed the later."""
        if not addresses:
            raise OSError("the name has no address")
        hosts = {host for _, host in addresses}
        self._failed = [host for host in self._failed if host in hosts]
        ranks = {host: rank for rank, host in enumerate(self._failed, 1)}
        return sorted(_interleave(addresses), key=lambda address: ranks.get(address[1], 0))

    async def _race(self, addresses: Sequence[HostAddress]) -> tuple[socket, str]:
        """The first socket that connects, and its address; those that were tried before it have failed."""
        called: dict[str, socket] = {}
        port = self._url.port or 0
        infos = [(family, SOCK_STREAM, IPPROTO_TCP, "", (host, port)) for family, host in addresses]

        def note(info: Any) -> socket:
            sock = called[info[4][0]] = socket(*info[:3])
            return sock

        sock: socket | None = None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                sock = await start_connection(
                    infos, happy_eyeballs_delay=NEXT_ADDRESS_SECONDS, interleave=0, loop=self._loop, socket_factory=note
                )
        finally:
            for host, one in called.items():
                self._note(host, failed=one is not sock)
        return sock, next(host for host, one in called.items() if one is sock)

    async def _handshake(self, sock: socket, host: str, make: Callable[[], HttpConnection]) -> HttpConnection:
        name = self._host.rstrip(".") if self._tls else None
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                _, connection = await self._loop.create_connection(make, sock=sock, ssl=self._tls, server_hostname=name)
        except TimeoutError:
            self._note(host, failed=True)
            raise
        return connection

    def _note(self, host: str, *, failed: bool) -> None:
        if host in self._failed:
            self._failed.remove(host)
        if failed:
            self._failed.append(host)


def _interleave(addresses: Sequence[HostAddress]) -> list[HostAddress]:
    """By families in turn, the first family first (RFC 8305, 4): one that leads nowhere costs little time."""
    families: dict[int, list[HostAddress]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    return [address for address in chain.from_iterable(zip_longest(*families.values())) if address is not None]
