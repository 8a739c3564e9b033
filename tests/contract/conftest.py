"""Every test of this folder runs once for each world; the engines' only under their marker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from cqworker.aws.clients import AwsClients
from cqworker.embedded import EmbeddedAws, running_aws_sync
from cqworker.events import ignore
from cqworker.ports import Artifacts, JobQueue, JobStore
from tests.contract.clock import SetClock
from tests.contract.worlds import AwsWorld, MemoryWorld, World, use_environment


@pytest.fixture(scope="session")
def moto() -> Iterator[EmbeddedAws]:
    with running_aws_sync() as aws:
        yield aws


@pytest.fixture(params=["memory", "moto", pytest.param("engines", marks=pytest.mark.engines)])
async def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    if request.param == "memory":
        yield MemoryWorld()
        return
    service = request.getfixturevalue(request.param)
    use_environment(monkeypatch, service.environment if request.param == "moto" else service.environment())
    async with AwsClients(ignore) as clients:
        yield AwsWorld(clients)


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
