"""One call of a handler that ends as in a worker: asked to stop, given its grace, judged by how it ended."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import NoReturn

from cqworker.execution.handler_loop import RunningCall
from cqworker.execution.invoke import outcome_of
from cqworker.execution.outcome import Interrupted, StopReason
from cqworker.execution.stops_and_timeouts import StopSignal
from cqworker.execution.thread_pool import HandlerThreads
from cqworker.plugins.handler import Reject, Stopping
from cqworker.plugins.job import Job
from cqworker.plugins.loaded_handlers import Handler
from cqworker.testing.same_loop import SameLoop


@dataclass(frozen=True, slots=True)
class CallResult:
    """What a handler gave back: its value or its error, and the stop that it had seen by then.

    `is_whole` says that it called job.finished().
    """

    result: object = None
    error: BaseException | None = None
    seen: StopReason | None = None
    is_whole: bool = False

    @property
    def finished(self) -> bool:
        """Whether a worker would take the value for the job's result."""
        return self.error is None and (self.is_whole or self.seen is None)


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Seconds: a handler's timeout, when a drain ends (None for no drain), and the grace after it is asked to stop."""

    timeout: float
    drain_after: float | None
    grace: float

    @property
    def until_stop(self) -> float:
        """Seconds until the handler is asked to stop."""
        return self.timeout if self.drain_after is None else min(self.timeout, self.drain_after)

    @property
    def reason(self) -> StopReason:
        """Why it is asked to stop then."""
        return StopReason.DRAIN if self.until_stop < self.timeout else StopReason.TIMEOUT


class HandlerCall:
    """Calls a handler on the loop or in a daemon thread, and stops it when its time is over."""

    def __init__(self, handler: Handler, signal: StopSignal, limits: RunLimits) -> None:
        self._handler = handler
        self._signal = signal
        self._limits = limits

    async def run(self, model: object, job: Job) -> CallResult:
        """Runs the handler and returns what it gave back. Raises what run_handler() says."""
        limits = self._limits
        call = self._start(model, job)
        try:
            await asyncio.wait([call.ended], timeout=limits.until_stop)
            if not call.ended.done():
                self._stop(call, limits.reason)
                await asyncio.wait([call.ended], timeout=limits.grace)
        except asyncio.CancelledError:
            self._stop(call, StopReason.CANCEL)
            if self._handler.executor == "loop":
                await asyncio.wait([call.ended], timeout=limits.grace)
            raise
        if not call.ended.done():
            raise TimeoutError(f"{self._handler.type} was told to stop and did not end within {limits.grace:g} s.")
        return self._judge(
            CallResult(error=asyncio.CancelledError()) if call.ended.cancelled() else call.ended.result()
        )

    def _start(self, model: object, job: Job) -> RunningCall:
        handler, signal = self._handler, self._signal

        async def on_the_loop() -> CallResult:
            try:
                return CallResult(await handler.call(model, job), None, signal.seen, signal.finished)
            except BaseException as error:  # noqa: BLE001 - given to whoever waits, as everything else
                return CallResult(None, error, signal.seen)

        def in_a_thread() -> CallResult:
            try:
                return CallResult(handler.call(model, job), None, signal.seen, signal.finished)
            except BaseException as error:  # noqa: BLE001 - given to whoever waits, as everything else
                return CallResult(None, error, signal.seen)

        if handler.executor == "loop":
            return SameLoop().call(on_the_loop, signal.note_thrown)
        threads = HandlerThreads()
        call = RunningCall(threads.call(in_a_thread), lambda: None)
        threads.close()
        return call

    def _stop(self, call: RunningCall, reason: StopReason) -> None:
        if self._signal.reason is None:
            self._signal.reason = reason
            call.cancel()

    def _judge(self, result: CallResult) -> CallResult:
        """What came of a timeout is one, unless it is finished or rejected."""
        reason, error = self._signal.reason, result.error
        if error is None and (result.finished or reason is not StopReason.TIMEOUT):
            return result
        if reason is StopReason.TIMEOUT and not isinstance(error, Reject):
            self._time_out(error)
        if reason is not None and error is not None and isinstance(outcome_of(error), Interrupted):
            raise Stopping(reason) from error
        assert error is not None
        raise error

    def _time_out(self, error: BaseException | None) -> NoReturn:
        how = "returned after it saw the stop, without job.finished()" if error is None else "gave up or failed"
        raise TimeoutError(
            f"{self._handler.type} did not end within its timeout of {self._handler.timeout:g} s: it {how}."
        ) from error
