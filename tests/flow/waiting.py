"""Waiting for a condition in real time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.patience import Patience


async def eventually(holds: Callable[[], object], patience: float = 5.0) -> None:
    """Returns once it holds; fails after `patience` seconds, scaled."""
    waiting = Patience(patience)
    while not holds():
        assert not waiting.is_over, f"waited {patience} s in vain"
        await asyncio.sleep(0.01)
