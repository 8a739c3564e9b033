"""How the lean path's connections come about, and what is said where none does."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from socket import AF_INET, AF_INET6, SOCK_STREAM, gaierror
from typing import Any

import pytest
from botocore import exceptions as sdk

from cqworker.aws.lean import dialling
from cqworker.aws.lean.transport import Transport
from tests.lean.scripted_server import Line, Server, ask, ended, speaking

V4, V6 = "127.0.0.1", "::1"


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    made = Transport(2)
    yield made
    await made.close()


class Network:
    """Names have the addresses of `hosts`; calls to `deaf` ones hang, those to `closed` ones are refused."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hosts = [V6, V4]
        self.deaf: set[str] = set()
        self.closed: set[str] = set()
        self.look_ups = 0
        self.called: list[str] = []
        loop = asyncio.get_running_loop()
        self._really: Callable[..., Any] = loop.create_connection
        monkeypatch.setattr(loop, "getaddrinfo", self.getaddrinfo)
        monkeypatch.setattr(loop, "create_connection", self.create_connection)

    async def getaddrinfo(self, _: str, port: int, **__: object) -> list[tuple[Any, ...]]:
        self.look_ups += 1
        await asyncio.sleep(0)
        if not self.hosts:
            raise gaierror("no such name")
        return [(AF_INET6 if ":" in host else AF_INET, SOCK_STREAM, 6, "", (host, port)) for host in self.hosts]

    async def create_connection(self, make: object, host: str, port: int, **how: object) -> object:
        self.called.append(host)
        if host in self.deaf:
            await asyncio.Event().wait()
        if host in self.closed:
            raise ConnectionRefusedError(111, "refused")
        return await self._really(make, V4, port, **how)


@pytest.fixture
async def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    return Network(monkeypatch)


async def test_an_address_that_refuses_is_not_the_last_word(transport: Transport, network: Network) -> None:
    network.closed = {V6}
    async with speaking(Line.echo) as server:
        assert (await ask(transport, server)).status == 200
        network.closed = {V4, V6}
        await ended(transport)
        with pytest.raises(sdk.EndpointConnectionError):
            await ask(transport, server)


async def test_a_family_whose_packets_vanish_is_not_in_the_others_way(
    transport: Transport, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialling, "CONNECT", 0.05)
    network.deaf = {V6}
    async with speaking(Line.echo) as server:
        with pytest.raises(sdk.ConnectTimeoutError):
            await ask(transport, server)
        for _ in range(3):
            assert (await ask(transport, server)).status == 200
            await ended(transport)
        network.deaf = {V4}
        with pytest.raises(sdk.ConnectTimeoutError):
            await ask(transport, server)
        assert (await ask(transport, server)).status == 200
    assert network.called == [V6, V4, V4, V4, V4, V6]


async def test_connections_made_together_need_one_look_up(transport: Transport, network: Network) -> None:
    async with speaking(Line.echo) as server:
        await asyncio.gather(*(ask(transport, server) for _ in range(20)))
    assert (network.look_ups, len(network.called)) == (1, 20)


async def test_a_name_that_is_not_known_is_looked_up_again(transport: Transport, network: Network) -> None:
    async with speaking(Line.echo) as server:
        hosts, network.hosts = network.hosts, []
        with pytest.raises(sdk.EndpointConnectionError):
            await ask(transport, server)
        network.hosts = hosts
        assert (await ask(transport, server)).status == 200


async def test_a_service_that_does_not_agree_on_encryption_in_time_is_given_up(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialling, "CONNECT", 0.05)
    async with speaking(Line.left) as server:
        place = server.address.url.with_scheme("https").with_port(server.address.url.port)
        secret = Server(replace(server.address, url=place, tls=ssl.create_default_context()))
        with pytest.raises(sdk.ConnectTimeoutError):
            await ask(transport, secret)
        await server.lines[0].over()
