"""Notices stuck handlers: a blocked loop is reported, and where only a restart can help the daemon exits with 70."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cqworker.clock import Clock
from cqworker.events import Emit, JobRef
from cqworker.events.loop_events import HandlerLoopBlocked, HandlerLoopProbed
from cqworker.execution.executor import GRACE, Executor
from cqworker.execution.handler_loop import ThreadedLoop
from cqworker.execution.invoke import Runtime
from cqworker.health.main_loop_lag import MainLoopLag

REPORT_AFTER = 5.0
"""Seconds of silence after which the handlers' loop is reported as blocked, and again after as many more."""
LOOK_EVERY = 1.0
"""Seconds between two looks, each of which costs next to nothing."""


class HandlerWatchdog:
    """`stuck` is set, and `why` says it, when the loop has been silent beyond every timeout or too many will not stop.

    Up to `most` abandoned handlers are put up with: each keeps its thread and its slot until it ends.
    """

    def __init__(
        self, runtime: Runtime, executor: Executor, most: int, main: MainLoopLag, clock: Clock, emit: Emit
    ) -> None:
        self.stuck: asyncio.Event = asyncio.Event()
        self.why: str = ""
        self._runtime = runtime
        self._executor = executor
        self._most = most
        self.main = main
        self._clock = clock
        self._emit = emit
        self._longest_silence = runtime.registry.longest_timeout + GRACE
        self._reported_at = 0.0

    async def run(self) -> None:
        """Looks every LOOK_EVERY seconds, or as often as the runtime says, for ever."""
        while True:
            await asyncio.sleep(self._runtime.look_every or LOOK_EVERY)
            self._check_loop()
            self._check_stragglers()

    def _check_loop(self) -> None:
        silent = self._silence()
        if silent >= self._reported_at + REPORT_AFTER:
            self._reported_at = silent
            jobs, place = self._find_suspects()
            self._emit(HandlerLoopBlocked(seconds=silent, jobs=_names_of(jobs), type=_type_of(jobs), at=place))
        elif silent < REPORT_AFTER:
            self._reported_at = 0.0
            self._emit(HandlerLoopProbed(lag=silent))
        if silent > self._longest_silence:
            jobs, place = self._find_suspects()
            at = f" at {place}" if place else ""
            self._give_up(f"the handlers' loop has been blocked for {silent:.0f} s{at}", jobs)

    def _silence(self) -> float:
        """Seconds for which the handlers' loop did not answer although the main loop was there to hear it."""
        silent = self._runtime.loop.silent_for()
        return max(0.0, silent - self.main.seconds_absent_since(self._clock.monotonic() - silent - ThreadedLoop.PULSE))

    def _check_stragglers(self) -> None:
        abandoned = self._executor.stragglers
        if len(abandoned) > self._most:
            jobs = [run.job for run in abandoned]
            self._give_up(f"{len(abandoned)} handlers would not stop, and only {self._most} may go on", jobs)

    def _give_up(self, why: str, jobs: Sequence[JobRef]) -> None:
        if not self.stuck.is_set():
            self.why = f"{why}: {', '.join(_names_of(jobs))}"
            self.stuck.set()

    def _find_suspects(self) -> tuple[list[JobRef], str]:
        """The job that holds the handlers' loop, every job there where that is not known; and the line it is at."""
        position = self._runtime.loop.position()
        handlers = self._runtime.registry.handlers
        runs = {*self._executor.runs, *self._executor.stragglers}
        there = [run for run in runs if handlers[run.job.type].executor == "loop"]
        guilty = [run for run in there if run.ended is position.ended]
        return [run.job for run in guilty or there], position.place


def _names_of(jobs: Sequence[JobRef]) -> tuple[str, ...]:
    return tuple(sorted(f"{job.type} {job.job_id}" for job in jobs))


def _type_of(jobs: Sequence[JobRef]) -> str:
    """The type of them all; "" where they have several, or there are none."""
    types = {job.type for job in jobs}
    return types.pop() if len(types) == 1 else ""
