"""More connections than places: who gets one, and what the others are told."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from cqworker.model.status import Status
from cqworker.web.connection_limit import Wait
from cqworker.web.error_replies import MAX_LINGERING
from tests.patience import scaled
from tests.web.house import House, open_house, token, until
from tests.web.raw import RawAnswer, Wire, exchange, read_answer, wire

PROBE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
VITAL = ("/healthz", "/readyz", "/metrics")
CROWDED = "urn:cqworker:problem:crowded"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits at all may be sent away."""
    monkeypatch.setattr("cqworker.web.connection_limit.MIN_WAIT", 0.0)


def half_body(secret: str = "", came: int = 1) -> bytes:
    """A submission whose body stops after so many bytes."""
    known = f"Authorization: Bearer {secret}\r\n" if secret else ""
    head = f"POST /jobs HTTP/1.1\r\nHost: localhost\r\n{known}Content-Type: application/json\r\nContent-Length: 100000"
    return head.encode() + b"\r\n\r\n" + b" " * came


async def crowd(stack: AsyncExitStack, house: House, sent: bytes, number: int, wait: Wait = Wait.BODY) -> list[Wire]:
    """So many connections that sent this and now wait."""
    before = house.connection_limit.count(wait)
    wires = []
    for _ in range(number):
        wires.append(await stack.enter_async_context(wire(house.port)))
        wires[-1][1].write(sent)
    await until(lambda: house.connection_limit.count(wait) - before == number)
    return wires


async def told(reader: asyncio.StreamReader) -> RawAnswer:
    """What one who was sent away reads: an answer, and then the end."""
    answer = await asyncio.wait_for(read_answer(reader), scaled(5))
    assert await asyncio.wait_for(reader.read(), scaled(5)) == b""
    return answer


async def test_vital_calls_are_answered_beside_half_sent_bodies_in_every_place() -> None:
    async with open_house(places=6, reserve=2) as house, AsyncExitStack() as stack:
        await crowd(stack, house, half_body(), 6)
        for path in VITAL * 5:
            answer = await exchange(house.port, PROBE.replace(b"/healthz", path.encode()))
            assert answer.status == 200


async def test_a_half_sent_body_that_makes_room_is_told_so() -> None:
    async with open_house(places=3, reserve=2) as house, AsyncExitStack() as stack:
        wires = await crowd(stack, house, half_body(), 3)
        assert (await exchange(house.port, PROBE)).status == 200
        answer = await told(wires[0][0])
        assert (answer.status, answer.problem["type"]) == (503, CROWDED)
        assert answer.headers["retry-after"]
        assert answer.headers["connection"] == "close"
        assert house.connection_limit.count(Wait.BODY) == 2


async def test_one_tenants_half_sent_bodies_leave_another_its_places() -> None:
    tokens = (token("greedy", "submit", tenant="greedy"), token("modest", "submit", tenant="modest"))
    async with open_house(tokens=tokens, places=6, reserve=2) as house, AsyncExitStack() as stack:
        modest = await crowd(stack, house, half_body("modest"), 1)
        greedy = await crowd(stack, house, half_body("greedy"), 5)
        for number in range(2):
            modest.append(await stack.enter_async_context(wire(house.port)))
            modest[-1][1].write(half_body("modest"))
            assert (await told(greedy[number][0])).status == 503
        await until(lambda: house.connection_limit.count(Wait.BODY) == 6)
        assert not any(reader.at_eof() for reader, _ in modest)


async def test_a_body_that_comes_quickly_is_not_sent_away_for_those_that_stop() -> None:
    async with open_house(places=3, reserve=2) as house, AsyncExitStack() as stack:
        (quick,) = await crowd(stack, house, half_body(came=90_000), 1)
        await crowd(stack, house, half_body(), 2)
        assert (await exchange(house.port, PROBE)).status == 200
        quick[1].write(b'{"type": "text.transform", "payload": {"text": "x"}}'.rjust(10_000))
        assert (await read_answer(quick[0])).status == 202


