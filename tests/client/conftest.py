"""Clients for tests: over HTTP and straight to the ports, before the same API on ports in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.client.shop import WAYS, Shop, open_shop


@pytest.fixture(params=WAYS)
async def shop(request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    async with open_shop(request.param) as opened:
        yield opened
