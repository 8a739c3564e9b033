"""A front desk for each test that asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.web.house import House, open_house


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """A desk without tokens, on loopback."""
    async with open_house() as opened:
        yield opened
