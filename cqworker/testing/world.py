"""World: a whole fleet of workers in memory, on virtual time, for tests that tell a story of jobs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType, TracebackType
from typing import Any, Literal, Self, get_args

from cqworker.clock import Clock
from cqworker.enums import DuplicateName, OnDuplicate
from cqworker.jobs.submission import Submission
from cqworker.model.public_job import JobView
from cqworker.model.timestamps import seconds_of
from cqworker.model.unique import Unique
from cqworker.model.view_reader import job_from
from cqworker.plugins.registry import Registry, registry_from
from cqworker.plugins.result import encode_result
from cqworker.settings import QueueSettings, Settings, WorkerSettings
from cqworker.settings.limit_settings import LimitSettings
from cqworker.testing.held_pools import HeldChildren, HeldThreads
from cqworker.testing.host import Host
from cqworker.testing.memory_ports import MemoryArtifacts
from cqworker.testing.mishaps import LATENCY, refused
from cqworker.testing.patient_queue import PatientQueue
from cqworker.testing.virtual_run import loop_of_hosts
from cqworker.testing.virtual_time import VirtualClock
from cqworker.testing.world_in_memory import WorldInMemory
from cqworker.testing.world_log import log_lines
from cqworker.testing.world_operator import WorldOperator, epoch_ms, view_of, whole_seconds
from cqworker.worker.assembly import Pools

VISIBILITY = 60
"""Seconds for which a worker's lease lasts when it dies, before another one may start its jobs."""
SWEEP_EVERY = 600.0
"""Seconds between two sweeps of due jobs, within the quarter of an hour for which a sweep looks ahead."""
LOOK_EVERY = 86_400.0
"""Seconds between two looks at whether the loop or a handler is stuck: where time is virtual nothing can be."""
DRAIN = 25.0
"""Seconds that running jobs have when a worker is told to stop."""
NOTHING: Mapping[str, Any] = MappingProxyType({})
Service = Literal["queue", "store", "artifacts"]


class World:
    """Workers in one process that run the production flow on services in memory; hours cost milliseconds.

    `handlers` are the decorated functions by job type; `states` gives `job.state` by job type, in place of what the
    lifespan gives, which then is not entered. There are `workers`, named w1, w2, …, with `concurrency` slots each, and
    these `queues` beside one for dead letters: the name of each, or what its table `[[queues]]` would say;
    `limits` are the tables `[limits]`, by name. Use it within `async with`, in virtual time (`in_virtual_time`): at the
    end workers are drained. What waits goes on at once; what works in a thread or a process takes the time it takes,
    and the world's time stands still meanwhile.

    Raises ValueError for a handler that no worker could use, and for a limit that is none, with cause and remedy.
    """

    def __init__(
        self,
        handlers: Mapping[str, Callable[..., Any]],
        *,
        states: Mapping[str, object] = NOTHING,
        workers: int = 1,
        concurrency: int = 32,
        queues: Sequence[str | Mapping[str, Any]] = ("jobs",),
        limits: Mapping[str, Mapping[str, Any]] = NOTHING,
    ) -> None:
        loop = loop_of_hosts()
        settings, registry = _settings(queues, concurrency, limits), _registry(handlers, states)
        self._inner = _PatientWorld(settings, registry, VirtualClock(loop), PatientQueue)
        self._workers = workers
        self._started = 0

    async def __aenter__(self) -> Self:
        for _ in range(self._workers):
            self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self._drain(*self.workers)

    async def submit(  # noqa: PLR0913 - what a request may say, by name
        self,
        job_type: str,
        payload: object = NOTHING,
        *,
        run_at: datetime | None = None,
        delay: float | timedelta = 0,
        key: str | None = None,
        queue: str | None = None,
        tenant: str = "default",
        metadata: Mapping[str, str] = NOTHING,
        tags: Sequence[str] = (),
        max_attempts: int | None = None,
        priority: str | int | None = None,
        limit_key: str | None = None,
        unique: Unique | None = None,
        on_duplicate: DuplicateName = "return",
        debounce: float | timedelta = 0,
        max_wait: float | timedelta | None = None,
    ) -> JobView:
        """As Client.submit, and raises what that raises, or ValueError for a `run_at` without an offset from UTC."""
        asked = Submission(
            type=job_type,
            payload=encode_result(dict(payload) if payload is NOTHING else payload),
            run_at=None if run_at is None else epoch_ms(run_at),
            delay_seconds=whole_seconds(delay),
            idempotency_key=key,
            queue=queue,
            tenant=tenant,
            metadata=dict(metadata),
            tags=tuple(tags),
            max_attempts=max_attempts,
            priority=priority,
            limit_key=limit_key,
            unique=unique,
            on_duplicate=OnDuplicate(on_duplicate),
            debounce_seconds=whole_seconds(debounce),
            max_wait_seconds=None if max_wait is None else whole_seconds(max_wait),
        )
        return job_from((await self._inner.office.submitter.submit(asked)).view())

    async def wait(self, job_id: str, timeout: float | timedelta = timedelta(days=380)) -> JobView:
        """Lets time pass until the job has ended. Raises TimeoutError after `timeout` (seconds or a timedelta)."""
        try:
            await self._inner.until(job_id, patience=seconds_of(timeout))
            await asyncio.sleep(2 * LATENCY)  # its worker has the answer by then, and has told of it
            return view_of(self._inner.record(job_id))
        except TimeoutError:
            record = self._inner.store.records.get(job_id)
            state = "is unknown" if record is None else f"is {record.status} in attempt {record.attempt}"
            raise TimeoutError(f"Job {job_id} {state} after {seconds_of(timeout):g} s.") from None

    async def advance(self, to: float | timedelta | datetime) -> None:
        """Lets so much time pass (seconds or a timedelta), or goes to a time. Raises ValueError for what is past."""
        seconds = (to - self.now).total_seconds() if isinstance(to, datetime) else seconds_of(to)
        if seconds < 0:
            raise ValueError(f"advance() goes forward, and {to} lies {-seconds:g} s in the past.")
        await asyncio.sleep(seconds)

    def start(self) -> str:
        """Starts one more worker and returns its name: a new one each time."""
        self._started += 1
        return self._inner.start(f"w{self._started}").name

    async def stop(self, name: str = "w1") -> None:
        """Drains a worker, as a deploy does: what does not end within 25 s is handed back, and no attempt counts."""
        await self._drain(self._named(name))

    def kill(self, name: str = "w1") -> None:
        """Ends a worker in the middle of whatever it does, as SIGKILL does; not one `finally` runs."""
        self._inner.kill(self._named(name))

    async def freeze(self, seconds: float | timedelta, name: str = "w1") -> None:
        """Holds a worker still for so long, as a machine without memory may; the others go on."""
        self._inner.freeze(self._named(name))
        await asyncio.sleep(seconds_of(seconds))
        self._inner.thaw(name)

    async def outage(self, service: Service, seconds: float | timedelta) -> None:
        """Lets a service refuse all workers that run for so long: "queue" (SQS), "store" (DynamoDB), "artifacts" (S3).

        Raises ValueError for another service.
        """
        if service not in get_args(Service):
            raise ValueError(f"outage() knows {', '.join(get_args(Service))}, not {service!r}.")
        lines = [line for host in self._inner.hosts.values() for line in host.lines_to(service)]
        for line in lines:
            line.away = refused
        await asyncio.sleep(seconds_of(seconds))
        for line in lines:
            line.away = None

    @property
    def operator(self) -> WorldOperator:
        """What an operator does: cancel, retry, reschedule, reprioritise, run_now."""
        return WorldOperator(self._inner.operator)

    @property
    def now(self) -> datetime:
        """What time it is (UTC); every world begins at 2026-01-01."""
        return datetime.fromtimestamp(self._inner.clock.now() / 1000, UTC)

    @property
    def workers(self) -> list[str]:
        """The names of the workers that were started and neither stopped nor killed."""
        return list(self._inner.hosts)

    @property
    def jobs(self) -> dict[str, JobView]:
        """Every job as it stands, by id, oldest first."""
        return {job_id: view_of(record) for job_id, record in self._inner.store.records.items()}

    @property
    def messages(self) -> dict[str, list[dict[str, Any]]]:
        """By queue the messages that were not deleted, as docs/messages.md describes them, waiting or in hand."""
        return {name: [json.loads(body) for body in queue.bodies] for name, queue in self._inner.queues.items()}

    @property
    def log(self) -> list[dict[str, Any]]:
        """What the daemons' logs would say, oldest first: `level`, `event`, and the fields of the line.

        What handlers say by `job.log` is not among it.
        """
        return log_lines(self._inner.events)

    @property
    def artifacts(self) -> MemoryArtifacts:
        """What was stored, by reference in `artifacts.objects`."""
        return self._inner.artifacts

    async def _drain(self, *names: str) -> None:
        drains = asyncio.gather(*(self._inner.hosts.pop(name).drain(DRAIN) for name in names))
        await asyncio.sleep(LATENCY)
        self._inner.end_polls()
        await drains

    def _named(self, name: str) -> str:
        if name not in self._inner.hosts:
            raise ValueError(f"There is no worker {name!r}; there is {', '.join(self.workers) or 'none'}.")
        return name


