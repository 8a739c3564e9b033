"""One generation of clients: what is thrown away whole when its credentials turn out to be stale."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import cached_property
from typing import Any

import aioboto3
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.exceptions import EndpointProviderError
from botocore.loaders import Loader

from cqworker.aws.calls import watch_try
from cqworker.aws.lean.standing import Standing
from cqworker.aws.operations import ClientName

SESSION_VARIABLES = {
    "region": ("region", ["AWS_REGION", "AWS_DEFAULT_REGION"], None, None),
    "metadata_service_num_attempts": (
        "metadata_service_num_attempts",
        "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
        5,
        int,
    ),
    "metadata_service_timeout": ("metadata_service_timeout", "AWS_METADATA_SERVICE_TIMEOUT", 2, int),
}
"""Where this SDK's own defaults will not do: it knows no AWS_REGION, and asks EC2 for credentials once, for 1 s.

What the operator sets still wins: each names its profile entry, its variables, the default and the type.
"""


class Generation:
    """One session and the clients made from it; it closes when it was retired and its last call has ended."""

    def __init__(self, configs: Mapping[ClientName, AioConfig], loader: Loader) -> None:
        self._configs = configs
        self._loader = loader
        self._opened: dict[ClientName, Any] = {}
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._calls = 0
        self._retired = False

    async def client(self, name: ClientName) -> Any:
        """The client of this name, made if it is the first time; raises what the SDK raises."""
        return self._opened.get(name) or await self._open(name)

    @cached_property
    def standing(self) -> Standing:
        """What its session knows of credentials and addresses, for calls that go past the SDK."""
        return Standing(self._core)

    @property
    def busy(self) -> bool:
        """Calls are in flight."""
        return self._calls > 0

    def enter(self) -> None:
        """A call begins."""
        self._calls += 1

    async def leave(self) -> None:
        """A call has ended."""
        self._calls -= 1
        if self._retired and not self.busy:
            await self.close()

    def retire(self) -> None:
        """No call will enter any more."""
        self._retired = True

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
            client = await self._stack.enter_async_context(self._session.client(service, config=self._configs[name]))
        except ValueError as error:  # how the SDK says that AWS_ENDPOINT_URL is none
            raise EndpointProviderError(msg=str(error)) from None
        client.meta.events.register(f"needs-retry.{service}", watch_try)
        return client

    @cached_property
    def _session(self) -> aioboto3.Session:
        return aioboto3.Session(botocore_session=self._core)

    @cached_property
    def _core(self) -> AioSession:
        core = AioSession(session_vars=SESSION_VARIABLES)
        core.register_component("data_loader", self._loader)
        return core
