"""run_handler(): one run of a handler as the worker would run it, without a worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Unpack

import orjson

from cqworker.children.calls import call
from cqworker.children.child_pool import ChildPool, open_child_pool
from cqworker.execution.executor import GRACE
from cqworker.execution.outcome import StopReason
from cqworker.execution.stops_and_timeouts import StopSignal
from cqworker.field_docs import document_fields
from cqworker.model.record import Progress
from cqworker.model.timestamps import seconds_of
from cqworker.plugins.entry_points import installed_offers
from cqworker.plugins.handler import Stopping
from cqworker.plugins.job import Job, PlainJob
from cqworker.plugins.job_artifacts import JobArtifacts
from cqworker.plugins.job_child import JobChild
from cqworker.plugins.loaded_handlers import Handler
from cqworker.plugins.process_call import run_in_child
from cqworker.plugins.registry import Registry, discover, registry_from
from cqworker.plugins.result import encode_result
from cqworker.settings import HandlerSettings
from cqworker.suggestions.call_errors import explain_misuse
from cqworker.suggestions.handler_terms import RUN
from cqworker.testing.handler_call import CallResult, HandlerCall, RunLimits
from cqworker.testing.job_facts import JobFacts, facts_of
from cqworker.testing.memory_ports import MemoryArtifacts

UNSET: object = object()
"""The default of `state`: nothing was given, not even None."""


@document_fields(
    result="What the handler returned, as a client reads it: parsed JSON.",
    progress="What it reported on the way, in order.",
    artifacts="What was stored: `artifacts.objects` by reference, beside what was there before.",
    finished="False where a worker would not take the result for one.",
)
@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerRun:
    """What a run left behind: the result as a client reads it (parsed JSON), and what was reported on the way.

    `finished` is False where a worker would not take the result for one: the handler returned after it saw its stop,
    and without job.finished(). `artifacts.objects` holds what was stored, by reference, beside what was there before.
    In the next run, given to it, jobs of the same tenant read what this one wrote.
    """

    result: Any
    progress: list[Progress] = field(default_factory=list)
    artifacts: MemoryArtifacts
    finished: bool = True


@explain_misuse(RUN)
async def run_handler(  # noqa: PLR0913 - what a test may say, by name
    handler: Callable[..., Any] | str,
    payload: object,
    *,
    state: object = UNSET,
    timeout: float | timedelta | None = None,
    artifacts: MemoryArtifacts | None = None,
    sources: tuple[str, ...] = (),
    stopping: Callable[[], bool] = lambda: False,
    drain_after: float | timedelta | None = None,
    grace: float | timedelta = GRACE,
    **job: Unpack[JobFacts],
) -> HandlerRun:
    """Runs a decorated function, or the installed handler of a job type, once on a payload.

    The payload (anything JSON can say, or a model) goes through JSON and the handler's model; the function runs on the
    loop, in a thread or in a process, inside its lifespan and its timeout; its result is encoded. `state` takes the
    place of what the lifespan gives, which then is not entered, `timeout` that of the handler's own. `artifacts` may
    be filled beforehand; `sources` are the `s3://bucket/prefix` it may read. Further keywords (JobFacts) are the job's:
    id, type, attempt, max_attempts, round, tenant, metadata, tags, deadline, traceparent, memory, priority,
    limit_key.

    A stop is what it is in a worker. `stopping` is what `job.stopping` says until then, as in the first part of a
    drain. Its timeout, or the end of a drain after `drain_after` seconds, tells the handler: `job.stopping` is True, a
    coroutine is cancelled, a process killed, and `grace` seconds later the run is over whether it has ended or not.

    Raises what the handler raises, as Retry, Snooze and Reject with their `reason` and `after` in seconds (ChildFailure
    for an error in a process; Stopping where a drain made it give up),
    InvalidPayload, TypeError or ValueError for a result that is no JSON, LookupError where there is no such handler,
    and TimeoutError for what a worker would settle as `timeout` or abandon; a thread then goes on by itself, a daemon.
    """
    found, text = _override(_find(handler), state, timeout), encode_result(payload)
    if "limit_key" not in job and (limit_key := found.limit_key_of(text)) is not None:
        job["limit_key"] = limit_key
    facts, store = facts_of(found, job), artifacts or MemoryArtifacts()
    store.tenants[facts.id] = facts.tenant
    limits = RunLimits(found.timeout, None if drain_after is None else seconds_of(drain_after), seconds_of(grace))
    lent = partial(JobArtifacts, store, facts, sources=sources, tenant_of=store.tenant_of)
    return await _run(found, text, facts, store, lent, StopSignal(stopping), limits)


def _override(handler: Handler, state: object, timeout: float | timedelta | None) -> Handler:
    """The handler with what the test puts in place of its own."""
    if timeout is not None:
        handler = replace(handler, timeout=float(seconds_of(timeout)))
    return handler if state is UNSET else replace(handler, lifespan=lambda: nullcontext(state))


async def _run(  # noqa: PLR0913 - what a test may say, once read
    found: Handler,
    text: str,
    facts: PlainJob,
    store: MemoryArtifacts,
    lent: Callable[..., JobArtifacts],
    signal: StopSignal,
    limits: RunLimits,
) -> HandlerRun:
    model, reported = found.validate(text), list[Progress]()
    if found.executor == "process":
        return HandlerRun(result=orjson.loads(await _in_process(found, text, facts, limits)), artifacts=store)
    async with open_child_pool(1) as own:
        make_job = partial(_job, facts, lent, reported, signal, own)
        given = await _run_in_lifespan(found, model, HandlerCall(found, signal, limits), make_job)
    result = orjson.loads(found.encode(given.result))
    return HandlerRun(result=result, progress=reported, artifacts=store, finished=given.finished)


async def _run_in_lifespan(
    handler: Handler, model: object, call_of_handler: HandlerCall, make_job: Callable[[Any], Job]
) -> CallResult:
    async with AsyncExitStack() as stack:
        async with asyncio.timeout(handler.timeout):
            state = await stack.enter_async_context(_lifespan(handler))
        return await call_of_handler.run(model, make_job(state))


def _job(
    job: PlainJob,
    lent: Callable[..., JobArtifacts],
    reported: list[Progress],
    signal: StopSignal,
    children: ChildPool,
    state: Any,
) -> Job:
    return Job(
        job,
        artifacts=lent(loop=asyncio.get_running_loop()),
        state=state,
        report=_recorder(reported),
        stopping=signal.look,
        finished=signal.finish,
        process=JobChild(children),
    )


async def _in_process(handler: Handler, payload: str, job: PlainJob, limits: RunLimits) -> str:
    """The result's JSON text; the process is killed when it shall stop."""
    try:
        async with asyncio.timeout(limits.until_stop):
            async with open_child_pool(1) as children:
                outcome = await call(children, run_in_child, handler.origin, payload, job)
    except TimeoutError:
        if limits.reason is StopReason.DRAIN:
            raise Stopping(StopReason.DRAIN) from None
        raise
    outcome.replay(Job(job).log)
    return outcome.unwrap()


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


def _find(handler: Callable[..., Any] | str) -> Handler:
    if isinstance(handler, str):
        offered = {claim.type for claim in installed_offers()}
        if handler not in offered:
            known = ", ".join(sorted(offered)) or "nothing"
            raise LookupError(
                f"No installed distribution offers {handler}; there is {known}. Give the function itself."
            )
        return _usable(handler, discover(HandlerSettings(enabled=(handler,))))
    name = getattr(handler, "__name__", "handler")
    return _usable(name, registry_from({name: handler}))


def _usable(name: str, registry: Registry) -> Handler:
    found = registry.get(name)
    if found is None:
        reasons = [f"{broken.cause} {broken.remedy}" for broken in registry.broken]
        raise LookupError(f"No handler for {name}. {' '.join(reasons)}".strip())
    return found
