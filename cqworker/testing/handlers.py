"""run_handler(): one run of a handler as the worker would run it, without a worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio.to_process
import orjson

from cqworker.model.record import Progress
from cqworker.plugins.artifacts import JobArtifacts
from cqworker.plugins.job import Job, PlainJob
from cqworker.plugins.process import run_in_child
from cqworker.plugins.registry import Handler, Registry, discover, registry_from
from cqworker.plugins.result import encoded
from cqworker.settings import HandlerSettings
from cqworker.testing.ports import MemoryArtifacts


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerRun:
    """What a run left behind: the result as a client reads it (parsed JSON), and what was reported on the way.

    `artifacts.objects` holds what was stored, by reference, beside what was there before. In the next run, given to it,
    jobs of the same tenant read what this one wrote.
    """

    result: Any
    progress: list[Progress] = field(default_factory=list)
    artifacts: MemoryArtifacts


async def run_handler(
    handler: Callable[..., Any] | str,
    payload: object,
    *,
    artifacts: MemoryArtifacts | None = None,
    sources: tuple[str, ...] = (),
    stopping: Callable[[], bool] = lambda: False,
    **job: Any,
) -> HandlerRun:
    """Runs a decorated function, or the installed handler of a job type, once on a payload.

    The payload (anything JSON can say, or a model) goes through JSON and the handler's model; the function runs on the
    loop, in a thread or in a process, inside its lifespan and its timeout; its result is encoded. `artifacts` may be
    filled beforehand; `sources` are the `s3://bucket/prefix` it may read. Further keywords are the job's: id, attempt,
    max_attempts, round, tenant, metadata, tags, deadline, traceparent.

    Raises what the handler raises (ChildFailure for an error in a process), InvalidPayload, TimeoutError, TypeError or
    ValueError for a result that is no JSON, and LookupError, saying why, where there is no such handler.
    """
    found = _find(handler)
    facts = PlainJob(**(_defaults(found) | job))
    store = artifacts or MemoryArtifacts()
    store.tenants[facts.id] = facts.tenant
    reported: list[Progress] = []
    model, text = found.validate(encoded(payload)), encoded(payload)
    async with asyncio.timeout(found.timeout):
        if found.executor == "process":
            outcome = await anyio.to_process.run_sync(run_in_child, found.origin, text, facts, cancellable=True)
            outcome.replay(Job(facts).log)
            return HandlerRun(result=orjson.loads(outcome.unwrap()), artifacts=store)
        async with _lifespan(found) as state:
            loop = asyncio.get_running_loop()
            lent = JobArtifacts(store, facts, sources=sources, tenant_of=store.tenant_of, loop=loop)
            attempt = Job(facts, artifacts=lent, state=state, report=_recorder(reported), stopping=stopping)
            result = await _called(found, model, attempt)
    return HandlerRun(result=orjson.loads(found.encode(result)), progress=reported, artifacts=store)


async def _called(handler: Handler, model: object, job: Job) -> object:
    if handler.executor == "loop":
        return await handler.call(model, job)
    return await asyncio.to_thread(handler.call, model, job)


@asynccontextmanager
async def _lifespan(handler: Handler) -> AsyncIterator[Any]:
    if handler.lifespan is None:
        yield None
        return
    async with handler.lifespan() as state:
        yield state


def _recorder(reported: list[Progress]) -> Callable[[float, float | None, str | None], None]:
    def report(done: float, total: float | None, note: str | None) -> None:
        reported.append(Progress(done, total, note, int(datetime.now(UTC).timestamp() * 1000)))

    return report


def _defaults(handler: Handler) -> dict[str, Any]:
    return {
        "id": "test-job",
        "type": handler.type,
        "attempt": 1,
        "max_attempts": handler.max_attempts,
        "deadline": datetime.now(UTC) + timedelta(seconds=handler.timeout),
    }


def _find(handler: Callable[..., Any] | str) -> Handler:
    if isinstance(handler, str):
        return _usable(handler, discover(HandlerSettings(enabled=(handler,))))
    name = getattr(handler, "__name__", "handler")
    return _usable(name, registry_from({name: handler}))


def _usable(name: str, registry: Registry) -> Handler:
    found = registry.get(name)
    if found is None:
        reasons = [f"{broken.cause} {broken.remedy}" for broken in registry.broken]
        raise LookupError(f"No handler for {name}. {' '.join(reasons)}".strip())
    return found
