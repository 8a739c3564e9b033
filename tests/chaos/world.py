"""One run's AWS: a queue, its dead letters, a table and a bucket of its own on the engines, behind fault proxies."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from cqworker.aws.clients import AwsClients
from cqworker.aws.provision import provision
from cqworker.aws.sqs.message_queue import SqsQueue
from cqworker.clock import SystemClock
from cqworker.daemon.standalone import JobServices, open_job_services
from cqworker.errors import JobNotFound
from cqworker.events import ignore
from cqworker.settings import Settings, load_settings
from tests.chaos import journal
from tests.chaos.backdoor import Backdoor
from tests.chaos.handlers import TYPES
from tests.chaos.plugin import install
from tests.chaos.proxy import Duplicates, Plan, Proxy, StrictReceipts
from tests.engines.running import Engines

ROOT = Path(__file__).parents[2]
Limited = Mapping[str, Mapping[str, int | str]]
"""Limits as the configuration has them, by key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a run's workers are set up: seconds, but for the counts; `receives` before a message is a dead letter.

    `direct`: they reach the table without the proxy, for whose processor time a run that counts throughput has no room.
    """

    visibility: int
    drain: float
    receives: int
    wait: int = 1
    concurrency: int = 32
    levels: tuple[str, ...] = ()
    mode: str = "weighted"
    limits: Limited = field(default_factory=dict)
    direct: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Where a run takes place. `environment` is for its processes, `backdoor` sees the engines without any fault."""

    settings: Settings
    shape: Shape
    config: Path
    folder: Path
    environment: Mapping[str, str]
    plan: Plan
    sqs: Proxy
    dynamodb: Proxy
    s3: Proxy
    receipts: StrictReceipts
    duplicates: Duplicates
    journal: journal.Reader
    backdoor: Backdoor

    @property
    def random(self) -> random.Random:
        """The run's own chance, one seed with the faults'."""
        return self.plan.random

    @asynccontextmanager
    async def counter(self, turn: asyncio.Lock) -> AsyncIterator[JobServices]:
        """Submission and the desk in this process, through the proxies."""
        async with AsyncExitStack() as stack:
            async with turn:
                with _environment(self.environment), _on_path(self.folder / "plugin"):
                    opened = await stack.enter_async_context(open_job_services(self.settings, ignore))
                    await _call_once(opened)
            yield opened


@asynccontextmanager
async def open_world(
    engines: Engines, folder: Path, seed: int, shape: Shape, turn: asyncio.Lock
) -> AsyncIterator[World]:
    """A provisioned world; its names are its own. `turn` is for whoever changes this process's variables."""
    plan = Plan(seed)
    receipts, duplicates = StrictReceipts(), Duplicates(plan.random)
    config = _configure(folder, shape)
    path = os.pathsep.join([str(install(folder)), str(ROOT)])
    async with AsyncExitStack() as stack:
        sqs = await stack.enter_async_context(Proxy(engines.sqs_url, plan, (duplicates, receipts)))
        dynamodb = await stack.enter_async_context(Proxy(engines.dynamodb_url, plan))
        s3 = await stack.enter_async_context(Proxy(engines.s3_url, plan))
        own = {"PYTHONPATH": path, journal.VARIABLE: str(folder / "journal")}
        if shape.direct:
            own["AWS_ENDPOINT_URL_DYNAMODB"] = engines.dynamodb_url
        world = World(
            settings=load_settings(config, {}),
            shape=shape,
            config=config,
            folder=folder,
            environment={**alone(engines), **endpoints(sqs, dynamodb, s3), **own},
            plan=plan,
            sqs=sqs,
            dynamodb=dynamodb,
            s3=s3,
            receipts=receipts,
            duplicates=duplicates,
            journal=journal.Reader(folder / "journal"),
            backdoor=Backdoor(engines, load_settings(config, {})),
        )
        async with turn:
            await _provision(world)
        yield world


def endpoints(sqs: Proxy, dynamodb: Proxy, s3: Proxy) -> dict[str, str]:
    """The SDK's variables that lead through the proxies."""
    return {
        "AWS_ENDPOINT_URL_SQS": sqs.url,
        "AWS_ENDPOINT_URL_DYNAMODB": dynamodb.url,
        "AWS_ENDPOINT_URL_S3": s3.url,
    }


def alone(engines: Engines) -> dict[str, str]:
    """The engines' credentials and nothing of this machine's own."""
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "NO_PROXY": "127.0.0.1"}
    return {**engines.environment(), **nowhere, "AWS_EC2_METADATA_DISABLED": "true"}


async def _provision(world: World) -> None:
    with _environment(world.environment):
        async with AwsClients(ignore) as clients:
            await provision(clients, world.settings, {world.settings.queues[0].name: world.shape.receives})


def _configure(folder: Path, shape: Shape) -> Path:
    """The configuration file of this run's processes."""
    name = f"chaos-{uuid4().hex[:12]}"
    lines = [
        f'store = {{ table = "{name}" }}',
        f'artifacts = {{ bucket = "{name}" }}',
        f"worker = {{ concurrency = {shape.concurrency}, drain_timeout = {shape.drain} }}",
        'log = { format = "json" }',
        f"handlers = {{ enabled = {json.dumps(list(TYPES))} }}",
        "[[queues]]",
        f'name = "{name}"',
        f'dead_letter_queue = "{name}-dead"',
        f"visibility_timeout = {shape.visibility}",
        f"wait_time = {shape.wait}",
        f"max_receive_count = {shape.receives}",
        f"priorities = {json.dumps(list(shape.levels))}",
        f'mode = "{shape.mode}"',
        *(f'[limits."{key}"]\n{_table(limit)}' for key, limit in shape.limits.items()),
    ]
    config = folder / "cqworker.toml"
    config.write_text("\n".join(lines), encoding="utf-8")
    return config


def _table(values: Mapping[str, int | str]) -> str:
    return "\n".join(f"{name} = {json.dumps(value)}" for name, value in values.items())


async def _call_once(opened: JobServices) -> None:
    """Clients read the environment when they are first needed: from here on it may change again."""
    await SqsQueue(opened.clients, opened.settings.queues[0].name, SystemClock()).depth()
    await opened.artifacts.check()
    with suppress(JobNotFound):
        await opened.operator.show("nobody", None)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """This process's own environment, changed for as long as clients are made from it."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _on_path(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
