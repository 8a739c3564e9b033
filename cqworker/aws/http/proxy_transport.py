"""Requests that a proxy has to carry: a general HTTP client knows how, and its cost does not matter there."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import aiohttp
from botocore import exceptions as sdk

from cqworker.aws.call_limits import CONNECT, POLL_READ, READ
from cqworker.aws.http.connection_pool import KEPT_ALIVE
from cqworker.aws.http.endpoint import Address
from cqworker.aws.http.response_parser import Reply
from cqworker.aws.proxy_settings import ProxyMute

LARGE = 1 << 20
"""Bytes of a request that aiohttp wants as a file."""


class Detour:
    """Two sessions of aiohttp, of as many connections as `limits` says for those that wait for messages (True)."""

    def __init__(self, limits: Mapping[bool, int]) -> None:
        self._limits = limits
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def post(
        self, address: Address, headers: Mapping[str, str], body: bytes, *, poll: bool, largest: int
    ) -> Reply:
        """One request and its answer; raises the SDK's exceptions for what the network does."""
        session = self._sessions.get(poll) or self._open(poll)
        data = body if len(body) < LARGE else io.BytesIO(body)
        try:
            async with session.post(
                address.url,
                data=data,
                headers={**headers, "User-Agent": address.user_agent},
                ssl=address.tls,
                proxy=address.proxy,
                allow_redirects=False,
            ) as response:
                return Reply(response.status, response.headers, await _read(response, largest))
        except (aiohttp.ConnectionTimeoutError, TimeoutError) as error:
            raise _late(error, str(address.url)) from None
        except (aiohttp.ClientError, OSError) as error:
            raise _said_by_sdk(error, str(address.url)) from None

    async def close(self) -> None:
        """Closes every connection."""
        for session in self._sessions.values():
            await session.close()

    def _open(self, poll: bool) -> aiohttp.ClientSession:
        self._sessions[poll] = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, limit_per_host=self._limits[poll], keepalive_timeout=KEPT_ALIVE),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=POLL_READ if poll else READ),
            headers={"Accept-Encoding": "identity"},
            skip_auto_headers=("Accept",),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        return self._sessions[poll]


async def _read(response: aiohttp.ClientResponse, largest: int) -> bytes:
    length = response.content_length
    if length is not None and length <= largest:
        return await response.read()
    pieces, size = [], length or 0
    async for piece in response.content.iter_any():
        pieces.append(piece)
        size = max(size, sum(map(len, pieces)))
        if size > largest:
            break
    if size > largest:
        raise aiohttp.ClientPayloadError(f"an answer of more than {largest} bytes")
    return b"".join(pieces)


def _late(error: Exception, url: str) -> sdk.BotoCoreError:
    """A connection that does not come about is the proxy's, an answer that does not come the service's."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return ProxyMute(proxy="the proxy")
    return sdk.ReadTimeoutError(endpoint_url=url, error=error)


SAID: tuple[tuple[type[Exception], Callable[..., sdk.BotoCoreError]], ...] = (
    (aiohttp.ClientSSLError, sdk.SSLError),
    (aiohttp.ClientProxyConnectionError, sdk.ProxyConnectionError),
    (aiohttp.ClientHttpProxyError, sdk.ProxyConnectionError),
    (aiohttp.ServerTimeoutError, sdk.ReadTimeoutError),
    (aiohttp.ClientConnectorError, sdk.EndpointConnectionError),
    (Exception, sdk.ConnectionClosedError),
)


def _said_by_sdk(error: Exception, url: str) -> sdk.BotoCoreError:
    kind = next(said for known, said in SAID if isinstance(error, known))
    return kind(endpoint_url=url, proxy_url="the proxy", error=error)
