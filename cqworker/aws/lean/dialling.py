"""How a connection comes about: a name looked up, its addresses called one after the other, TLS agreed upon."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from botocore import exceptions as sdk

from cqworker.aws.lean.address import Address
from cqworker.aws.lean.connection import Connection
from cqworker.aws.lean.names import Names, Place
from cqworker.aws.limits import CONNECT
from cqworker.aws.translation import NotConnectedError


class Dialler:
    """Makes connections to the host of `address`."""

    def __init__(self, address: Address) -> None:
        self._url = address.url
        self._host = address.url.raw_host or ""
        self._tls = address.tls if address.url.scheme == "https" else None
        self._loop = asyncio.get_running_loop()
        self._names = Names(self._host, self._url.port)
        self._last: int | None = None

    async def connect(self, make: Callable[[], Connection]) -> Connection:
        """A new connection; raises the SDK's exceptions where there is none. No deadline of ours binds the look-up."""
        url, known = str(self._url), list[Place]()
        try:
            known = sorted(await self._names.addresses(), key=lambda one: one[0] == self._last)
            async with asyncio.timeout(CONNECT):
                return await self._first_of([host for _, host in known], make)
        except TimeoutError as error:
            # packets of IPv6 may vanish on their way and those of IPv4 arrive: the next one begins with the others
            self._last = known[0][0] if known else None
            self._names.doubt()
            raise sdk.ConnectTimeoutError(endpoint_url=url, error=error) from None
        except ssl.SSLError as error:
            raise sdk.SSLError(endpoint_url=url, error=error) from None
        except OSError as error:
            self._names.doubt()
            raise sdk.EndpointConnectionError(endpoint_url=url, error=NotConnectedError(*error.args)) from None

    def close(self) -> None:
        """Nobody will connect any more."""
        self._names.close()

    async def _first_of(self, hosts: list[str], make: Callable[[], Connection]) -> Connection:
        trouble = OSError("the name has no address")
        for host in hosts:
            try:
                return await self._call(host, make)
            except ssl.SSLError:
                raise
            except OSError as error:
                trouble = error
        raise trouble

    async def _call(self, host: str, make: Callable[[], Connection]) -> Connection:
        name = self._host.rstrip(".") if self._tls else None
        _, connection = await self._loop.create_connection(
            make, host, self._url.port or 0, ssl=self._tls, server_hostname=name
        )
        return connection
