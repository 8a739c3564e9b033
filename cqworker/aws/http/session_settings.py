"""The credentials and the endpoints that one session of the SDK is configured with."""

from __future__ import annotations

import asyncio

from aiobotocore.session import AioSession

from cqworker.aws.call_limits import MAX_TRIES
from cqworker.aws.credentials.credentials_cache import CredentialsCache
from cqworker.aws.credentials.provider_chain import FrozenCredentials
from cqworker.aws.http.endpoint import Endpoint, find_endpoint
from cqworker.aws.sdk.sdk_variables import max_tries_of


class SessionSettings:
    """What one session says about every call, each thing found when it is first needed."""

    def __init__(self, session: AioSession, credentials: CredentialsCache) -> None:
        self._session = session
        self._credentials = credentials
        self._endpoints: dict[str, Endpoint] = {}
        self._lock = asyncio.Lock()
        self.max_tries: int = MAX_TRIES
        """How often a call is tried in all."""

    async def endpoint(self, service: str) -> Endpoint:
        """Where the service is; raises what the SDK raises."""
        return self._endpoints.get(service) or await self._find_endpoint(service)

    async def credentials(self) -> FrozenCredentials:
        """The credentials as they are now; raises CredentialsError."""
        return await self._credentials.get_frozen_credentials()

    async def _find_endpoint(self, service: str) -> Endpoint:
        async with self._lock:
            if service not in self._endpoints:
                self.max_tries = max_tries_of(self._session)
                self._endpoints[service] = await find_endpoint(self._session, service)
            return self._endpoints[service]
