"""Handlers that stories share, and a notebook that says when each started and ended."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from cqworker import Job, handler


@handler
async def quick(payload: dict[str, Any]) -> dict[str, Any]:
    return payload


@dataclass(frozen=True)
class Notebook:
    """What happened in handlers, as (virtual seconds, job id, attempt)."""

    starts: list[tuple[float, str, int]] = field(default_factory=list)
    ends: list[tuple[float, str, int]] = field(default_factory=list)
    stops: list[tuple[float, str, int]] = field(default_factory=list)

    async def work(self, job: Job, seconds: float) -> str:
        """Notes the start, works so long, notes how that ended."""
        self.starts.append(_entry(job))
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.stops.append(_entry(job))
            raise
        self.ends.append(_entry(job))
        return f"attempt {job.attempt}"

    def starts_of(self, job_id: str) -> list[float]:
        return [at for at, started, _ in self.starts if started == job_id]


def stubborn(notebook: Notebook, seconds: float, **options: Any) -> Any:
    """A handler that does not hear that it shall stop, as one in a thread."""

    @handler(timeout=3600, **options)
    async def work(payload: dict[str, Any], job: Job) -> str:
        work = asyncio.get_running_loop().create_task(notebook.work(job, seconds))
        while not work.done():
            try:
                await asyncio.shield(work)
            except asyncio.CancelledError:
                continue
        return job.finished(work.result())

    return work


def _entry(job: Job) -> tuple[float, str, int]:
    return asyncio.get_running_loop().time(), job.id, job.attempt


def worker_of(notebook: Notebook, seconds: float, **options: Any) -> Any:
    """A handler that works so many seconds and notes it."""

    @handler(timeout=options.pop("timeout", 3600), **options)
    async def work(payload: dict[str, Any], job: Job) -> str:
        return await notebook.work(job, payload.get("seconds", seconds))

    return work
