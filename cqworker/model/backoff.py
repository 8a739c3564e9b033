"""How long to wait before trying again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

UNIFORM: Callable[[], float] = random.random
"""Draws evenly from 0 up to 1: the jitter."""


def retry_delay(attempt: int, first: float, factor: float, cap: float, draw: Callable[[], float] = UNIFORM) -> float:
    """Seconds before the attempt after number `attempt` (from 1): exponential with full jitter.

    The pause is drawn evenly from 0 up to `first` s, `factor` times as much after each attempt, at most `cap` s.

    Full jitter spreads a herd best ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    """
    try:
        ceiling = first * factor ** (attempt - 1)
    except OverflowError:
        ceiling = cap
    return min(cap, ceiling) * draw()


def retry_pauses(first: float = 0.2, cap: float = 15.0, draw: Callable[[], float] = UNIFORM) -> Iterator[float]:
    """Seconds between tries of a service that is away: from `first` s, doubling up to `cap` s.

    Each is drawn between half and the whole ("equal jitter" of the same article): never is a service asked at once.
    """
    ceiling = first
    while True:
        yield ceiling * (0.5 + draw() / 2)
        ceiling = min(cap, ceiling * 2)
