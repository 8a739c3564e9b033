"""An HTTP API for each test that asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.web.house import House, open_house


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """An API without tokens, on loopback."""
    async with open_house() as opened:
        yield opened
