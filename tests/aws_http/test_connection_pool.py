"""How connections are shared: one request at a time on each, so many at a time in all, none that is stale."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import uvloop
from botocore import exceptions as sdk

from cqworker.aws.http import connection_pool as pool_module
from cqworker.aws.http import pooled_transport as transport_module
from cqworker.aws.http.fair_semaphore import FairSemaphore
from cqworker.aws.http.http_connection import HttpConnection
from cqworker.aws.http.pooled_transport import PooledTransport
from cqworker.aws.http.response_parser import ResponseParser
from tests.aws_http.scripted_server import Line, answer, ask, ended, speaking
from tests.patience import scaled


@pytest.fixture
async def transport() -> AsyncIterator[PooledTransport]:
    made = PooledTransport(2)
    yield made
    await made.close()


async def echo_on(line: Line) -> None:
    while True:
        await line.echo()


class Heard(list[bytes]):
    """The requests that came."""

    def __init__(self) -> None:
        super().__init__()
        self._one = asyncio.Semaphore(0)

    def note(self, body: bytes) -> None:
        self.append(body)
        self._one.release()

    async def another(self) -> None:
        """Waits until one more has come since the last call."""
        async with asyncio.timeout(scaled(5)):
            await self._one.acquire()


async def test_two_answers_are_never_mixed_up_after_a_request_was_cancelled(transport: PooledTransport) -> None:
    heard = Heard()
    release = asyncio.Event()

    async def speak(line: Line) -> None:
        while True:
            body = await line.hear()
            heard.note(body)
            if body == b"given up":
                line.say(answer(body)[:-3])
                await release.wait()
                line.say(body[-3:])
            else:
                line.say(answer(body))

    async with speaking(speak) as server:
        await ask(transport, server, b"warm")
        first = asyncio.create_task(ask(transport, server, b"given up"))
        for _ in range(2):
            await heard.another()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        release.set()
        for number in range(5):
            body = b"number %d" % number
            assert (await ask(transport, server, body)).body == body
        await server.lines[0].over()
    assert len(server.lines) == 2


async def test_whenever_a_request_is_cancelled_the_others_get_their_own_answers(transport: PooledTransport) -> None:
    async with speaking(echo_on) as server:
        await ask(transport, server)
        for slots in range(30):
            doomed = asyncio.create_task(ask(transport, server, b"doomed"))
            for _ in range(slots):
                await asyncio.sleep(0)
            doomed.cancel()
            bodies = [b"%d of %d" % (number, slots) for number in range(3)]
            replies = await asyncio.gather(*(ask(transport, server, body) for body in bodies))
            assert [reply.body for reply in replies] == bodies
            await asyncio.gather(doomed, return_exceptions=True)


async def test_an_idle_connection_that_the_server_closed_is_not_used_again(transport: PooledTransport) -> None:
    async with speaking(Line.echo) as server:
        for _ in range(3):
            assert (await ask(transport, server)).body == b"{}"
            await ended(transport)
    assert len(server.lines) == 3


async def test_a_connection_that_said_more_than_it_was_asked_is_not_used_again(transport: PooledTransport) -> None:
    async def speak(line: Line) -> None:
        await line.hear()
        line.say(answer(b"1") + (b"", answer(b"forged"), b"\r\nHTTP/1.1 2", b"rubbish")[line.number])
        if line.number == 0:
            await asyncio.sleep(0.02)  # the answer must have been read by then, or this is what number 1 is about
            line.say(answer(b"forged"))
        await line.left()

    async with speaking(speak) as server:
        for number in range(4):
            assert (await ask(transport, server)).body == b"1"
            await server.lines[number].over()
    assert len(server.lines) == 4


@pytest.mark.parametrize(
    "text", [answer(b"1", b"Connection: close"), b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n1"], ids=["1.1", "1.0"]
)
async def test_a_connection_of_which_the_server_says_that_it_closes_is_closed(
    transport: PooledTransport, text: bytes
) -> None:
    async def speak(line: Line) -> None:
        await line.hear()
        line.say(text)
        await line.left()

    async with speaking(speak) as server:
        for number in range(2):
            assert (await ask(transport, server)).body == b"1"
            await server.lines[number].over()


async def test_an_answer_that_came_before_all_was_sent_leaves_nothing_to_use_again(transport: PooledTransport) -> None:
    async def speak(line: Line) -> None:
        await line.reader.readuntil(b"\r\n\r\n")
        line.say(answer(b"too large"))
        await asyncio.sleep(5)

    async with speaking(speak) as server:
        for _ in range(2):
            assert (await ask(transport, server, b"x" * 2**24)).body == b"too large"
    assert len(server.lines) == 2


async def test_requests_wait_for_a_connection_in_the_order_in_which_they_came(transport: PooledTransport) -> None:
    heard = Heard()
    release = asyncio.Semaphore(0)

    async def speak(line: Line) -> None:
        while True:
            heard.note(await line.hear())
            await release.acquire()
            line.say(answer(b""))

    async with speaking(speak) as server:
        waiting = []
        for number in range(12):
            waiting.append(asyncio.create_task(ask(transport, server, b"%d" % number, poll=True)))
            await asyncio.sleep(0)
        for _ in range(4):
            await heard.another()
        waiting[6].cancel()
        for _ in range(7):
            release.release()
            await heard.another()
        for _ in range(4):
            release.release()
        await asyncio.gather(*waiting, return_exceptions=True)
    assert heard[4:] == [b"4", b"5", b"7", b"8", b"9", b"10", b"11"]
    assert len(server.lines) == 4, "two pollers have four connections"


@pytest.mark.parametrize("moments", ["give up, look, pass on", "give up, pass on", "pass on, give up"])
async def test_a_turn_is_never_lost_with_one_who_gave_up(moments: str) -> None:
    slots = FairSemaphore(1)
    assert slots.try_acquire()
    first, second = (asyncio.create_task(slots.acquire()) for _ in range(2))
    await asyncio.sleep(0)
    for moment in moments.split(", "):
        if moment == "look":
            await asyncio.sleep(0)
        elif moment == "give up":
            first.cancel()
        else:
            slots.release()
    async with asyncio.timeout(scaled(5)):
        await second
    assert first.cancelled()
    assert not slots.try_acquire()
    slots.release()
    assert [slots.try_acquire(), slots.try_acquire()] == [True, False]


async def test_a_request_does_not_wait_for_those_that_wait_for_messages(transport: PooledTransport) -> None:
    async def speak(line: Line) -> None:
        if await line.hear() != b"poll":
            line.say(answer(b""))
        await line.left()

    async with speaking(speak) as server:
        polls = [asyncio.create_task(ask(transport, server, b"poll", poll=True)) for _ in range(9)]
        assert (await ask(transport, server)).status == 200
        for poll in polls:
            poll.cancel()
        await asyncio.gather(*polls, return_exceptions=True)


async def test_a_connection_that_failed_leaves_its_place_to_the_next(transport: PooledTransport) -> None:
    async def speak(line: Line) -> None:
        await line.hear()

    async with speaking(speak) as server:
        ends = await asyncio.gather(*(ask(transport, server, poll=True) for _ in range(20)), return_exceptions=True)
    assert {type(end) for end in ends} == {sdk.ConnectionClosedError}
    ends = await asyncio.gather(*(ask(transport, server, poll=True) for _ in range(20)), return_exceptions=True)
    assert {type(end) for end in ends} == {sdk.EndpointConnectionError}


async def test_an_idle_connection_is_closed_in_time(
    transport: PooledTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "KEEP_ALIVE_SECONDS", 0.05)
    monkeypatch.setattr(transport_module, "SWEEP_SECONDS", 0.01)
    async with speaking(echo_on) as server:
        await ask(transport, server)
        await server.lines[0].over()


async def test_an_idle_connection_that_is_too_old_is_not_used_again(
    transport: PooledTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with speaking(echo_on) as server:
        await ask(transport, server)
        monkeypatch.setattr(pool_module, "KEEP_ALIVE_SECONDS", 0.0)
        await asyncio.sleep(0.05)
        await ask(transport, server)
    assert len(server.lines) == 2


async def test_nothing_is_left_of_connections_that_are_gone(transport: PooledTransport) -> None:
    gc.collect()
    gc.disable()
    try:
        async with speaking(Line.echo) as server:
            for _ in range(20):
                await ask(transport, server)
                await ended(transport)
            left = sum(isinstance(thing, HttpConnection | ResponseParser) for thing in gc.get_objects())
    finally:
        gc.enable()
    assert left <= 2, "the last one is still in the pool"


STORIES = (
    test_two_answers_are_never_mixed_up_after_a_request_was_cancelled,
    test_whenever_a_request_is_cancelled_the_others_get_their_own_answers,
    test_an_idle_connection_that_the_server_closed_is_not_used_again,
    test_a_connection_that_said_more_than_it_was_asked_is_not_used_again,
    test_an_answer_that_came_before_all_was_sent_leaves_nothing_to_use_again,
    test_a_connection_that_failed_leaves_its_place_to_the_next,
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__[5:])
def test_everything_holds_on_uvloop_too(story: Callable[[PooledTransport], Awaitable[None]]) -> None:
    async def tell() -> None:
        transport = PooledTransport(2)
        await story(transport)
        await transport.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(tell())
