"""One run of one handler: when it must stop, and what it counts as when it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from cqworker.events import AbandonedHandlerEnded, Emit, HandlerAbandoned, Subject
from cqworker.flow.deadlines import Deadlines
from cqworker.flow.handlers_loop import Call
from cqworker.flow.outcomes import AskedRetry, Died, Interrupted, Outcome, Raised, Stopped, StopReason
from cqworker.flow.perform import told


class Run:
    """Follows a handler's call; `outcome` is known when it ended, or `grace` seconds after it was told to stop."""

    def __init__(
        self, job: Subject, emit: Emit, grace: float, is_draining: Callable[[], bool], deadlines: Deadlines
    ) -> None:
        self.job = job
        self._emit = emit
        self._grace = grace
        self._is_draining = is_draining
        self._deadlines = deadlines
        self.loop = asyncio.get_running_loop()
        self.outcome: asyncio.Future[Outcome] = self.loop.create_future()
        self._reason: StopReason | None = None
        self._call: Call | None = None
        self._saw_drain = False
        self._timeout = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def ended(self) -> asyncio.Future[Any]:
        assert self._call is not None  # begin() came first
        return self._call.ended

    @property
    def stopping(self) -> bool:
        """What a handler sees as `job.stopping`: it was told to stop, or the worker is about to."""
        self._saw_drain = self._saw_drain or self._is_draining()
        return self._reason is not None or self._saw_drain

    def begin(self, call: Call, timeout: float) -> None:
        self._call = call
        self._timeout = timeout
        self._deadlines.set(timeout, self._time_is_over)
        call.ended.add_done_callback(self._ended)

    def stop(self, reason: StopReason) -> None:
        """Tells the handler to stop. The first reason counts, but a lost lease overrides every other."""
        if self.outcome.done():
            return
        if self._reason is not None:
            if reason is StopReason.LOST:
                self._begin_grace(reason)
            return
        self._clear_timers()
        if reason is StopReason.SILENCE:
            self._reason = reason  # the job may still be ours: it is followed until it ends, or is lost
        else:
            self._begin_grace(reason)
        assert self._call is not None
        self._call.cancel()

    def _begin_grace(self, reason: StopReason) -> None:
        self._reason = reason
        if self._timer is None:
            self._timer = self.loop.call_later(self._grace, self._abandon)

    def _ended(self, ended: asyncio.Future[Any]) -> None:
        self._clear_timers()
        if self.outcome.done():
            self._emit(AbandonedHandlerEnded(job=self.job))
        else:
            self.outcome.set_result(self._judge(ended))

    def _judge(self, ended: asyncio.Future[Any]) -> Outcome:
        """An ending that came first stands; what came of being told to stop counts as what it was told for."""
        outcome = _outcome_of(ended)
        reason = self._reason or (StopReason.DRAIN if self._saw_drain else None)
        match outcome:
            case _ if reason is StopReason.LOST:
                return Stopped(reason)
            case Interrupted() | Raised() | Died() if reason is not None:
                return Stopped(reason)
            case AskedRetry() if reason is StopReason.DRAIN:
                return Stopped(reason)  # a handler in a thread has no other way to say that it gave up
            case Interrupted() | Died() if self._is_draining():
                return Stopped(StopReason.DRAIN)  # what ends a worker may end its processes, too
            case Interrupted():
                return Raised("CancelledError", "The handler cancelled itself.")
            case _:
                return outcome

    def _abandon(self) -> None:
        if self.outcome.done() or self._reason is None:
            return
        self._emit(HandlerAbandoned(job=self.job, reason=self._reason))
        self.outcome.set_result(Stopped(self._reason, abandoned=True))

    def _time_is_over(self) -> None:
        self.stop(StopReason.TIMEOUT)

    def _clear_timers(self) -> None:
        self._deadlines.clear(self._timeout, self._time_is_over)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _outcome_of(ended: asyncio.Future[Any]) -> Outcome | Interrupted:
    if ended.cancelled():
        return Interrupted()
    if (error := ended.exception()) is not None:
        return Raised(type(error).__name__, told(str(error)), stage="worker")
    outcome: Outcome | Interrupted = ended.result()
    return outcome