class _PatientWorld(WorldInMemory):
    """One that looks seldom while nothing happens, and whose time stands still while a thread or a process works."""

    probe_every = LOOK_EVERY

    def end_polls(self) -> None:
        """Lets whoever waits for messages look up."""
        for queue in self.queues.values():
            if isinstance(queue, PatientQueue):
                queue.end_polls()

    def _open(self, name: str, registry: Registry, clock: Clock) -> Host:
        return replace(super()._open(name, registry, clock), sweep_every=SWEEP_EVERY)

    def _open_pools(self) -> Pools:
        loop = loop_of_hosts()
        children = HeldChildren(loop, self.settings.worker.concurrency)
        return Pools(HeldThreads(loop), children, look_every=LOOK_EVERY)


def _settings(
    queues: Sequence[str | Mapping[str, Any]], concurrency: int, limits: Mapping[str, Mapping[str, Any]]
) -> Settings:
    tables = [{"name": queue} if isinstance(queue, str) else dict(queue) for queue in queues]
    usual: dict[str, Any] = {"visibility_timeout": VISIBILITY}
    return Settings(
        queues=tuple(
            QueueSettings.model_validate({"dead_letter_queue": f"{table['name']}-dead", **usual, **table})
            for table in tables
        ),
        worker=WorkerSettings(concurrency=concurrency),
        limits={key: LimitSettings.model_validate(said) for key, said in limits.items()},
    )


def _registry(handlers: Mapping[str, Callable[..., Any]], states: Mapping[str, object]) -> Registry:
    registry = registry_from(handlers)
    faults = [f"{broken.cause} {broken.remedy}" for broken in registry.broken]
    faults += [f"states names {name}, which is none of the handlers." for name in states if name not in handlers]
    if faults:
        raise ValueError(" ".join(faults))
    found = {name: _with_state(handler, states) for name, handler in registry.handlers.items()}
    return Registry(MappingProxyType(found))


def _with_state(handler: Any, states: Mapping[str, object]) -> Any:
    if handler.type not in states:
        return handler
    return replace(handler, lifespan=lambda: nullcontext(states[handler.type]))
