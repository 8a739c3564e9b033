"""When entries that are gathered leave, and which of them leave together."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from cqworker.gatherer import Gatherer
from tests.flow.world import story

LINGER = 3.0


class Requests:
    """Writes down when each request was sent and what it held; each takes `seconds`."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.began = asyncio.get_running_loop().time()
        self.sent: list[tuple[object, list[str]]] = []

    async def send(self, entries: list[str]) -> None:
        moment = asyncio.get_running_loop().time() - self.began
        self.sent.append((pytest.approx(moment, abs=1e-4), entries))
        await asyncio.sleep(self.seconds)


def add(gatherer: Gatherer[str], *entries: str) -> None:
    for entry in entries:
        gatherer.add(entry)


@story
async def test_by_default_the_first_entry_waits_its_whole_time_and_takes_the_others_along() -> None:
    requests = Requests()
    gatherer = Gatherer(requests.send, 3, LINGER)
    add(gatherer, "a")
    await asyncio.sleep(2)
    add(gatherer, "b")
    await asyncio.sleep(2)
    assert requests.sent == [(LINGER, ["a", "b"])]


@story
async def test_a_full_request_waits_for_nothing() -> None:
    requests = Requests()
    gatherer = Gatherer(requests.send, 3, LINGER)
    add(gatherer, *"abcd")
    await asyncio.sleep(4)
    assert requests.sent == [(0, ["a", "b", "c"]), (LINGER, ["d"])]


@story
async def test_by_default_the_end_of_a_request_sends_nobody_off() -> None:
    requests = Requests(seconds=1.0)
    gatherer = Gatherer(requests.send, 2, LINGER)
    add(gatherer, *"abc")
    await asyncio.sleep(4)
    assert requests.sent == [(0, ["a", "b"]), (LINGER, ["c"])]


@story
async def test_where_a_lone_entry_leaves_at_once_the_end_of_the_last_request_sends_off_all() -> None:
    requests = Requests(seconds=1.0)
    gatherer = Gatherer(requests.send, 2, LINGER, lone_at_once=True)
    add(gatherer, *"abc")
    await asyncio.sleep(4)
    assert requests.sent == [(0, ["a", "b"]), (1, ["c"])]


@story
async def test_a_request_made_elsewhere_is_waited_for_like_the_gatherers_own() -> None:
    requests = Requests()
    gatherer = Gatherer(requests.send, 2, LINGER, lone_at_once=True)
    gatherer.outside_requests += 1
    add(gatherer, "a")
    await asyncio.sleep(2)
    assert requests.sent == []
    gatherer.outside_requests -= 1
    gatherer.send_if_idle()
    await asyncio.sleep(0)
    assert requests.sent == [(2, ["a"])]


@story
async def test_a_request_that_is_left_without_entries_is_not_sent() -> None:
    requests = Requests()

    def select(waiting: list[str]) -> tuple[list[str], list[str]]:
        return [entry for entry in waiting if entry != "given up"], []

    gatherer = Gatherer(requests.send, 2, LINGER, select=select)
    add(gatherer, "given up")
    await gatherer.flush()
    add(gatherer, "given up", "a")
    await gatherer.flush()
    assert requests.sent == [(0, ["a"])]


@story
async def test_an_entry_alone_in_its_request_can_go_another_way() -> None:
    requests, alone = Requests(), list[str]()
    gatherer = Gatherer(requests.send, 2, LINGER, send_lone=alone.append)
    add(gatherer, *"abc")
    await gatherer.flush()
    assert (requests.sent, alone) == ([(0, ["a", "b"])], ["c"])


@story
async def test_a_flush_returns_when_every_request_has_ended_those_that_came_meanwhile_too() -> None:
    requests = Requests(seconds=1.0)
    gatherer = Gatherer(requests.send, 2, LINGER, lone_at_once=True)
    add(gatherer, "a")
    asyncio.get_running_loop().call_later(0.5, partial(gatherer.add, "b"))
    await gatherer.flush()
    assert requests.sent == [(0, ["a"]), (1, ["b"])]
    assert asyncio.get_running_loop().time() - requests.began == pytest.approx(2, abs=1e-4)
