"""A type that no handler here serves: its job is handed back and hidden for 24 h, ever longer, and then FAILED."""

from __future__ import annotations

from collections.abc import Callable

from cqworker.model.record import Failure
from cqworker.model.status import FailureKind

PATIENCE_MS = 86_400_000
"""24 h (in ms) in which a worker that knows the type may be deployed, or a service that a handler needs come back."""
SHORTEST = 5.0
"""Seconds for which such a job is hidden at first, before chance halves them at most."""


def seconds_to_hide(waited_ms: int, longest: float, chance: Callable[[], float]) -> float | None:
    """For how long a job is hidden that has waited for so many ms: as long again, within SHORTEST and `longest` (s).

    `chance` (0 to 1) takes up to half of it away, so that many do not come at once. None once its 24 h are over.
    """
    if waited_ms >= PATIENCE_MS:
        return None
    return min(longest, max(SHORTEST, waited_ms / 1000)) * (0.5 + chance() / 2)


def seconds_while_served(longest: float, chance: Callable[[], float]) -> float:
    """For how long (s) a job is hidden whose 24 h are over while some live worker serves its type: `longest` at most.

    `chance` (0 to 1) takes up to half of it away. It waits for that worker to have room, and not for a deploy.
    """
    return longest * (0.5 + chance() / 2)


def unknown_type_failure(job_type: str) -> Failure:
    """What the record says once no worker came that knows the type."""
    return Failure(FailureKind.UNKNOWN_TYPE, f"No worker knew the type {job_type!r} within 24 hours.")
