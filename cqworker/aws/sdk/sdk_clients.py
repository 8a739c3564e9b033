"""The SDK's clients: made when first needed, shared, closed in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.exceptions import EndpointProviderError

from cqworker.aws.aws_call import watch_try
from cqworker.aws.call_limits import POLL_READ_SECONDS, POOL_SIZE, READ_SECONDS, SDK_CONNECT_SECONDS
from cqworker.aws.error_translation import Garbled
from cqworker.aws.operations import ClientName
from cqworker.aws.proxy_settings import proxy_for
from cqworker.aws.sdk.sdk_variables import USER_AGENT, max_tries_of, user_agent_of
from cqworker.aws.tls_context import SdkHttpSession

try:
    import aioboto3
except ImportError:  # the extra cqworker[aioboto3]
    aioboto3 = None


ClientFactory = Callable[..., AbstractAsyncContextManager[Any]]


def _client_factory(session: AioSession) -> ClientFactory:
    """What makes clients: aioboto3 where it is installed, for what it adds, once for a session, to theirs."""
    return aioboto3.Session(botocore_session=session).client if aioboto3 else session.create_client


def demand_json(response_dict: Mapping[str, Any], **_: object) -> None:
    """The SDK's hook before it reads an answer: of a page that is no JSON it would make a success that says nothing."""
    body = response_dict.get("body")
    if response_dict["status_code"] < 300 and isinstance(body, bytes) and body.strip() and body.lstrip()[:1] != b"{":
        raise Garbled(reason="it is no JSON object")


class SdkClients:
    """The clients of one session; `pollers` is how many receives may wait at once."""

    def __init__(self, session: AioSession, pollers: int) -> None:
        self._session = session
        self._maker: ClientFactory | None = None
        self._pollers = pollers
        self._opened: dict[ClientName, Any] = {}
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()

    async def client(self, name: ClientName) -> Any:
        """The client of this name, made if it is the first time; raises what the SDK raises."""
        return self._opened.get(name) or await self._open(name)

    async def close(self) -> None:
        """Closes the clients, the last made first."""
        self._opened.clear()
        await self._stack.aclose()

    async def _open(self, name: ClientName) -> Any:
        async with self._opening:
            if name not in self._opened:
                self._opened[name] = await self._make(name)
            return self._opened[name]

    def _config(self, name: ClientName) -> AioConfig:
        """Retries and timeouts are set because the SDK's own differ by version.

        A hot client validates nothing and says who it is in a fixed string: that is a quarter of a call's CPU time.
        """
        polls = name == "sqs_poll"
        hot = {"parameter_validation": False, "user_agent": user_agent_of(self._session)}
        return AioConfig(
            http_session_cls=SdkHttpSession,
            connect_timeout=SDK_CONNECT_SECONDS,
            read_timeout=POLL_READ_SECONDS if polls else READ_SECONDS,
            max_pool_connections=self._pollers + 2 if polls else POOL_SIZE,
            retries={"mode": "standard", "total_max_attempts": max_tries_of(self._session)},
            **({"user_agent_extra": USER_AGENT} if name == "s3" else hot),
        )

    async def _make(self, name: ClientName) -> Any:
        service = name.partition("_")[0]
        try:
            self._maker = self._maker or _client_factory(self._session)
            client = await self._stack.enter_async_context(self._maker(service, config=self._config(name)))
            proxy_for(client.meta.endpoint_url)
        except ValueError as error:  # how the SDK says that AWS_ENDPOINT_URL is none
            raise EndpointProviderError(msg=str(error)) from None
        client.meta.events.register(f"needs-retry.{service}", watch_try)
        if service != "s3":
            client.meta.events.register(f"before-parse.{service}", demand_json)
        return client
