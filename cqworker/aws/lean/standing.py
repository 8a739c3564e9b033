"""Who this process is to AWS and where the services are, as one session of the SDK says."""

from __future__ import annotations

import asyncio
from typing import Any

from aiobotocore.session import AioSession
from botocore.exceptions import NoCredentialsError

from cqworker.aws.lean.address import Address, find_address
from cqworker.aws.lean.signing import Keys


class Standing:
    """The credentials and addresses of one session, each found when it is first needed."""

    def __init__(self, session: AioSession) -> None:
        self._session = session
        self._credentials: Any = None
        self._addresses: dict[str, Address] = {}
        self._finding = asyncio.Lock()

    async def address(self, service: str) -> Address:
        """Where the service is; raises what the SDK raises."""
        return self._addresses.get(service) or await self._find(service)

    async def keys(self) -> Keys:
        """The credentials as they are now: the SDK's own refresh them in time where somebody can be asked."""
        if self._credentials is None:
            async with self._finding:
                self._credentials = await self._session.get_credentials()
        if self._credentials is None:
            raise NoCredentialsError
        keys: Keys = await self._credentials.get_frozen_credentials()
        return keys

    async def _find(self, service: str) -> Address:
        async with self._finding:
            if service not in self._addresses:
                self._addresses[service] = await find_address(self._session, service)
            return self._addresses[service]
