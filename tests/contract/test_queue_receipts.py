"""What a queue does with receipts: hide, show, delete, count deliveries, and bury."""

from __future__ import annotations

import asyncio

import pytest

from cqworker.ports import Delivery, JobQueue, Letter
from tests.contract.test_queue_messages import HOUR, received
from tests.contract.worlds import World
from tests.patience import scaled

UNKNOWN = "no-receipt-of-any-message"


async def two_in_hand(queue: JobQueue, visibility: int) -> dict[str, Delivery]:
    """The messages "a" and "b", received and hidden for so many seconds, by their bodies."""
    for body in ("a", "b"):
        await queue.send(Letter(body=body))
    deliveries: dict[str, Delivery] = {}
    async with asyncio.timeout(scaled(10)):
        while len(deliveries) < 2:
            deliveries |= {delivery.body: delivery for delivery in await queue.receive(2, 1, visibility)}
    return deliveries


async def test_a_message_comes_again_when_its_visibility_ends_and_a_deleted_one_does_not(queue: JobQueue) -> None:
    held = await two_in_hand(queue, visibility=1)
    assert list(await queue.delete([held["a"].receipt])) == []
    [again] = await received(queue, 1)
    assert (again.body, again.receive_count) == ("b", 2)
    assert again.receipt != held["b"].receipt


async def test_a_message_given_back_comes_at_once_and_one_hidden_longer_stays_away(queue: JobQueue) -> None:
    held = await two_in_hand(queue, visibility=1)
    changes = [(held["a"].receipt, HOUR), (held["b"].receipt, 0)]
    assert list(await queue.change_visibility(changes)) == []
    [again] = await received(queue, 1)
    assert (again.body, again.message_id) == ("b", held["b"].message_id)
    await asyncio.sleep(1.1)  # its first second is over
    assert list(await queue.receive(10, 0, HOUR)) == []


async def test_a_bad_receipt_does_not_keep_others_from_being_deleted(queue: JobQueue) -> None:
    held = await two_in_hand(queue, visibility=HOUR)
    faults = await queue.delete([held["a"].receipt, UNKNOWN, held["b"].receipt])
    assert all(fault.receipt == UNKNOWN and fault.gone and fault.reason for fault in faults)
    left = await queue.depth()
    assert (left.visible, left.in_flight) == (0, 0)


async def test_a_bad_receipt_does_not_keep_others_from_being_given_back(queue: JobQueue) -> None:
    held = await two_in_hand(queue, visibility=HOUR)
    faults = await queue.change_visibility([(held["a"].receipt, 0), (UNKNOWN, 0), (held["b"].receipt, 0)])
    assert [(fault.receipt, fault.gone) for fault in faults] == [(UNKNOWN, True)]
    assert sorted(delivery.body for delivery in await received(queue, 2)) == ["a", "b"]


async def test_a_batch_takes_ten_entries(queue: JobQueue) -> None:
    for number in range(10):
        await queue.send(Letter(body=str(number)))
    deliveries = await received(queue, 10)
    assert list(await queue.change_visibility([(delivery.receipt, 0) for delivery in deliveries])) == []
    again = await received(queue, 10)
    assert list(await queue.delete([delivery.receipt for delivery in again])) == []
    assert list(await queue.receive(10, 0, HOUR)) == []


@pytest.mark.parametrize("count", [0, 11])
async def test_a_batch_of_none_or_of_eleven_is_a_mistake_of_the_caller(queue: JobQueue, count: int) -> None:
    with pytest.raises(ValueError, match="1 to 10"):
        await queue.delete([UNKNOWN] * count)
    with pytest.raises(ValueError, match="1 to 10"):
        await queue.change_visibility([(UNKNOWN, 0)] * count)


async def test_a_message_received_too_often_ends_in_the_dead_letter_queue(world: World) -> None:
    queue, dead = await world.queue_with_dead_letters(max_receive_count=2)
    await queue.send(Letter(body="poison"))
    for count in (1, 2):
        [delivery] = await queue.receive(1, 1, 0)
        assert delivery.receive_count == count
    assert list(await queue.receive(1, 0, 0)) == []
    [buried] = await received(dead, 1)
    assert (buried.body, buried.queue) == ("poison", dead.name)
    assert (await queue.depth()).visible == 0
