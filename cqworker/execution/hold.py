"""What the executor knows of a claimed job: what is to run, and the hold on it that may be lost meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from cqworker.events import JobRef
from cqworker.execution.outcome import StopReason
from cqworker.model.record import JobRecord, Progress


class Hold(Protocol):
    """The right to run an attempt. Whoever renews it knows queue and store; the executor knows neither."""

    @property
    def stop_reason(self) -> StopReason | None:
        """Why the attempt was told to stop, if it was."""
        ...

    def is_alive(self, monotonic: float) -> bool:
        """Whether the job is surely ours at this monotonic time (s), so that its handler may start."""
        ...

    def when_stopped(self, act: Callable[[StopReason], None]) -> None:
        """Calls `act` at every stop from now on, and at once for one that came before."""
        ...

    def report(self, progress: Progress) -> None:
        """Keeps the latest progress to be written with the next renewal; called from any thread."""
        ...


class Attempt(Protocol):
    """One attempt at a job that is ours."""

    @property
    def record(self) -> JobRecord:
        """The job as its claim left it."""
        ...

    @property
    def job(self) -> JobRef:
        """The job, as events name it."""
        ...

    @property
    def traceparent(self) -> str | None:
        """The message's W3C trace context, if it has one."""
        ...

    @property
    def lease(self) -> Hold:
        """The hold on it."""
        ...
