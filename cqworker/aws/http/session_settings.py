"""Who this process is to AWS and where the services are, as one session of the SDK says."""

from __future__ import annotations

import asyncio

from aiobotocore.session import AioSession

from cqworker.aws.call_limits import TRIES
from cqworker.aws.credentials.credentials_cache import Keyring
from cqworker.aws.credentials.provider_chain import Keys
from cqworker.aws.http.endpoint import Address, find_address
from cqworker.aws.sdk.sdk_variables import tries_of


class Standing:
    """The keys, and the addresses of one session, each found when it is first needed."""

    def __init__(self, session: AioSession, keyring: Keyring) -> None:
        self._session = session
        self._keyring = keyring
        self._addresses: dict[str, Address] = {}
        self._finding = asyncio.Lock()
        self.tries: int = TRIES
        """How often a call is tried in all."""

    async def address(self, service: str) -> Address:
        """Where the service is; raises what the SDK raises."""
        return self._addresses.get(service) or await self._find(service)

    async def keys(self) -> Keys:
        """The credentials as they are now; raises CredentialsError."""
        return await self._keyring.get_frozen_credentials()

    async def _find(self, service: str) -> Address:
        async with self._finding:
            if service not in self._addresses:
                self.tries = tries_of(self._session)
                self._addresses[service] = await find_address(self._session, service)
            return self._addresses[service]
