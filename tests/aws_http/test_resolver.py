"""A resolver that fails, keeps silent, and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from socket import AF_INET, SOCK_STREAM, gaierror
from typing import Any

import pytest
from botocore import exceptions as sdk

from cqworker.aws.http import resolver as names
from cqworker.aws.http.pooled_transport import PooledTransport
from tests.aws_http.scripted_server import Line, ask, speaking
from tests.web.house import until


class Resolver:
    """Answers with loopback, fails, or keeps silent until it is `released`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fails = False
        self.silent = False
        self.asked = 0
        self.released = asyncio.Event()
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", self.getaddrinfo)

    async def getaddrinfo(self, _: str, port: int, **__: object) -> list[tuple[Any, ...]]:
        self.asked += 1
        if self.silent:
            await self.released.wait()
        if self.fails:
            raise gaierror(-3, "Temporary failure in name resolution")
        return [(AF_INET, SOCK_STREAM, 6, "", ("127.0.0.1", port))]


@pytest.fixture
async def transport() -> AsyncIterator[PooledTransport]:
    made = PooledTransport(2)
    yield made
    await made.close()


@pytest.fixture
async def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    """One that is asked for each connection, unless it has failed just before."""
    monkeypatch.setattr(names, "CACHE_SECONDS", 0.0)
    return Resolver(monkeypatch)


async def one_more_connection(transport: PooledTransport, server: Any, number: int) -> None:
    """Requests side by side need as many connections."""
    replies = await asyncio.gather(*(ask(transport, server) for _ in range(number)))
    assert {reply.status for reply in replies} == {200}
    assert len(server.lines) == number


async def echo(line: Line) -> None:
    """Answers for as long as the client likes."""
    while True:
        await line.echo()


async def test_while_the_resolver_fails_connections_go_where_they_went_before(
    transport: PooledTransport, resolver: Resolver
) -> None:
    async with speaking(echo) as server:
        await one_more_connection(transport, server, 1)
        resolver.fails = True
        await one_more_connection(transport, server, 5)
        assert resolver.asked == 2, "it is left alone for a moment"
        resolver.fails = False
        await one_more_connection(transport, server, 9)


async def test_while_the_resolver_keeps_silent_old_addresses_serve_after_a_moment(
    transport: PooledTransport, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "STALE_AFTER_SECONDS", 0.01)
    async with speaking(echo) as server:
        await one_more_connection(transport, server, 1)
        resolver.silent = True
        await one_more_connection(transport, server, 5)
        resolver.silent = False
        resolver.released.set()
        await one_more_connection(transport, server, 9)


async def test_those_who_give_up_waiting_leave_one_look_up_behind_and_not_one_each(
    transport: PooledTransport, resolver: Resolver
) -> None:
    resolver.silent = True
    async with speaking(echo) as server:
        for _ in range(20):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.002):
                    await ask(transport, server)
        assert resolver.asked == 1
        resolver.released.set()
        assert (await ask(transport, server)).status == 200
        assert resolver.asked == 1


async def test_a_name_that_never_had_an_address_is_told_each_time_and_found_when_it_has_one(
    transport: PooledTransport, resolver: Resolver
) -> None:
    resolver.fails = True
    async with speaking(echo) as server:
        for _ in range(3):
            with pytest.raises(sdk.EndpointConnectionError, match="127"):
                await ask(transport, server)
        resolver.fails = False
        assert (await ask(transport, server)).status == 200


async def test_a_transport_that_closes_waits_for_no_resolver(resolver: Resolver) -> None:
    resolver.silent = True
    transport = PooledTransport(2)
    async with speaking(echo) as server:
        asking = asyncio.create_task(ask(transport, server))
        await until(lambda: resolver.asked)
        asking.cancel()
        await asyncio.wait([asking])
        await transport.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}
