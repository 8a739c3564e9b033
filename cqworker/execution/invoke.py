"""Where handlers run (loop, thread, process): calls one there and turns whatever it does into an outcome."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from cqworker.children.calls import ChildCall, begin_call
from cqworker.children.child_pool import ChildPool
from cqworker.errors import (
    OUT_OF_DESCRIPTORS,
    InvalidPayload,
    PayloadFault,
    ProcessDied,
    ProcessNotStarted,
    Unavailable,
    safe_text,
)
from cqworker.execution.handler_loop import HandlerLoop, RunningCall
from cqworker.execution.lifespans import LifespanFailed, Lifespans
from cqworker.execution.outcome import (
    AskedReject,
    AskedRetry,
    AskedSnooze,
    Died,
    Ended,
    Hindered,
    Interrupted,
    NeverStarted,
    Outcome,
    PayloadRefused,
    Raised,
    Returned,
)
from cqworker.execution.stops_and_timeouts import StopSignal
from cqworker.execution.thread_pool import HandlerThreads, ThreadNotStarted
from cqworker.model.redaction import redacted_end, redacted_excerpt, storable, truncate
from cqworker.plugins.final_errors import is_final_error
from cqworker.plugins.handler import Reject, Retry, Snooze, Stopping
from cqworker.plugins.job import Job, PlainJob
from cqworker.plugins.loaded_handlers import Handler
from cqworker.plugins.payload import is_light
from cqworker.plugins.process_call import ChildFailure, run_in_child
from cqworker.plugins.registry import Registry
from cqworker.ports import Artifacts

TRACEBACK_LIMIT = 1200
"""Characters of a traceback that the record keeps: its end, where the error is."""
LIFESPAN_RETRY = 30.0
"""Seconds before a job whose type could not open its lifespan is started again."""
START_RETRY = 10.0
"""Seconds before a job that there was no thread or process for is started again."""
MakeJob = Callable[[Any], Job]
TenantOf = Callable[[str], Awaitable[str | None]]
"""Whose job an id is; None where there is no such job (any more). Raises Unavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What all handlers of a worker run in and use.

    `sources` are the `s3://bucket/prefix` that jobs may read; `largest`, in bytes, is what they may write at once.
    `look_every`, in seconds, is how often the watchdog looks whether a handler is stuck; None: as often as it does.
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
    look_every: float | None = None


async def invoke_on_loop(
    lifespans: Lifespans, handler: Handler, payload: str, make_job: MakeJob, signal: StopSignal
) -> Ended | NeverStarted:
    """Calls an `async def` handler; runs on the handlers' loop."""
    state = None if handler.lifespan is None else await open_state(lifespans, handler)
    if isinstance(state, NeverStarted):
        return state
    try:
        result = await handler.call(handler.validate(payload), make_job(state))
        return Ended(_outcome_of_result(handler, result), signal.seen, signal.finished)
    except BaseException as error:  # noqa: BLE001 - SystemExit of a handler ends its job, not the worker
        return Ended(outcome_of(error), signal.seen)


def invoke_in_thread(
    runtime: Runtime, handler: Handler, payload: str, make_job: MakeJob, signal: StopSignal
) -> RunningCall:
    """Calls a `def` handler in a thread. Nothing can stop it from outside: it has `job.check()` to call."""

    def work(state: Any) -> Ended:
        try:
            result = handler.call(handler.validate(payload), make_job(state))
            seen = signal.seen  # before anything else: a thread that it leaves behind may still look
            return Ended(_outcome_of_result(handler, result), seen, signal.finished)
        except BaseException as error:  # noqa: BLE001 - SystemExit of a handler ends its job, not the worker
            return Ended(outcome_of(error), signal.seen)

    if handler.lifespan is None:
        return RunningCall(_start_thread(runtime, partial(work, None)), lambda: None)
    opening = runtime.loop.call(lambda: open_state(runtime.lifespans, handler))
    return RunningCall(asyncio.ensure_future(_await_state(runtime, opening, work)), opening.cancel)


async def _await_state(runtime: Runtime, opening: RunningCall, work: Callable[[Any], Ended]) -> Any:
    """A call that is cancelled while its lifespan opens never starts."""
    state = await opening.ended
    return state if isinstance(state, NeverStarted) else await _start_thread(runtime, partial(work, state))


