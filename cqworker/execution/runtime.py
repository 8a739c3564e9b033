"""Where handlers run, and what they may use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cqworker.children.child_pool import ChildPool
from cqworker.execution.handler_loop import HandlerLoop
from cqworker.execution.lifespans import Lifespans
from cqworker.execution.thread_pool import HandlerThreads
from cqworker.plugins.registry import Registry
from cqworker.ports import Artifacts

TenantOf = Callable[[str], Awaitable[str | None]]
"""Whose job an id is; None where there is no such job (any more). Raises Unavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What all handlers of a worker run in and use.

    `sources` are the `s3://bucket/prefix` that jobs may read; `largest`, in bytes, is what they may write at once.
    """

    registry: Registry
    artifacts: Artifacts
    tenant_of: TenantOf
    sources: tuple[str, ...]
    largest: int
    loop: HandlerLoop
    threads: HandlerThreads
    processes: ChildPool
    lifespans: Lifespans
