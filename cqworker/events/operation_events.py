"""What happens to operations on many jobs, as frozen records like those of cqworker.events."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class OperationAsked(Struct, frozen=True, kw_only=True):
    """Somebody asked for an act on many jobs: on what `filter` matches, or on as many as are named (`jobs`)."""

    operation: str
    act: str
    tenant: str
    by: str
    reason: str
    filter: Mapping[str, str]
    jobs: int
    rate: int


class OperationStopped(Struct, frozen=True, kw_only=True):
    """An operation stopped itself, `done` jobs after its beginning."""

    operation: str
    act: str
    by: str
    why: str
    done: int


OperationEvent = OperationAsked | OperationStopped
