"""Where handlers run and what they are lent."""

from __future__ import annotations

from dataclasses import dataclass

from cqworker.children.child_pool import Children
from cqworker.execution.handler_loop import HandlersLoop
from cqworker.execution.lifespans import Lifespans
from cqworker.execution.thread_pool import HandlerThreads
from cqworker.plugins.registry import Registry
from cqworker.ports import Artifacts, JobStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """The grounds of all handlers of a worker.

    `sources` are the `s3://bucket/prefix` that jobs may read; `largest`, in bytes, is what they may write at once.
    """

    registry: Registry
    artifacts: Artifacts
    store: JobStore
    sources: tuple[str, ...]
    largest: int
    loop: HandlersLoop
    threads: HandlerThreads
    processes: Children
    lifespans: Lifespans

    async def tenant_of(self, job_id: str) -> str | None:
        """Whose job this is; None where nobody knows it (any more). Raises Unavailable."""
        record = await self.store.get(job_id)
        return record.tenant if record else None
