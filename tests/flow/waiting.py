"""Waiting for a condition in real time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


async def eventually(holds: Callable[[], object], patience: float = 5.0) -> None:
    """Returns once it holds; fails after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline, f"waited {patience} s in vain"
        await asyncio.sleep(0.01)
