"""What an operator did to a limit, in one word."""

from __future__ import annotations

from cqworker.events.fleet_events import LimitOrdered


def limit_act(event: LimitOrdered) -> str:
    """The word by which such acts are counted: paused, limited or lifted."""
    if event.concurrency == 0:
        return "paused"
    return "lifted" if event.concurrency is None and event.rate is None else "limited"
