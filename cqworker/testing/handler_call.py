"""One call of a handler that ends as in a worker: told to stop, given its grace, judged by what it saw and said."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import NoReturn

from cqworker.execution.handler_loop import RunningCall
from cqworker.execution.invoke import outcome_of
from cqworker.execution.outcome import Interrupted, StopReason
from cqworker.execution.stop_signal import StopSignal
from cqworker.execution.thread_pool import HandlerThreads
from cqworker.plugins.handler import Reject, Stopping
from cqworker.plugins.job import Job
from cqworker.plugins.registry import Handler
from cqworker.testing.same_loop import SameLoop


@dataclass(frozen=True, slots=True)
class CallResult:
    """What a handler gave back: its value or its error, the stop that it had seen by then, and its word."""

    result: object = None
    error: BaseException | None = None
    seen: StopReason | None = None
    word: bool = False

    @property
    def finished(self) -> bool:
        return self.error is None and (self.word or self.seen is None)


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Seconds: a handler's timeout, when a drain ends (None for no drain), and what it has after being told to stop."""

    timeout: float
    drain_after: float | None
    grace: float

    @property
    def until_stop(self) -> float:
        return self.timeout if self.drain_after is None else min(self.timeout, self.drain_after)

    @property
    def reason(self) -> StopReason:
        return StopReason.DRAIN if self.until_stop < self.timeout else StopReason.TIMEOUT


class HandlerCall:
    """Calls a handler on the loop or in a daemon thread, and stops it when its time is over."""

    def __init__(self, handler: Handler, signal: StopSignal, times: RunLimits) -> None:
        self._handler = handler
        self._signal = signal
        self._times = times

    async def of(self, model: object, job: Job) -> CallResult:
        """What the handler returned. Raises as run_handler() says."""
        times = self._times
        call = self._call(model, job)
        try:
            await asyncio.wait([call.ended], timeout=times.until_stop)
            if not call.ended.done():
                self._stop(call, times.reason)
                await asyncio.wait([call.ended], timeout=times.grace)
        except asyncio.CancelledError:
            self._stop(call, StopReason.CANCEL)
            if self._handler.executor == "loop":
                await asyncio.wait([call.ended], timeout=times.grace)
            raise
        if not call.ended.done():
            raise TimeoutError(f"{self._handler.type} was told to stop and did not end within {times.grace:g} s.")
        return self._judged(
            CallResult(error=asyncio.CancelledError()) if call.ended.cancelled() else call.ended.result()
        )

    def _call(self, model: object, job: Job) -> RunningCall:
        handler, signal = self._handler, self._signal

        async def on_the_loop() -> CallResult:
            try:
                return CallResult(await handler.call(model, job), None, signal.seen, signal.finished)
            except BaseException as error:  # noqa: BLE001 - told to whoever waits, as everything else
                return CallResult(None, error, signal.seen)

        def in_a_thread() -> CallResult:
            try:
                return CallResult(handler.call(model, job), None, signal.seen, signal.finished)
            except BaseException as error:  # noqa: BLE001 - told to whoever waits, as everything else
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

    def _judged(self, reply: CallResult) -> CallResult:
        """What came of a timeout is one, unless it is finished or rejected."""
        reason, error = self._signal.reason, reply.error
        if error is None and (reply.finished or reason is not StopReason.TIMEOUT):
            return reply
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
