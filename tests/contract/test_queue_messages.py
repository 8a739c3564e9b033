"""What a queue does with messages: carry them whole, hand them out within limits, count and refuse."""

from __future__ import annotations

import asyncio
import time

import pytest

from cqworker.errors import MessageTooLarge
from cqworker.ports import Delivery, JobQueue, Letter
from tests.patience import scaled

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
HOUR = 3600


async def received(queue: JobQueue, count: int) -> list[Delivery]:
    """Receives until `count` messages are in hand, each hidden for an hour."""
    deliveries: list[Delivery] = []
    async with asyncio.timeout(scaled(10)):
        while len(deliveries) < count:
            deliveries += await queue.receive(10, 1, HOUR)
    return deliveries


async def test_a_message_arrives_as_it_was_sent(queue: JobQueue) -> None:
    before, since = time.time() * 1000, time.monotonic()
    await queue.send(Letter(body='{"text": "naïve ☃ 𝄞\\n"}\t\n'))
    [delivery] = await received(queue, 1)
    assert delivery.body == '{"text": "naïve ☃ 𝄞\\n"}\t\n'
    assert (delivery.queue, delivery.receive_count, delivery.traceparent) == (queue.name, 1, None)
    assert before - 1000 <= delivery.sent_at <= time.time() * 1000 + 1000
    assert since <= delivery.received_at <= time.monotonic()


async def test_the_trace_of_a_message_travels_with_it(queue: JobQueue) -> None:
    await queue.send(Letter(body="traced", traceparent=TRACEPARENT))
    [delivery] = await received(queue, 1)
    assert delivery.traceparent == TRACEPARENT


async def test_a_message_of_a_group_arrives_like_any_other(queue: JobQueue) -> None:
    await queue.send(Letter(body="fair", group="tenant-1"))
    [delivery] = await received(queue, 1)
    assert delivery.body == "fair"


async def test_an_empty_queue_answers_with_nothing(queue: JobQueue) -> None:
    assert list(await queue.receive(10, 0, HOUR)) == []


async def test_a_receive_brings_no_more_than_was_asked_for(queue: JobQueue) -> None:
    for number in range(5):
        await queue.send(Letter(body=str(number)))
    first = await queue.receive(3, 1, HOUR)
    assert 1 <= len(first) <= 3
    rest = await received(queue, 5 - len(first))
    assert sorted(delivery.body for delivery in [*first, *rest]) == ["0", "1", "2", "3", "4"]


async def test_receives_at_once_never_share_a_message(queue: JobQueue) -> None:
    for number in range(12):
        await queue.send(Letter(body=str(number)))
    batches = await asyncio.gather(*(queue.receive(3, 1, HOUR) for _ in range(4)))
    bodies = [delivery.body for batch in batches for delivery in batch]
    assert len(bodies) == len(set(bodies))


async def test_a_waiting_receive_is_answered_as_soon_as_a_message_arrives(queue: JobQueue) -> None:
    waiting = asyncio.create_task(queue.receive(10, 20, HOUR))
    await queue.send(Letter(body="wake up"))
    async with asyncio.timeout(scaled(10)):
        [delivery] = await waiting
    assert delivery.body == "wake up"


async def test_a_delayed_message_arrives_when_its_delay_is_over(queue: JobQueue) -> None:
    sent = time.monotonic()
    await queue.send(Letter(body="later", delay=1))
    early = await queue.receive(10, 0, HOUR)
    if time.monotonic() - sent < 1:
        assert list(early) == []
    [delivery] = early or await received(queue, 1)
    assert delivery.received_at - sent >= 0.9


async def test_the_depth_tells_visible_hidden_and_delayed_messages_apart(queue: JobQueue) -> None:
    for letter in (Letter(body="1"), Letter(body="2"), Letter(body="3"), Letter(body="4", delay=900)):
        await queue.send(letter)
    [_] = await queue.receive(1, 1, HOUR)
    depth = await queue.depth()
    assert (depth.visible, depth.in_flight, depth.delayed) == (2, 1, 1)


@pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")
async def test_a_message_of_exactly_one_mebibyte_is_taken(queue: JobQueue) -> None:
    await queue.send(Letter(body="x" * 1_048_576))
    [delivery] = await received(queue, 1)
    assert len(delivery.body) == 1_048_576


async def test_a_message_is_measured_in_bytes_and_refused_when_too_long(queue: JobQueue) -> None:
    with pytest.raises(MessageTooLarge):
        await queue.send(Letter(body="é" * 524_289))
    assert list(await queue.receive(10, 0, HOUR)) == []


async def test_ten_messages_of_one_request_arrive_each_as_it_was_sent(queue: JobQueue) -> None:
    letters = [Letter(body=f"{number}: ☃", traceparent=TRACEPARENT if number % 2 else None) for number in range(10)]
    assert list(await queue.send_many(letters)) == [None] * 10
    arrived = {delivery.body: delivery.traceparent for delivery in await received(queue, 10)}
    assert arrived == {letter.body: letter.traceparent for letter in letters}


async def test_each_message_of_a_request_has_its_own_delay(queue: JobQueue) -> None:
    assert list(await queue.send_many([Letter(body="later", delay=900), Letter(body="now")])) == [None, None]
    [delivery] = await received(queue, 1)
    assert delivery.body == "now"
    assert (await queue.depth()).delayed == 1


async def test_a_message_that_is_too_long_is_refused_alone(queue: JobQueue) -> None:
    letters = [Letter(body="a"), Letter(body="é" * 524_289), Letter(body="b")]
    first, second, third = await queue.send_many(letters)
    assert (first, third) == (None, None)
    assert isinstance(second, MessageTooLarge)
    assert sorted(delivery.body for delivery in await received(queue, 2)) == ["a", "b"]


@pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")
async def test_messages_too_long_for_one_request_together_arrive_all_the_same(queue: JobQueue) -> None:
    letters = [Letter(body=letter * 600_000) for letter in "ab"]
    assert list(await queue.send_many(letters)) == [None, None]
    assert sorted(delivery.body[0] for delivery in await received(queue, 2)) == ["a", "b"]


@pytest.mark.parametrize("count", [0, 11])
async def test_no_message_or_eleven_in_a_request_are_a_mistake_of_the_caller(queue: JobQueue, count: int) -> None:
    with pytest.raises(ValueError, match="1 to 10"):
        await queue.send_many([Letter(body="x")] * count)
    assert list(await queue.receive(10, 0, HOUR)) == []