def _start_thread(runtime: Runtime, work: Callable[[], Ended]) -> asyncio.Future[Any]:
    try:
        return runtime.threads.call(work)
    except ThreadNotStarted as error:
        ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        ended.set_result(NeverStarted(f"no thread for it: {redacted_excerpt(str(error), 60)}", START_RETRY))
        return ended


def invoke_in_process(runtime: Runtime, handler: Handler, payload: str, job: PlainJob) -> RunningCall:
    """Calls a handler in a process of its own; cancelling the call kills that process."""
    loop = asyncio.get_running_loop()
    try:
        if is_light(payload):
            handler.validate(payload)  # here, too: a mistake is reported with its place and costs no process
        made = begin_call(runtime.processes, run_in_child, handler.origin, payload, job)
    except Exception as error:  # noqa: BLE001 - validators and models are the plugin's
        ended: asyncio.Future[Any] = loop.create_future()
        ended.set_result(outcome_of(error))
        return RunningCall(ended, lambda: None)
    return RunningCall(loop.create_task(_await_process(made, job)), made.cancel, made.begun)


async def _await_process(made: ChildCall, job: PlainJob) -> Outcome | Interrupted:
    try:
        ended = await made.ended
        ended.replay(Job(job).log)
        return Returned(ended.unwrap())
    except ChildFailure as error:
        if error.stage == "payload":
            return PayloadRefused((PayloadFault("", redacted_excerpt(error.message)),))
        where = redacted_end(error.traceback, TRACEBACK_LIMIT)
        return Raised(error.error, redacted_excerpt(error.message), where, error.stage, error.final)
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - a kill, or what pickling may raise
        return outcome_of(error)


async def open_state(lifespans: Lifespans, handler: Handler) -> Any:
    """The value of the handler's lifespan, or NeverStarted where it cannot be entered: that is no fault of the job."""
    try:
        return await lifespans.state(handler)
    except LifespanFailed as error:
        cause = redacted_excerpt(str(error), 60)
        return NeverStarted(f"the lifespan of {handler.type} failed: {cause}", LIFESPAN_RETRY)


def outcome_of(error: BaseException) -> Outcome | Interrupted:
    """What an exception out of a handler means; a secret that it quotes is left out."""
    match error:
        case asyncio.CancelledError():
            return Interrupted()
        case Stopping():
            return Interrupted("Stopping")
        case BaseExceptionGroup() if error.split((asyncio.CancelledError, Stopping))[1] is None:
            return Interrupted("Stopping")  # out of a task group, one of whose tasks looked
        case Retry():
            return AskedRetry(redacted_excerpt(error.reason), error.after)
        case Snooze():
            return AskedSnooze(redacted_excerpt(error.reason), error.after)
        case Reject():
            return AskedReject(redacted_excerpt(error.reason))
        case InvalidPayload():
            return PayloadRefused(tuple(_redact_fault(fault) for fault in error.faults))
        case ProcessNotStarted():
            return NeverStarted(f"no process for it: {redacted_excerpt(str(error), 60)}", START_RETRY)
        case ProcessDied():
            return Died(redacted_excerpt(str(error)))
        case Unavailable():
            return Hindered(f"its handler met: {redacted_excerpt(error.cause)}", _raised_from(error))
        case OSError(errno=number) if number in OUT_OF_DESCRIPTORS:
            return Hindered("the worker has no file descriptor left", _raised_from(error))
        case _:
            return _raised_from(error)


def _outcome_of_result(handler: Handler, result: object) -> Outcome:
    try:
        return Returned(handler.encode(result))
    except Exception as error:  # noqa: BLE001 - what a result is made of is the plugin's code
        message, final = redacted_excerpt(safe_text(error)), is_final_error(error, "result")
        return Raised(type(error).__name__, message, stage="result", final=final)


def _redact_fault(fault: PayloadFault) -> PayloadFault:
    return replace(fault, message=redacted_excerpt(fault.message))


def _raised_from(error: BaseException) -> Raised:
    where = redacted_end(storable("".join(traceback.format_exception(error))), TRACEBACK_LIMIT)
    final = is_final_error(error, "handler")
    return Raised(truncate(type(error).__name__, 100), redacted_excerpt(safe_text(error)), where, final=final)
