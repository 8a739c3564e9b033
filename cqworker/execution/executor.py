"""Runs a claimed job's handler where it belongs, for as long as it may, and says how that ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

from cqworker.clock import Clock
from cqworker.errors import ArtifactMissing, ArtifactTooLarge, PayloadFault, Unavailable
from cqworker.events import Emit, JobRef, JobStarted
from cqworker.events.stop_events import ReturnedAfterStop
from cqworker.execution.handler_loop import RunningCall
from cqworker.execution.invoke import Runtime, invoke_in_process, invoke_in_thread, invoke_on_loop
from cqworker.execution.outcome import NeverStarted, Outcome, PayloadRefused, Stopped, StopReason, UnknownTypeMet
from cqworker.execution.stops_and_timeouts import HandlerRun, StopSignal, Timeouts
from cqworker.model.artifact_keys import payload_key
from cqworker.model.history import CLAIMED
from cqworker.model.priorities import MEDIUM
from cqworker.model.record import JobRecord, Progress
from cqworker.model.redaction import storable
from cqworker.model.trace import traceparent_for
from cqworker.plugins.job import Job, PlainJob
from cqworker.plugins.job_artifacts import JobArtifacts
from cqworker.plugins.job_child import JobChild
from cqworker.plugins.loaded_handlers import Handler

Straggler = asyncio.Future[Any]
"""The end, yet to come, of a handler that would not stop."""
GRACE = 5.0
"""Seconds a handler that was told to stop has for its `finally` before it is abandoned."""
STORE_AWAY_RETRY = 10.0
"""Seconds before a job whose payload could not be read is started again."""
PAYLOAD_LIMIT = 33_554_432
"""Bytes (32 MiB) of a payload that is fetched from S3 at most: as `http.max_upload` is unless it is set."""


class Hold(Protocol):
    """The right to run an attempt, for as long as it is renewed elsewhere: the executor knows no queue and no store."""

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
    def sent_for(self) -> int | None:
        """The time (epoch ms) that its message was sent ahead for, if it was: it could not start before."""
        ...

    @property
    def lease(self) -> Hold:
        """The hold on it."""
        ...


class Executor:
    """Runs handlers; knows every run that is under way. `grace`: seconds that a stopped one has to end."""

    def __init__(self, runtime: Runtime, clock: Clock, emit: Emit, *, grace: float = GRACE) -> None:
        self._runtime = runtime
        self._clock = clock
        self._emit = emit
        self._grace = grace
        self._timeouts = Timeouts()
        self.draining: bool = False
        self.runs: set[HandlerRun] = set()
        self._stragglers: set[HandlerRun] = set()
        self._warned: set[str] = set()

    def attempts_of(self, job_type: str) -> int:
        """How many attempts a job of this type has by default."""
        return self._runtime.registry.attempts_of(job_type)

    @property
    def stragglers(self) -> set[HandlerRun]:
        """The abandoned handlers that have not ended yet."""
        return self._stragglers | {run for run in self.runs if run.abandoned}

    async def run(self, attempt: Attempt) -> tuple[Outcome, Straggler | None]:
        """Runs the handler unless the attempt was stopped before; its outcome, and the straggler if it does not end."""
        record = attempt.record
        handler = self._runtime.registry.get(record.type)
        if handler is None:
            return UnknownTypeMet(), None
        payload = (record.payload or "null") if record.payload_ref is None else await self._fetch_payload(record)
        if not isinstance(payload, str):
            return payload, None
        if (reason := attempt.lease.stop_reason) is not None:
            return Stopped(reason), None
        if self.draining:
            return NeverStarted(StopReason.DRAIN, 0.0), None
        if not attempt.lease.is_alive(self._clock.monotonic()):
            return NeverStarted(StopReason.SILENCE, 0.0), None
        return await self._follow(attempt, handler, payload)

    def stop_starting(self) -> None:
        """Starts no more handlers; those that run see `job.stopping`, and abandoned ones are no longer followed."""
        self.draining = True
        for run in list(self.runs):
            run.stop_following()

    def _is_draining(self) -> bool:
        return self.draining

    def stop_all(self, reason: StopReason) -> None:
        """Tells every handler that runs to stop."""
        for run in list(self.runs):
            run.stop(reason)

    async def _follow(self, attempt: Attempt, handler: Handler, payload: str) -> tuple[Outcome, Straggler | None]:
        """Lets the run go until it ends by itself, is told to stop, or does not stop."""
        run = HandlerRun(attempt.job, self._emit, self._grace, self._is_draining, self._timeouts)
        self._emit(JobStarted(job=attempt.job, waited=self._seconds_waiting(attempt)))
        run.begin(self._launch(attempt, handler, payload, run), handler.timeout)
        self.runs.add(run)
        attempt.lease.when_stopped(run.stop)
        try:
            outcome = await run.outcome
        finally:
            self.runs.discard(run)
        if type(outcome) is Stopped and outcome.returned:
            self._warn(attempt.job, outcome.reason)
        if run.ended.done():
            return outcome, None
        self._stragglers.add(run)
        run.ended.add_done_callback(lambda _: self._stragglers.discard(run))
        return outcome, run.ended

    def _warn(self, job: JobRef, reason: StopReason) -> None:
        """Once for each type: a handler of the old way means this return as giving up, or does not know the word."""
        if job.type not in self._warned:
            self._warned.add(job.type)
            self._emit(ReturnedAfterStop(job=job, reason=reason))

    def _launch(self, attempt: Attempt, handler: Handler, payload: str, run: HandlerRun) -> RunningCall:
        runtime = self._runtime
        plain = self._plain(attempt, handler)
        if handler.executor == "process":
            return invoke_in_process(runtime, handler, payload, plain)
        signal = run.signal
        make_job = partial(self._job, attempt, plain, signal, run.loop)
        if handler.executor == "thread":
            return invoke_in_thread(runtime, handler, payload, make_job, signal)
        work = partial(invoke_on_loop, runtime.lifespans, handler, payload, make_job, signal)
        return runtime.loop.call(work, signal.note_thrown)

    def _job(
        self, attempt: Attempt, plain: PlainJob, signal: StopSignal, loop: asyncio.AbstractEventLoop, state: Any
    ) -> Job:
        def report(done: float, total: float | None, note: str | None) -> None:
            text = None if note is None else storable(note)
            attempt.lease.report(Progress(done, total, text, self._clock.now()))

        runtime = self._runtime
        return Job(
            plain,
            artifacts=JobArtifacts(
                runtime.artifacts,
                plain,
                sources=runtime.sources,
                tenant_of=runtime.tenant_of,
                loop=loop,
                largest=runtime.largest,
            ),
            state=state,
            report=report,
            stopping=signal.look,
            finished=signal.finish,
            process=JobChild(runtime.processes),
        )

    def _plain(self, attempt: Attempt, handler: Handler) -> PlainJob:
        record = attempt.record
        return PlainJob(
            id=record.job_id,
            type=record.type,
            attempt=record.attempt,
            max_attempts=record.max_attempts,
            deadline=datetime.fromtimestamp(self._clock.now() / 1000 + handler.timeout, UTC),
            round=record.round,
            tenant=record.tenant,
            metadata=record.metadata,
            tags=record.tags,
            traceparent=traceparent_for(record.job_id, attempt.traceparent),
            memory=handler.memory,
            priority=record.priority or MEDIUM,
            limit_key=record.limit_key,
        )

    async def payload_of(self, record: JobRecord) -> str | Outcome:
        """The JSON text of its payload, or how an attempt ends that cannot read it."""
        return (record.payload or "null") if record.payload_ref is None else await self._fetch_payload(record)

    async def _fetch_payload(self, record: JobRecord) -> str | Outcome:
        """The JSON text of a payload that was too big for a message, from the one place where it may lie.

        What a message refers to is not to be trusted: another object may be another tenant's, or not one of ours.
        """
        artifacts = self._runtime.artifacts
        own = artifacts.reference(payload_key(record.job_id))
        if record.payload_ref != own:
            fault = f"payload_ref may name {own} alone, so what it names was not fetched; send the payload itself"
            return PayloadRefused((PayloadFault("", fault),))
        try:
            return (await artifacts.get(own, PAYLOAD_LIMIT)).data.decode()
        except (ArtifactMissing, ArtifactTooLarge, UnicodeDecodeError) as error:
            return PayloadRefused((PayloadFault("", f"{own} cannot be read: {error}"),))
        except Unavailable as error:
            return NeverStarted(f"its payload could not be read: {error.cause}", STORE_AWAY_RETRY)

    def _seconds_waiting(self, attempt: Attempt) -> float:
        """Seconds since its submission, its retry, its last attempt or hand-back, or the time it was sent ahead for.

        A delay or backoff that it spent in the queue is in it, and no time for which it waited in the index.
        """
        record = attempt.record
        began = max(record.created_at, attempt.sent_for or 0)
        for entry in record.history:
            if entry.event != CLAIMED and entry.at > began:
                began = entry.at
        return max(0, (record.started_at or 0) - began) / 1000
