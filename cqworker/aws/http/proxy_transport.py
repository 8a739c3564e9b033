"""Requests that a proxy has to carry: a general HTTP client knows how, and its cost does not matter there."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import aiohttp
from botocore import exceptions as sdk

from cqworker.aws.call_limits import CONNECT_SECONDS, POLL_READ_SECONDS, READ_SECONDS
from cqworker.aws.http.connection_pool import KEEP_ALIVE_SECONDS
from cqworker.aws.http.endpoint import Endpoint
from cqworker.aws.http.response_parser import HttpResponse
from cqworker.aws.proxy_settings import ProxyMute

STREAMED_BYTES = 1 << 20
"""From this size aiohttp wants a body as a file: it warns of larger ones that are bytes."""


class ProxyTransport:
    """Two sessions of aiohttp: `limits` is how many connections each has, by whether receives wait on them (True)."""

    def __init__(self, limits: Mapping[bool, int]) -> None:
        self._limits = limits
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def post(
        self, endpoint: Endpoint, headers: Mapping[str, str], body: bytes, *, poll: bool, max_bytes: int
    ) -> HttpResponse:
        """Sends one request and returns its response; raises the SDK's exceptions for what the network does."""
        session = self._sessions.get(poll) or self._open(poll)
        data = body if len(body) < STREAMED_BYTES else io.BytesIO(body)
        try:
            async with session.post(
                endpoint.url,
                data=data,
                headers={**headers, "User-Agent": endpoint.user_agent},
                ssl=endpoint.tls,
                proxy=endpoint.proxy,
                allow_redirects=False,
            ) as response:
                return HttpResponse(response.status, response.headers, await _read_body(response, max_bytes))
        except (aiohttp.ConnectionTimeoutError, TimeoutError) as error:
            raise _timeout_error(error, str(endpoint.url)) from None
        except (aiohttp.ClientError, OSError) as error:
            raise _sdk_error(error, str(endpoint.url)) from None

    async def close(self) -> None:
        """Closes every connection."""
        for session in self._sessions.values():
            await session.close()

    def _open(self, poll: bool) -> aiohttp.ClientSession:
        self._sessions[poll] = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, limit_per_host=self._limits[poll], keepalive_timeout=KEEP_ALIVE_SECONDS
            ),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=CONNECT_SECONDS, sock_read=POLL_READ_SECONDS if poll else READ_SECONDS
            ),
            headers={"Accept-Encoding": "identity"},
            skip_auto_headers=("Accept",),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        return self._sessions[poll]


async def _read_body(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    length = response.content_length
    if length is not None and length <= max_bytes:
        return await response.read()
    pieces, size = [], length or 0
    async for piece in response.content.iter_any():
        pieces.append(piece)
        size = max(size, sum(map(len, pieces)))
        if size > max_bytes:
            break
    if size > max_bytes:
        raise aiohttp.ClientPayloadError(f"an answer of more than {max_bytes} bytes")
    return b"".join(pieces)


def _timeout_error(error: Exception, url: str) -> sdk.BotoCoreError:
    """A connection that does not come about is the proxy's, an answer that does not come the service's."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return ProxyMute(proxy="the proxy")
    return sdk.ReadTimeoutError(endpoint_url=url, error=error)


SDK_ERRORS: tuple[tuple[type[Exception], Callable[..., sdk.BotoCoreError]], ...] = (
    (aiohttp.ClientSSLError, sdk.SSLError),
    (aiohttp.ClientProxyConnectionError, sdk.ProxyConnectionError),
    (aiohttp.ClientHttpProxyError, sdk.ProxyConnectionError),
    (aiohttp.ServerTimeoutError, sdk.ReadTimeoutError),
    (aiohttp.ClientConnectorError, sdk.EndpointConnectionError),
    (Exception, sdk.ConnectionClosedError),
)


def _sdk_error(error: Exception, url: str) -> sdk.BotoCoreError:
    kind = next(sdk_kind for known, sdk_kind in SDK_ERRORS if isinstance(error, known))
    return kind(endpoint_url=url, proxy_url="the proxy", error=error)
