"""The look-up of a queue's address while SQS is mute: everybody waits for one, each no longer than for a call."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from cqworker.aws.aws_call import Answer, Read, Request
from cqworker.aws.clients import AwsClients
from cqworker.aws.operations import GET_QUEUE_URL, Operation
from cqworker.aws.sqs import message_queue
from cqworker.aws.sqs.message_queue import DEPTH_ATTRIBUTES, SqsQueue
from cqworker.clock import SystemClock
from cqworker.errors import Unavailable
from tests.aws.stub import Seen, ok, serving
from tests.stopwatch import Stopwatch

SpeakTo = Callable[..., None]
ALLOWED = 1.0
FINE = {"QueueUrl": "https://sqs.example/queue", "Attributes": dict.fromkeys(DEPTH_ATTRIBUTES, "7")}


class Hurried:
    """Clients whose look-ups have less time than they would."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    async def call(
        self, operation: Operation, request: Request, about: str, *, seconds: float = 15.0, read: Read | None = None
    ) -> Answer:
        allowed = ALLOWED if operation is GET_QUEUE_URL else seconds
        return await self._clients.call(operation, request, about, seconds=allowed, read=read)

    async def prepare(self, operation: Operation, about: str, seconds: float) -> None:
        await self._clients.prepare(operation, about, seconds)


@pytest.fixture
def queue(clients: AwsClients) -> SqsQueue:
    return SqsQueue(Hurried(clients), "jobs", SystemClock())


class Muteness:
    """An SQS that does not answer until it is back; `most` is how many look-ups were under way at a time."""

    def __init__(self) -> None:
        self.back = asyncio.Event()
        self.most = 0
        self._now = 0

    async def __call__(self, seen: Seen) -> web.StreamResponse:
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            await self.back.wait()
        finally:
            self._now -= 1
        return ok(**FINE)


async def test_all_who_wait_for_the_address_of_a_mute_queue_are_told_within_one_look_up(
    queue: SqsQueue, speak_to: SpeakTo
) -> None:
    mute = Muteness()
    async with serving(mute) as stub:
        speak_to(stub.url)
        watch = Stopwatch()
        calls: list[Awaitable[object]] = [queue.change_visibility([("r", 30)]) for _ in range(10)]
        calls += [queue.depth() for _ in range(10)]
        told = await asyncio.gather(*calls, return_exceptions=True)
        assert watch.seconds < 5 * ALLOWED, "one after the other they would take twenty times as long"
        assert [type(fault).__name__ for fault in told] == ["AwsFault"] * 20
        assert (len(stub.seen), mute.most) == (1, 1)
        mute.back.set()
        assert (await queue.depth()).visible == 7


async def test_a_caller_that_is_cancelled_leaves_the_look_up_to_the_others(queue: SqsQueue, speak_to: SpeakTo) -> None:
    mute = Muteness()
    async with serving(mute) as stub:
        speak_to(stub.url)
        first, second = (asyncio.create_task(queue.depth()) for _ in range(2))
        await stub.arrived(1)
        first.cancel()
        await asyncio.wait({first})
        mute.back.set()
        assert (await second).visible == 7
    assert [seen.operation for seen in stub.seen] == ["GetQueueUrl", "GetQueueAttributes"]


async def test_a_look_up_that_nobody_waits_for_any_more_ends(queue: SqsQueue, speak_to: SpeakTo) -> None:
    async with serving(Muteness()) as stub:
        speak_to(stub.url)
        before = asyncio.all_tasks()
        only = asyncio.create_task(queue.depth())
        await stub.arrived(1)
        only.cancel()
        await asyncio.wait({only})
        left = {task for task in asyncio.all_tasks() - before if "_look_up" in repr(task)}
    assert only.cancelled()
    assert not left


async def test_a_receive_spends_little_of_its_time_on_the_address(
    queue: SqsQueue, speak_to: SpeakTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_queue, "BEFORE_RECEIVE_SECONDS", 0.1)
    async with serving(Muteness()) as stub:
        speak_to(stub.url)
        watch = Stopwatch()
        with pytest.raises(Unavailable, match="GetQueueUrl in time") as caught:
            await queue.receive(1, 20, 60)
        assert watch.seconds < ALLOWED
    assert not caught.value.ambiguous


async def test_the_look_up_of_its_address_makes_a_receive_no_longer(
    queue: SqsQueue, speak_to: SpeakTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_queue, "RECEIVE_GRACE_SECONDS", 2.2)
    monkeypatch.setattr(sys.modules[__name__], "ALLOWED", 4.0)

    async def slowly(seen: Seen) -> web.StreamResponse:
        await asyncio.sleep(0.8 if seen.operation == "GetQueueUrl" else 10)
        return ok(**FINE)

    async with serving(slowly) as stub:
        speak_to(stub.url)
        watch = Stopwatch()
        with pytest.raises(Unavailable, match="ReceiveMessage in time"):
            await queue.receive(1, 0, 60)
        assert watch.seconds < 2.95, "the look-up's 0.8 s are among its 2.2 s"
