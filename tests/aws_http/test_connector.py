"""How the JSON client's connections come about, and what is said where none does."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from socket import AF_INET, AF_INET6, SOCK_STREAM, gaierror, socket
from typing import Any

import pytest
from botocore import exceptions as sdk

from cqworker.aws.http import connector
from cqworker.aws.http.pooled_transport import PooledTransport
from tests.aws_http.scripted_server import Line, Server, ask, ended, speaking
from tests.stopwatch import Stopwatch

HERE, SECOND, THIRD = "127.0.0.1", "127.0.0.2", "127.0.0.3"


@pytest.fixture
async def transport() -> AsyncIterator[PooledTransport]:
    made = PooledTransport(2)
    yield made
    await made.close()


class Network:
    """Names have the addresses of `hosts`; calls to `deaf` ones hang, those to `closed` ones are refused."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hosts = [SECOND, HERE]
        self.deaf: set[str] = set()
        self.closed: set[str] = set()
        self.look_ups = 0
        self.called: list[str] = []
        loop = asyncio.get_running_loop()
        self._really: Callable[..., Any] = loop.sock_connect
        monkeypatch.setattr(loop, "getaddrinfo", self.getaddrinfo)
        monkeypatch.setattr(loop, "sock_connect", self.sock_connect)

    async def getaddrinfo(self, _: str, port: int, **__: object) -> list[tuple[Any, ...]]:
        self.look_ups += 1
        await asyncio.sleep(0)
        if not self.hosts:
            raise gaierror("no such name")
        return [(AF_INET, SOCK_STREAM, 6, "", (host, port)) for host in self.hosts]

    async def sock_connect(self, line: socket, place: tuple[str, int]) -> None:
        self.called.append(place[0])
        if place[0] in self.deaf:
            await asyncio.Event().wait()
        if place[0] in self.closed:
            raise ConnectionRefusedError(111, "refused")
        await self._really(line, (HERE, place[1]))


@pytest.fixture
async def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    return Network(monkeypatch)


async def test_an_address_that_refuses_is_not_the_last_word(transport: PooledTransport, network: Network) -> None:
    network.closed = {SECOND}
    async with speaking(Line.echo) as server:
        assert (await ask(transport, server)).status == 200
        network.closed = {HERE, SECOND}
        await ended(transport)
        with pytest.raises(sdk.EndpointConnectionError):
            await ask(transport, server)


async def test_an_address_whose_packets_vanish_fails_no_call_and_is_called_last_from_then_on(
    transport: PooledTransport, network: Network
) -> None:
    network.hosts, network.deaf = [SECOND, THIRD, HERE], {SECOND, THIRD}
    async with speaking(Line.echo) as server:
        watch = Stopwatch()
        assert (await ask(transport, server)).status == 200
        assert watch.seconds < 1.5
        assert network.called == [SECOND, THIRD, HERE]
        await ended(transport)
        assert (await ask(transport, server)).status == 200
        assert network.called == [SECOND, THIRD, HERE, HERE]
        await ended(transport)
        network.deaf = {HERE, SECOND}
        assert (await ask(transport, server)).status == 200
        assert network.called[4:] == [HERE, SECOND, THIRD]


async def test_addresses_that_are_all_deaf_are_given_up_in_time(
    transport: PooledTransport, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    network.deaf = {HERE, SECOND}
    async with speaking(Line.echo) as server:
        with monkeypatch.context() as patch:
            patch.setattr(connector, "CONNECT_SECONDS", 0.05)
            patch.setattr(connector, "NEXT_ADDRESS_SECONDS", 0.01)
            with pytest.raises(sdk.ConnectTimeoutError):
                await ask(transport, server)
        network.deaf = set()
        assert (await ask(transport, server)).status == 200


def test_families_take_turns_and_the_resolvers_first_is_the_first() -> None:
    six, four = int(AF_INET6), int(AF_INET)
    found = [(six, "::1"), (six, "::2"), (six, "::3"), (four, HERE)]
    assert connector._interleave(found) == [(six, "::1"), (four, HERE), (six, "::2"), (six, "::3")]


async def test_connections_made_together_need_one_look_up(transport: PooledTransport, network: Network) -> None:
    async with speaking(Line.echo) as server:
        await asyncio.gather(*(ask(transport, server) for _ in range(20)))
    assert (network.look_ups, len(network.called)) == (1, 20)


async def test_a_name_that_is_not_known_is_looked_up_again(transport: PooledTransport, network: Network) -> None:
    async with speaking(Line.echo) as server:
        hosts, network.hosts = network.hosts, []
        with pytest.raises(sdk.EndpointConnectionError):
            await ask(transport, server)
        network.hosts = hosts
        assert (await ask(transport, server)).status == 200


async def test_a_service_that_does_not_agree_on_encryption_in_time_is_given_up(
    transport: PooledTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector, "HANDSHAKE_SECONDS", 0.05)
    async with speaking(Line.left) as server:
        place = server.address.url.with_scheme("https").with_port(server.address.url.port)
        secret = Server(replace(server.address, url=place, tls=ssl.create_default_context()))
        with pytest.raises(sdk.ConnectTimeoutError):
            await ask(transport, secret)
        await server.lines[0].over()
