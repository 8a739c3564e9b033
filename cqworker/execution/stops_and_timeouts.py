"""Stops a handler: at its timeout, by a cancel, in a drain, or when its lease is lost; abandons one that goes on.

A coroutine meets CancelledError, a process is killed, and a thread only sees `job.stopping`: nothing can end it. When
its grace is over, a handler that has not ended is abandoned: it keeps its slot, and its outcome does not wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import takewhile
from typing import Any

from msgspec import Struct

from cqworker.events import AbandonedHandlerEnded, Emit, HandlerAbandoned, JobRef
from cqworker.events.stop_events import EndingDiscarded
from cqworker.execution.handler_loop import RunningCall
from cqworker.execution.outcome import Ended, Interrupted, Outcome, Raised, Returned, Stopped, StopReason
from cqworker.execution.stop_outcomes import judge, note_of, stopped_by
from cqworker.model.redaction import redacted_excerpt

Act = Callable[[], None]


class StopSignal(Struct, eq=False):
    """Set on the main loop, looked at where the handler runs.

    `seen` is written where the handler runs and read there at its end, so that no later look can change what the end
    counts as. Whatever was seen had been set before: the end of a handler that saw it cannot overtake it.
    """

    is_draining: Callable[[], bool]
    reason: StopReason | None = None
    seen: StopReason | None = None
    finished: bool = False

    def look(self) -> StopReason | None:
        """Why the handler should stop: it was told to, or the worker is about to; None while it need not."""
        reason = self.reason or (StopReason.DRAIN if self.is_draining() else None)
        if reason is not None and self.seen is None:
            self.seen = reason
        return reason

    def note_thrown(self) -> None:
        """Called where the coroutine runs: CancelledError is on its way into it, and nothing stops that any more."""
        if self.seen is None:
            self.seen = self.reason

    def finish(self) -> None:
        """The handler says that what it returns is the whole result."""
        self.finished = True


class HandlerRun:
    """Follows a handler's call; `outcome` is known when it ended, or `grace` seconds after it was told to stop.

    One that was cancelled and does not stop is followed on, its lease kept: in the next round two handlers would meet.
    """

    def __init__(
        self, job: JobRef, emit: Emit, grace: float, is_draining: Callable[[], bool], timeouts: Timeouts
    ) -> None:
        self.job = job
        self.signal: StopSignal = StopSignal(is_draining)
        self.abandoned: bool = False
        self._emit = emit
        self._grace = grace
        self._is_draining = is_draining
        self._timeouts = timeouts
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self.outcome: asyncio.Future[Outcome] = self.loop.create_future()
        self.ended: asyncio.Future[Any]
        self._call: RunningCall | None = None
        self._timeout = 0.0
        self._timed_out_at: float | None = None
        self._overdue: StopReason | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, call: RunningCall, timeout: float) -> None:
        """Follows this call from now on; its handler has `timeout` seconds from when it began."""
        self._call = call
        self.ended = call.ended
        self._timeout = timeout
        if call.begun is None:
            self._timeouts.set(timeout, self._time_out)
        else:
            call.begun.add_done_callback(lambda _: self._start_timeout())
        call.ended.add_done_callback(self._finish)

    def _start_timeout(self) -> None:
        """Waiting for something of ours, a process that starts, was not its time."""
        if self._overdue is None and not self.ended.done():
            self._timeouts.set(self._timeout, self._time_out)

    def stop(self, reason: StopReason) -> None:
        """Tells the handler to stop. The first reason counts, but a refused lease overrides every other.

        Silence begins no grace: what it stops may still finish, and be written if nobody else has the job. Its own
        timeout, a drain's last moment and a refusal do.
        """
        if self.outcome.done():
            return
        signal = self.signal
        first = signal.reason is None
        if first or reason is StopReason.LOST:
            signal.reason = reason
        if self.abandoned and reason in (StopReason.LOST, StopReason.DRAIN):
            self.stop_following()
        elif self._overdue is None and reason is not StopReason.SILENCE:
            self._overdue = reason
            self._timeouts.clear(self._timeout, self._time_out)
            self._timer = self.loop.call_later(self._grace, self._abandon)
        if first:
            assert self._call is not None
            self._call.cancel()

    def stop_following(self) -> None:
        """Follows an abandoned handler no longer: its outcome is known now."""
        if self.abandoned and not self.outcome.done():
            lost = self.signal.reason is StopReason.LOST
            self.outcome.set_result(Stopped(StopReason.LOST if lost else self._grace_reason, abandoned=True))

    def _finish(self, ended: asyncio.Future[Any]) -> None:
        self._timeouts.clear(self._timeout, self._time_out)
        if self._timer is not None:
            self._timer.cancel()
        end = _end_of(ended)
        if self.abandoned:
            self._emit(AbandonedHandlerEnded(job=self.job))
        if self.signal.reason is StopReason.LOST or (self.abandoned and self.outcome.done()):
            self._discard(end)
        if not self.outcome.done():
            self.outcome.set_result(self._judge(end))

    def _judge(self, end: Ended | Outcome | Interrupted) -> Outcome:
        """The order of events on the main loop decides: the stops before this end, and nothing else."""
        if self.abandoned:
            return stopped_by(_outcome_in(end), self._grace_reason)
        reason = self.signal.reason
        if reason is None and type(end) is Ended and end.seen is None and type(end.outcome) is Returned:
            return end.outcome  # nearly every run: no stop came before
        late = 0.0 if self._timed_out_at is None else self.loop.time() - self._timed_out_at
        return judge(end, reason, draining=self._is_draining(), late=late)

    def _abandon(self) -> None:
        """A worker that stays keeps the lease of what was cancelled until it ends; one that leaves cannot."""
        if self.outcome.done():
            return
        self._emit(HandlerAbandoned(job=self.job, reason=self._grace_reason))
        self.abandoned = True
        if self._grace_reason is not StopReason.CANCEL or self._is_draining():
            self.stop_following()

    @property
    def _grace_reason(self) -> StopReason:
        """What began the grace."""
        assert self._overdue is not None  # nothing is abandoned without a grace
        return self._overdue

    def _discard(self, end: Ended | Outcome | Interrupted) -> None:
        if ending := _describe(_outcome_in(end)):
            reason = self.signal.reason or self._grace_reason
            self._emit(EndingDiscarded(job=self.job, ending=ending, reason=reason))

    def _time_out(self) -> None:
        self._timed_out_at = self.loop.time()
        self.stop(StopReason.TIMEOUT)


def _end_of(ended: asyncio.Future[Any]) -> Ended | Outcome | Interrupted:
    if ended.cancelled():
        return Interrupted()
    if (error := ended.exception()) is not None:
        return Raised(type(error).__name__, redacted_excerpt(str(error)), stage="worker")
    end: Ended | Outcome | Interrupted = ended.result()
    return end


def _outcome_in(end: Ended | Outcome | Interrupted) -> Outcome | Interrupted:
    return end.outcome if isinstance(end, Ended) else end


def _describe(outcome: Outcome | Interrupted) -> str:
    """What is thrown away with this outcome, in words; "" where there is nothing."""
    if isinstance(outcome, Returned):
        return f"it returned a result of {len(outcome.result)} characters"
    return note_of(outcome)


class Timeouts:
    """One timer for each length of time, however many runs have it: calls what was set once its time is over.

    Those of one length end in the order in which they were set. A timer for each would be made and cancelled with every
    job, and cost more than the rest of its run.
    """

    def __init__(self) -> None:
        self._queues: dict[float, _Queue] = {}

    def set(self, seconds: float, act: Act) -> None:
        """Calls `act` once, in so many seconds."""
        queue = self._queues.get(seconds)
        if queue is None:
            queue = self._queues[seconds] = _Queue(seconds)
        queue.add(act)

    def clear(self, seconds: float, act: Act) -> None:
        """Takes back an `act` that was set with these seconds, if it was."""
        if (queue := self._queues.get(seconds)) is not None:
            queue.remove(act)


class _Queue:
    """Everything that was set for one length of time, the first to end first."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._ends: dict[Act, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, act: Act) -> None:
        end = self._ends[act] = self._loop.time() + self._seconds
        if self._timer is None:
            self._timer = self._loop.call_at(end, self._fire)

    def remove(self, act: Act) -> None:
        self._ends.pop(act, None)
        if not self._ends and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fire(self) -> None:
        """Calls those whose time is over, and waits for the next."""
        self._timer = None
        now = self._loop.time()
        for act, _ in list(takewhile(lambda each: each[1] <= now, self._ends.items())):
            del self._ends[act]
            act()
        if self._ends and self._timer is None:
            self._timer = self._loop.call_at(next(iter(self._ends.values())), self._fire)
