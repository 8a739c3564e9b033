"""A client and what stands behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from cqworker.aws.clients import AwsClients
from cqworker.client import Client
from cqworker.client.direct_transport import DirectTransport
from cqworker.daemon.standalone import JobServices
from cqworker.events import ignore
from cqworker.fleet.control_reader import ControlReader
from cqworker.flow.queue_control import QueueControl
from cqworker.testing.memory_fleet import MemoryFleet
from cqworker.web.app_context import AppContext, require
from tests.web.house import House, open_house

WAYS = ("over HTTP", "straight")
TEXT = {"text": "hello"}
TYPE = "text.transform"


@dataclass(frozen=True)
class Shop:
    """A client, and the house whose jobs it handles."""

    client: Client
    house: House


@asynccontextmanager
async def open_shop(way: str, **options: Any) -> AsyncIterator[Shop]:
    async with open_house(**options) as house, _client(way, house) as client:
        yield Shop(client, house)


def _client(way: str, house: House) -> Client:
    if way == "over HTTP":
        return Client.http(f"http://127.0.0.1:{house.port}/")

    @asynccontextmanager
    async def opening() -> AsyncIterator[DirectTransport]:
        yield DirectTransport(counter_of(house.context))

    return Client(opening)


def counter_of(context: AppContext) -> JobServices:
    return JobServices(
        submitter=require(context.submitter),
        operator=require(context.operator),
        lists=require(context.lists),
        operations=require(context.operations),
        artifacts=require(context.artifacts),
        fleet=require(context.fleet),
        limits=require(context.limits),
        control=ControlReader(MemoryFleet(), QueueControl(), context.clock, ignore),
        clock=context.clock,
        registry=context.registry,
        clients=AwsClients(ignore),
        settings=context.settings,
    )
