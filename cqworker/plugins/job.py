"""The job as its handler sees it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from cqworker.model.priorities import MEDIUM
from cqworker.model.tenants import DEFAULT_TENANT
from cqworker.model.timestamps import seconds_of
from cqworker.plugins.handler import Stopping

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from cqworker.plugins.job_artifacts import JobArtifacts
    from cqworker.plugins.job_child import JobChild

T = TypeVar("T")
Report = Callable[[float, float | None, str | None], None]
MAX_EXACT_FLOAT = 2.0**53
"""Whole numbers up to here are the same as int and as float."""
MAX_NOTE = 200
"""Characters of a note on progress: it is part of the record, which each renewal writes."""
_WORKERS_OWN = ("_artifacts", "_state", "_report", "_stopping", "_finished", "_log", "_process")
_NOT_IN_PROCESS = (
    "{} is not there with executor='process', where a job is plain data: use async def, or executor='thread'."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainJob:
    """What is known about one attempt, as data that can travel to another process; `deadline` is in UTC."""

    id: str
    type: str
    attempt: int
    max_attempts: int
    deadline: datetime
    round: int = 1
    tenant: str = DEFAULT_TENANT
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    traceparent: str | None = None
    memory: int | None = None
    priority: str = MEDIUM
    limit_key: str | None = None


class Job:
    """One attempt at a job, and what the worker lends its handler. The worker makes it; its handler is given it.

    Made without artifacts and report, it is what runs in a process: plain data.
    """

    __slots__ = {  # help() shows what they mean
        "id": "The job's id: the same in every attempt, and a good key for effects that must happen once.",
        "type": "The job type: the name of the handler's entry point.",
        "attempt": "The number of this start, from 1 in each round.",
        "max_attempts": "How many starts a round may have.",
        "round": "1, and one more with each retry by hand.",
        "tenant": "Whose job it is: the tenant of the token that submitted it.",
        "deadline": "When this attempt is stopped (UTC).",
        "metadata": "Texts by name, as submitted.",
        "tags": "As submitted.",
        "traceparent": "The submitter's W3C trace context; None where there was none.",
        "memory": "MiB it may take in a child process: the operator's word, or else the author's; None without.",
        "priority": "Its level of the queue: highest, high, medium, low or lowest.",
        "limit_key": "What limits of key:* count it by, as submitted; None where they do not bind it.",
        **dict.fromkeys(_WORKERS_OWN, "The worker's own."),
        "__dict__": "What the handler keeps on it.",
        "__weakref__": "References that do not keep it.",
    }

    def __init__(  # noqa: PLR0913 - what the worker lends, by name
        self,
        plain: PlainJob,
        *,
        artifacts: JobArtifacts | None = None,
        state: Any = None,
        report: Report | None = None,
        stopping: Callable[[], str | None] | None = None,
        finished: Callable[[], None] | None = None,
        log: FilteringBoundLogger | None = None,
        process: JobChild | None = None,
    ) -> None:
        self.id: str = plain.id
        self.type: str = plain.type
        self.attempt: int = plain.attempt
        self.max_attempts: int = plain.max_attempts
        self.round: int = plain.round
        self.tenant: str = plain.tenant
        self.deadline: datetime = plain.deadline
        self.metadata: Mapping[str, str] = plain.metadata
        self.tags: tuple[str, ...] = plain.tags
        self.traceparent: str | None = plain.traceparent
        self.memory: int | None = plain.memory
        self.priority: str = plain.priority
        self.limit_key: str | None = plain.limit_key
        self._artifacts = artifacts
        self._state = state
        self._report = report
        self._stopping = stopping
        self._finished = finished
        self._log = log
        self._process = process

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.type} round {self.round} attempt {self.attempt} of {self.max_attempts}>"

    if not TYPE_CHECKING:  # for type checkers a name that a job does not have stays an error

        def __getattr__(self, name: str) -> NoReturn:
            """Says what is meant where another job system has such a name."""
            from cqworker.suggestions.handler_terms import ATTRIBUTES

            meant = f": {ATTRIBUTES[name]}." if name in ATTRIBUTES else "."
            raise AttributeError(f"A job has no {name}{meant}", name=name, obj=self)

    @property
    def log(self) -> FilteringBoundLogger:
        """A structlog logger that names the job on every line."""
        if self._log is None:
            import structlog  # a handler that logs nothing need not wait for it

            self._log = structlog.get_logger("cqworker.handler").bind(**self._log_fields())
        return self._log

    @property
    def artifacts(self) -> JobArtifacts:
        """The artifact store. Raises RuntimeError in a process."""
        if self._artifacts is None:
            raise RuntimeError(_NOT_IN_PROCESS.format("job.artifacts"))
        return self._artifacts

    @property
    def state(self) -> Any:
        """What the type's lifespan gave; None without one. Raises RuntimeError in a process."""
        if self._report is None:
            raise RuntimeError(_NOT_IN_PROCESS.format("job.state"))
        return self._state

    @property
    def stopping(self) -> bool:
        """Whether this attempt should end soon: a drain, a cancel, its deadline or its lease.

        Whoever has read True here and returns has given up, unless what it returns is `job.finished(result)`.
        Raises RuntimeError in a process, which is killed instead.
        """
        if self._stopping is None:
            raise RuntimeError(_NOT_IN_PROCESS.format("job.stopping"))
        return bool(self._stopping())

    def check(self) -> None:
        """Raises Stopping if this attempt should end soon: for long loops, above all in a thread.

        A handler in a thread cannot be interrupted. Raises RuntimeError in a process, which is killed instead.
        """
        if self._stopping is None:
            raise RuntimeError(_NOT_IN_PROCESS.format("job.check()"))
        if reason := self._stopping():
            raise Stopping(str(reason))

    def finished(self, result: T) -> T:
        """Declares the result whole, although this attempt was asked to stop: `return job.finished(result)`.

        Without it, a handler that returns after it saw its stop has not finished. Returns the result as it is.
        """
        if self._finished is not None:
            self._finished()
        return result

    async def run_in_process(
        self,
        function: Callable[..., T],
        /,
        *args: Any,
        memory: int | None = None,
        timeout: float | timedelta | None = None,
        cpu_time: float | timedelta | None = None,
    ) -> T:
        """Calls a function in a child process, for an `async def`: work that blocks, may crash, or must be bounded.

        It is a function at the top level of a module; it, and what goes in and out, can be pickled. A job has one child
        at a time; a worker keeps idle ones for the next. Cancelling this call kills the child; so does `timeout`, in
        seconds from when the child began. `memory`: MiB it may take beyond what its process holds, then it meets
        MemoryError (Linux); not given: `job.memory`. `cpu_time`: seconds of processor time, rounded up, after which its
        process is ended.

        Raises what the function raises (with its traceback as a note), ProcessTimeout, ProcessDied when the child ended
        in the middle, ProcessNotStarted when there was none, TypeError for what cannot be pickled, and RuntimeError
        where the handler itself is in a process.
        """
        if self._process is None:
            raise RuntimeError(_NOT_IN_PROCESS.format("job.run_in_process()"))
        bound = self.memory if memory is None else memory
        limit = None if timeout is None else seconds_of(timeout)
        effort = None if cpu_time is None else seconds_of(cpu_time)
        return await self._process.run(function, args, memory=bound, timeout=limit, cpu_time=effort)

    def progress(self, done: float, total: float | None = None, note: str | None = None) -> None:
        """Tells how far the work is; cheap, from any thread, and written to the record at most with each renewal.

        Notes are cut at 200 characters. Raises ValueError for what is no finite number, RuntimeError in a process.
        """
        if self._report is None:
            raise RuntimeError(_NOT_IN_PROCESS.format("job.progress()"))
        try:
            step = _to_json_number(done), None if total is None else _to_json_number(total)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"progress takes finite numbers, not {done!r} of {total!r}.") from None
        self._report(*step, None if note is None else str(note)[:MAX_NOTE])

    def _log_fields(self) -> dict[str, object]:
        names: dict[str, object] = {"job_id": self.id, "type": self.type, "attempt": self.attempt}
        if self.traceparent and self.traceparent.count("-") >= 3:
            names["trace_id"] = self.traceparent.split("-")[1]
        return names


def _to_json_number(number: Any) -> float:
    """A number of whatever kind (Decimal, numpy's) as one that JSON has; raises where it is none, or not finite."""
    if isinstance(number, str | bytes):
        raise TypeError
    plain = float(number)
    if not math.isfinite(plain):
        raise ValueError
    return int(plain) if plain == number and plain.is_integer() and abs(plain) <= MAX_EXACT_FLOAT else plain
