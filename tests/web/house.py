"""The HTTP API before the real flow on ports in memory, served on a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import aiohttp
from aiohttp import web
from msgspec.structs import replace

from cqworker.clock import Clock, SystemClock
from cqworker.errors import Unavailable
from cqworker.events import Emit, Event
from cqworker.flow.context import Context
from cqworker.flow.schedule_state import ScheduleState
from cqworker.health.service_health import ServiceHealth, Trouble
from cqworker.jobs.operator_actions import OperatorActions
from cqworker.jobs.queue_directory import QueueDirectory
from cqworker.jobs.submit import Submitter
from cqworker.jobs.waiters import Waiters
from cqworker.model.record import JobRecord
from cqworker.model.retention import Retention
from cqworker.model.status import Status
from cqworker.model.writes import Written
from cqworker.observe.metrics_observer import MetricsObserver
from cqworker.observe.stats import Stats
from cqworker.plugins.registry import Registry, registry_of
from cqworker.ports import JobQueue
from cqworker.settings import HttpSettings, QueueSettings, Settings, TokenSettings
from cqworker.settings.limit_settings import LimitSettings
from cqworker.testing import MemoryArtifacts, MemoryQueue, MemoryStore
from cqworker.testing.memory_listing import MemoryListing
from cqworker.testing.memory_schedule import MemorySchedule
from cqworker.testing.memory_unique_keys import MemoryUniqueKeys
from cqworker.web.app_context import require
from cqworker.web.body_reader import BODY_QUOTA
from cqworker.web.buffer_quota import BufferQuota
from cqworker.web.connection_limit import ConnectionLimit, Wait
from cqworker.web.server import AppContext, Server, create_app
from cqworker.web.upload_spool import SPOOLS, UploadSpools
from tests.patience import scaled
from tests.web.conformance import judge_of
from tests.web.handlers import transform
from tests.web.operators_parts import NO_PARTS, operators_parts
from tests.web.tokens import token

__all__ = ["House", "away", "bearer", "open_house", "token", "transform", "until"]

CLOCK = SystemClock()
RETENTION = Retention(days=366)
"""As long as the longest window that a request may ask for: one that outlasts its record is refused."""
OF_THE_SERVER = ("places", "reserve", "head_timeout", "keepalive")
TEXT = {"type": "text.transform", "payload": {"text": "hello"}}


KNOWN = registry_of(**{"text.transform": transform})
"""What a house knows unless it is told otherwise; read once, for there are a thousand houses."""


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


class FakeHealth:
    def __init__(self) -> None:
        self.reasons: tuple[str, ...] = ()
        self.troubles: tuple[Trouble, ...] = ()

    def liveness(self) -> tuple[str, ...]:
        return self.reasons

    def readiness(self) -> tuple[Trouble, ...]:
        return self.troubles

    def status(self) -> dict[str, object]:
        return {"worker": "host.abcdef:7", "phase": "ready", "queues": ["main"], "slots": {"taken": 0, "total": 32}}


@dataclass
class House:
    """Everything a test may want to look at, and a client that talks to the server."""

    client: aiohttp.ClientSession
    server: Server
    queue: MemoryQueue
    store: MemoryStore
    artifacts: MemoryArtifacts
    health: FakeHealth
    waiters: Waiters
    context: AppContext
    events: list[Event] = field(default_factory=list)

    @property
    def listing(self) -> MemoryListing:
        listing = require(self.context.lists)._listing
        assert isinstance(listing, MemoryListing)
        return listing

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def connection_limit(self) -> ConnectionLimit:
        return self.server._limit

    @property
    def spools(self) -> UploadSpools:
        return self.server._app[SPOOLS]

    @property
    def bodies(self) -> BufferQuota:
        return self.server._app[BODY_QUOTA]

    @property
    def is_idle(self) -> bool:
        """Whether no connection waits for anything but a request."""
        return len(self.connection_limit) == self.connection_limit.count(Wait.HEAD)

    async def submit(self, body: object = TEXT, **headers: str) -> dict[str, Any]:
        """Submits a job and returns its view."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.post("/jobs", json=body, headers=sent) as answer:
            assert answer.status in (200, 202), await answer.text()
            view: dict[str, Any] = await answer.json()
            return view

    async def get(self, path: str, **options: Any) -> tuple[int, Any]:
        """Status and JSON body of a GET."""
        async with self.client.get(path, **options) as answer:
            return answer.status, await answer.json(content_type=None)

    async def post(self, path: str, **options: Any) -> tuple[int, Any]:
        """Status and JSON body of a POST."""
        async with self.client.post(path, **options) as answer:
            return answer.status, await answer.json(content_type=None)

    def rewrite(self, job_id: str, status: Status, **changes: Any) -> JobRecord:
        """Puts a job into another state, as a worker of this process would."""
        record = replace(self.store.records[job_id], status=status, **changes)
        self.store.records[job_id] = record
        self.waiters.note_written(job_id, Written(record))
        return record


