"""Every test of this folder runs once for each world; moto's and the engines' only under their markers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cqworker.aws.clients import AwsClients
from cqworker.events import ignore
from cqworker.ports import Artifacts, JobQueue, JobStore
from tests.contract.clock import SetClock
from tests.contract.worlds import AwsWorld, MemoryWorld, World, use_environment

WAYS = ("", " through the SDK", " in batches")
WORLDS = [
    "memory",
    *(pytest.param(name, marks=pytest.mark.processes) for name in ("moto", "moto through the SDK")),
    "bench",
    "bench in batches",
    *(pytest.param(f"engines{how}", marks=pytest.mark.engines) for how in WAYS),
]


WORLDS_WITH_TRANSACTIONS = [param for param in WORLDS if not (isinstance(param, str) and param.startswith("bench"))]
"""Without the bench's own endpoint, which knows what jobs need and no transactions."""


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with open_world(request, monkeypatch) as opened:
        yield opened


@asynccontextmanager
async def open_world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """The world that the fixture's parameter names."""
    name, _, how = request.param.partition(" ")
    if name == "memory":
        yield MemoryWorld()
        return
    service = request.getfixturevalue(name)
    use_environment(monkeypatch, service.environment() if name == "engines" else service.environment)
    async with AwsClients(ignore, lean=how != "through the SDK") as clients:
        yield AwsWorld(clients, in_batches=how == "in batches")


@pytest.fixture
async def queue(world: World) -> JobQueue:
    return await world.queue()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
async def store(world: World, clock: SetClock) -> JobStore:
    return await world.store(clock)


@pytest.fixture
async def artifacts(world: World) -> Artifacts:
    return await world.artifacts()
