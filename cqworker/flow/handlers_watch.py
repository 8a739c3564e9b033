"""Watches over the handlers' ground: says when it is blocked and by whom, and when only a restart can help."""

from __future__ import annotations

import asyncio

from cqworker.events import Emit, HandlersLoopSilent, HandlersLoopTurned, Subject
from cqworker.flow.execute import GRACE, Execution
from cqworker.flow.workshop import Workshop

SILENCE_TOLD = 5.0
LOOK_EVERY = 1.0


class HandlersWatch:
    """`stuck` is set, and `why` says it, when the loop has been silent beyond every timeout or too many will not stop.

    `most` abandoned handlers are borne: each keeps its thread and its slot until it ends.
    """

    def __init__(self, workshop: Workshop, execution: Execution, most: int, emit: Emit) -> None:
        self.stuck = asyncio.Event()
        self.why = ""
        self._workshop = workshop
        self._execution = execution
        self._most = most
        self._emit = emit
        self._last = workshop.registry.longest_timeout + GRACE
        self._told = 0.0

    async def run(self) -> None:
        """Looks once a second."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            self._look_at_the_loop()
            self._count_the_abandoned()

    def _look_at_the_loop(self) -> None:
        silent = self._workshop.loop.silent_for()
        if silent >= self._told + SILENCE_TOLD:
            self._told = silent
            self._emit(HandlersLoopSilent(seconds=silent, jobs=self._on_the_loop()))
        elif silent < SILENCE_TOLD:
            self._told = 0.0
            self._emit(HandlersLoopTurned(lag=silent))
        if silent > self._last:
            self._give_up(f"the handlers' loop has been blocked for {silent:.0f} s", self._on_the_loop())

    def _count_the_abandoned(self) -> None:
        abandoned = self._execution.stragglers
        if len(abandoned) > self._most:
            named = tuple(sorted(_named(run.job) for run in abandoned))
            self._give_up(f"{len(abandoned)} handlers would not stop, and only {self._most} may go on", named)

    def _give_up(self, why: str, jobs: tuple[str, ...]) -> None:
        if not self.stuck.is_set():
            self.why = f"{why}: {', '.join(jobs)}"
            self.stuck.set()

    def _on_the_loop(self) -> tuple[str, ...]:
        """Who may be blocking the handlers' loop."""
        runs = (run.job for run in self._execution.runs)
        handlers = self._workshop.registry.handlers
        return tuple(_named(job) for job in runs if handlers[job.type].executor == "loop")


def _named(job: Subject) -> str:
    return f"{job.type} {job.job_id}"
