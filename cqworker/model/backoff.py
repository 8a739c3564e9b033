"""How long to wait before trying again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

UNIFORM: Callable[[], float] = random.random


def retry_delay(attempt: int, first: float, factor: float, cap: float, chance: Callable[[], float] = UNIFORM) -> float:
    """Seconds before the attempt after `attempt`: exponential with full jitter.

    Full jitter spreads a herd best ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    """
    try:
        ceiling = first * factor ** (attempt - 1)
    except OverflowError:
        ceiling = cap
    return min(cap, ceiling) * chance()


def retry_pauses(first: float = 0.2, cap: float = 15.0, chance: Callable[[], float] = UNIFORM) -> Iterator[float]:
    """Seconds between tries of a service that is away: doubling up to `cap`, each between half and the whole."""
    ceiling = first
    while True:
        yield ceiling * (0.5 + chance() / 2)
        ceiling = min(cap, ceiling * 2)
