"""The SDK's clients: made when first needed, shared, closed in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.exceptions import EndpointProviderError

from cqworker.aws.calls import watch_try
from cqworker.aws.operations import ClientName

try:
    import aioboto3
except ImportError:  # the extra cqworker[aioboto3]
    aioboto3 = None


Maker = Callable[..., AbstractAsyncContextManager[Any]]


def _maker_of(session: AioSession) -> Maker:
    """What makes clients: aioboto3 where it is installed, for what it adds, once for a session, to theirs."""
    return aioboto3.Session(botocore_session=session).client if aioboto3 else session.create_client


class SdkClients:
    """The clients of one session, each with the config of its name."""

    def __init__(self, session: AioSession, configs: Mapping[ClientName, AioConfig]) -> None:
        self._session = session
        self._maker: Maker | None = None
        self._configs = configs
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

    async def _make(self, name: ClientName) -> Any:
        service = name.partition("_")[0]
        try:
            self._maker = self._maker or _maker_of(self._session)
            client = await self._stack.enter_async_context(self._maker(service, config=self._configs[name]))
        except ValueError as error:  # how the SDK says that AWS_ENDPOINT_URL is none
            raise EndpointProviderError(msg=str(error)) from None
        client.meta.events.register(f"needs-retry.{service}", watch_try)
        return client