@asynccontextmanager
async def open_house(
    *,
    tokens: Sequence[TokenSettings] = (),
    api: bool = True,
    registry: Registry | None = None,
    inline_limit: int = 4096,
    carried_by: Callable[[JobQueue], JobQueue] = lambda queue: queue,
    clock: Clock = CLOCK,
    observed: bool = False,
    limits: Mapping[str, LimitSettings] = MappingProxyType({}),
    **http: Any,
) -> AsyncIterator[House]:
    """A server on a free port, closed at the end; what is of no other use is its own or a setting of `[http]`.

    `observed`: its numbers are real. Every answer that it gave meanwhile was as the API's description says.
    """
    own, events = {name: http.pop(name) for name in OF_THE_SERVER if name in http}, list[Event]()
    queue, store, artifacts = MemoryQueue("main", CLOCK), MemoryStore(CLOCK), MemoryArtifacts(prefix="cq/")
    waiters, health, known = Waiters(CLOCK, lambda _: True), FakeHealth(), registry or KNOWN
    queues = _levels_of(carried_by(queue))
    emit, metrics, stats = _observers(known, tokens, events, observed=observed)
    context, settings = _context(store, emit), _settings(tuple(tokens), {"port": 0} | http, limits)
    app_context = AppContext(
        submitter=Submitter(context, known, queues, artifacts, inline_limit=inline_limit) if api else None,
        operator=OperatorActions(context, queues, waiters) if api else None,
        **(operators_parts(store, context, queues, artifacts, settings) if api else NO_PARTS),
        registry=known,
        artifacts=artifacts if api else None,
        health=health,
        metrics=metrics,
        settings=settings,
        emit=emit,
        stats=stats.snapshot,
        clock=clock,
    )
    app = create_app(app_context, api=api)
    async with _served(app, settings.http, **own) as server, _client_of(server) as client:
        yield House(client, server, queue, store, artifacts, health, waiters, app_context, events)


def _levels_of(queue: JobQueue) -> QueueDirectory:
    """One queue that stands for three levels, so that whoever looks into it finds what was sent to any of them."""
    ports = dict.fromkeys(("main", "main-high", "main-low"), queue)
    return QueueDirectory(ports, lambda name: MemoryQueue(name, CLOCK), {"main": ("high", "medium", "low")})


def _client_of(server: Server) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(f"http://127.0.0.1:{server.port}")


def _context(store: MemoryStore, emit: Emit) -> Context:
    """Of services whose health nobody asks for."""
    health, schedule = ServiceHealth(CLOCK, emit, ()), ScheduleState(MemorySchedule(store), CLOCK)
    return Context(
        store=store,
        health=health,
        clock=CLOCK,
        emit=emit,
        retention=RETENTION,
        schedule=schedule,
        unique_keys=MemoryUniqueKeys(store),
    )


def _observers(
    known: Registry, tokens: Sequence[TokenSettings], events: list[Event], *, observed: bool
) -> tuple[Emit, Callable[[], tuple[bytes, str]], Stats]:
    stats = Stats(known.handlers, CLOCK, tenants=[token.tenant for token in tokens])
    if not observed:
        return events.append, lambda: (b"jobs_total 0\n", "text/plain; version=1.0.0; charset=utf-8"), stats
    metrics = MetricsObserver(known.handlers)

    def emit(event: Event) -> None:
        for observer in (events.append, stats, metrics):
            observer(event)

    return emit, metrics.render, stats


def _settings(tokens: tuple[TokenSettings, ...], http: dict[str, Any], limits: Mapping[str, LimitSettings]) -> Settings:
    queues = (QueueSettings(name="main"),)
    return Settings(queues=queues, http=HttpSettings(tokens=tokens, **http), limits=dict(limits))


@asynccontextmanager
async def _served(app: web.Application, http: HttpSettings, **own: Any) -> AsyncIterator[Server]:
    lapses: list[str] = []
    app.on_response_prepare.append(judge_of(http, lapses))
    server = Server(app, http, **own)
    await server.start()
    try:
        yield server
    finally:
        await server.close()
    assert not lapses, lapses


def away(service: str = "sqs", *, ambiguous: bool = False) -> Unavailable:
    """What a port raises when its service does not do its part."""
    return Unavailable(service, "The service does not answer.", "Look at its endpoint.", ambiguous=ambiguous)


async def until(condition: Callable[[], object], patience: float = 5.0) -> None:
    """Waits until the condition holds; a test that waits in vain fails with TimeoutError."""
    async with asyncio.timeout(scaled(patience)):
        while not condition():  # noqa: ASYNC110 - what is waited for lies across a socket
            await asyncio.sleep(0.005)