@pytest.mark.parametrize(("sent", "status"), [(b"GET /hea", 503), (b"", None), (PROBE, None)])
async def test_half_a_head_that_makes_room_is_told_so_and_an_idle_connection_is_closed(
    sent: bytes, status: int | None
) -> None:
    async with open_house(places=1, reserve=2) as house, AsyncExitStack() as stack:
        ((reader, _),) = await crowd(stack, house, sent, 1, Wait.HEAD)
        if sent == PROBE:
            assert (await read_answer(reader)).status == 200
        assert (await exchange(house.port, PROBE)).status == 200
        if status is not None:
            assert (await told(reader)).status == status
        assert await asyncio.wait_for(reader.read(), scaled(5)) == b""


async def test_hundreds_of_half_heads_do_not_keep_anybody_from_being_served() -> None:
    async with open_house(places=50, reserve=10) as house, AsyncExitStack() as stack:
        for _ in range(200):
            _, writer = await stack.enter_async_context(wire(house.port))
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
        async with asyncio.timeout(scaled(5)):
            for _ in range(20):
                assert (await exchange(house.port, PROBE)).status == 200
        assert len(house.connection_limit) <= 60


async def test_who_waits_for_a_job_is_answered_with_it_as_it_is_when_the_place_is_needed() -> None:
    async with open_house(places=2, reserve=2) as house:
        job = await house.submit()
        mark_waiting = [asyncio.create_task(house.get(f"/jobs/{job['job_id']}?wait=20")) for _ in range(2)]
        await until(lambda: house.connection_limit.count(Wait.END) == 2)
        assert (await exchange(house.port, PROBE.replace(b"healthz", b"handlers"))).status == 200
        await until(lambda: any(wait.done() for wait in mark_waiting))
        house.rewrite(job["job_id"], Status.SUCCEEDED)
        statuses = [(await wait)[1]["status"] for wait in mark_waiting]
        assert sorted(statuses) == ["QUEUED", "SUCCEEDED"]


async def busy(house: House, stack: AsyncExitStack, number: int, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """So many requests that wait for the store, until the event is set."""
    free, add = asyncio.Event(), []

    async def slowly(_: object) -> None:
        add.append(1)
        await free.wait()

    monkeypatch.setattr(house.store, "get", slowly)
    for place in range(number):
        _, writer = await stack.enter_async_context(wire(house.port))
        writer.write(PROBE.replace(b"healthz", b"jobs/%d" % place))
    await until(lambda: len(add) == number)
    return free


async def test_when_every_place_is_at_work_vital_calls_are_answered_and_others_told_to_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_house(places=2, reserve=2) as house, AsyncExitStack() as stack:
        free = await busy(house, stack, 2, monkeypatch)
        for _ in range(3):
            assert (await exchange(house.port, PROBE)).status == 200
            answer = await exchange(house.port, PROBE.replace(b"healthz", b"handlers"))
            assert (answer.status, answer.problem["type"]) == (503, CROWDED)
            assert answer.headers["retry-after"]
        free.set()
        await until(lambda: house.is_idle)
        assert (await exchange(house.port, PROBE.replace(b"healthz", b"handlers"))).status == 200


async def test_a_connection_for_which_nobody_can_make_room_reads_503_whatever_it_sends(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.connection_limit, "admit", lambda: False)
    async with AsyncExitStack() as stack:
        for _ in range(MAX_LINGERING):
            reader, writer = await stack.enter_async_context(wire(house.port))
            writer.write(half_body(came=100_000))
            answer = await told(reader)
            assert (answer.status, answer.problem["type"]) == (503, CROWDED)
            assert answer.headers["x-content-type-options"] == "nosniff"
        reader, _ = await stack.enter_async_context(wire(house.port))
        assert (await told(reader)).status == 503


async def test_a_refusal_is_read_even_by_one_who_is_in_the_midst_of_sending(house: House) -> None:
    """A close on bytes that nobody read is a reset, and a reset takes along what the client has not read."""
    async with wire(house.port) as (reader, writer):
        writer.write(b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000000\r\n\r\n")
        await until(lambda: house.connection_limit.count(Wait.HEAD) == 0)
        for _ in range(20):
            writer.write(b"x" * 100_000)
            await writer.drain()
        answer = await told(reader)
        assert (answer.status, answer.headers["connection"]) == (413, "close")


async def test_half_sent_bodies_are_spared_where_there_is_room(house: House) -> None:
    async with AsyncExitStack() as stack:
        wires = await crowd(stack, house, half_body(), 30)
        assert (await exchange(house.port, PROBE)).status == 200
        assert not any(reader.at_eof() for reader, _ in wires)
