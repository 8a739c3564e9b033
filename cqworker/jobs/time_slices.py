"""Many small pieces of work on a loop that others need: they have their turn every few milliseconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

T = TypeVar("T")
SLICE = 0.005
"""Seconds after which the others on the loop have their turn: leases and health are among them."""


async def in_slices(items: Iterable[T]) -> AsyncIterator[T]:
    """The items in order; the loop is left to others whenever the work on them has taken SLICE."""
    clock = asyncio.get_running_loop().time
    until = clock() + SLICE
    for item in items:
        yield item
        if clock() > until:
            await asyncio.sleep(0)
            until = clock() + SLICE
