"""Deletes and visibility changes go ten to a request, and each entry that fails is repeated or told by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from cqworker.events import CopyRefreshed, Event, ReceiptRefused
from cqworker.flow.acknowledger import Acknowledger, Delete, Hide, Leave
from cqworker.model.envelope import Envelope
from cqworker.ports import Delivery, EntryFault, Letter
from cqworker.testing import MemoryQueue, VirtualClock
from tests.flow.faults import FaultyQueue, Mishap, refused, slow, unanswered, unheard
from tests.flow.world import story

JOB = Envelope(job_id="job-1", type="t", queue="jobs", max_attempts=10, created_at=1)


class Desk:
    """A queue with received messages, the receipts of it, and every request that was sent."""

    def __init__(self) -> None:
        self.memory = MemoryQueue("jobs", VirtualClock())
        self.line = FaultyQueue(self.memory)
        self.events: list[Event] = []
        self.acknowledger = Acknowledger(self.line, VirtualClock(), self.events.append, max_receive_count=40)

    async def received(self, count: int) -> list[Delivery]:
        for number in range(count):
            await self.memory.send(Letter(body=str(number)))
        found: list[Delivery] = []
        while len(found) < count:
            found += await self.memory.receive(10, 0, 60)
        return found

    def refusals(self) -> list[tuple[str, bool]]:
        return [(event.action, event.gone) for event in self.events if isinstance(event, ReceiptRefused)]


@story
async def test_deletes_travel_in_tens_and_leave_after_fifty_milliseconds_at_the_latest() -> None:
    desk = Desk()
    for delivery in await desk.received(23):
        desk.acknowledger.dispose(delivery, Delete(), JOB)
    assert desk.line.calls == []
    await asyncio.sleep(0.01)
    assert desk.line.calls == ["delete", "delete"]
    await asyncio.sleep(0.06)
    assert desk.line.calls == ["delete"] * 3
    await desk.acknowledger.flush()
    assert desk.memory.bodies == []


@story
async def test_visibility_changes_do_not_wait_for_company() -> None:
    desk = Desk()
    for delivery in await desk.received(3):
        desk.acknowledger.dispose(delivery, Hide(0.0), JOB)
    await asyncio.sleep(0.01)
    assert desk.line.calls == ["change_visibility"]
    assert (await desk.memory.depth()).visible == 3


@story
async def test_what_is_left_alone_is_not_touched() -> None:
    desk = Desk()
    [delivery] = await desk.received(1)
    desk.acknowledger.dispose(delivery, Leave(), JOB)
    await desk.acknowledger.flush()
    assert desk.line.calls == []


@story
async def test_entries_that_fail_are_repeated_alone() -> None:
    desk, sizes = Desk(), []
    delete = desk.memory.delete

    async def note(receipts: Sequence[str]) -> Sequence[EntryFault]:
        sizes.append(len(receipts))
        return await delete(receipts)

    desk.memory.delete = note  # type: ignore[method-assign]
    desk.line.faults = [("InternalError", False)] * 3
    for delivery in await desk.received(10):
        desk.acknowledger.dispose(delivery, Delete(), JOB)
    await desk.acknowledger.flush()
    assert desk.memory.bodies == []
    assert sizes == [7, 3]
    assert desk.refusals() == []


@story
async def test_an_entry_that_is_gone_is_told_and_not_repeated() -> None:
    desk = Desk()
    desk.line.faults = [("ReceiptHandleIsInvalid", True)]
    for delivery in await desk.received(2):
        desk.acknowledger.dispose(delivery, Delete(), JOB)
    await desk.acknowledger.flush()
    assert desk.line.calls == ["delete"]
    assert desk.refusals() == [("delete", True)]


@pytest.mark.parametrize("how", [Delete(), Hide(5.0)])
@story
async def test_an_entry_that_fails_five_times_is_told_and_given_up(how: Delete | Hide) -> None:
    desk = Desk()
    desk.line.away = refused
    for delivery in await desk.received(2):
        desk.acknowledger.dispose(delivery, how, JOB)
    await desk.acknowledger.flush()
    assert len(desk.line.calls) == 5
    assert [gone for _, gone in desk.refusals()] == [False, False]


@story
async def test_an_error_that_no_rule_foresaw_is_repeated_and_told_like_the_others() -> None:
    async def explode(_apply: object) -> None:
        raise KeyError("no rule foresaw this")

    desk = Desk()
    desk.line.on("delete", explode, 6)
    for delivery in await desk.received(20):
        desk.acknowledger.dispose(delivery, Delete(), JOB)
    await desk.acknowledger.flush()
    assert desk.memory.bodies == []
    desk.line.on("delete", explode, 5)
    for delivery in await desk.received(1):
        desk.acknowledger.dispose(delivery, Delete(), JOB)
    await desk.acknowledger.flush()
    assert desk.refusals() == [("delete", False)]


@story
async def test_a_flush_waits_for_requests_under_way_and_for_what_they_still_have_to_repeat() -> None:
    desk = Desk()
    desk.line.on("delete", slow(3))
    desk.line.faults = [("InternalError", False)]
    for delivery in await desk.received(10):
        desk.acknowledger.dispose(delivery, Delete(), JOB)
    await desk.acknowledger.flush()
    assert desk.memory.bodies == []


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.timeout(20)
@story
async def test_a_flush_that_meets_a_request_answered_this_very_moment_returns(turns: int) -> None:
    desk = Desk()
    answer: asyncio.Future[Sequence[EntryFault]] = asyncio.get_running_loop().create_future()
    desk.line.on("delete", lambda _apply: answer)
    for delivery in await desk.received(10):
        desk.acknowledger.dispose(delivery, Delete(), JOB)
    await asyncio.sleep(1)
    desk.line.latency = lambda: 0
    answer.set_result([])
    for _ in range(turns):
        await asyncio.sleep(0)
    await desk.acknowledger.flush()
    assert desk.refusals() == []


@pytest.mark.timeout(20)
@story
async def test_a_flush_that_meets_a_copy_sent_this_very_moment_returns() -> None:
    desk = Desk()
    copied: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wake(event: Event) -> None:
        if isinstance(event, CopyRefreshed):
            copied.set_result(None)

    desk.acknowledger = Acknowledger(desk.line, VirtualClock(), wake, max_receive_count=1)
    [delivery] = await desk.received(1)
    desk.acknowledger.dispose(delivery, Hide(5.0), JOB)
    await copied
    await desk.acknowledger.flush()
    assert len(desk.memory.bodies) == 1


@story
async def test_nothing_is_hidden_past_the_twelve_hours_from_its_receipt() -> None:
    asked: list[int] = []
    desk = Desk()
    change = desk.memory.change_visibility

    async def note(changes: Sequence[tuple[str, int]]) -> Sequence[EntryFault]:
        asked.extend(seconds for _, seconds in changes)
        return await change(changes)

    desk.memory.change_visibility = note  # type: ignore[method-assign]
    [delivery] = await desk.received(1)
    for hours in (0, 6, 13):
        await asyncio.sleep(hours * 3600 - asyncio.get_running_loop().time())
        desk.acknowledger.dispose(delivery, Hide(100_000.0), JOB)
        await desk.acknowledger.flush()
    assert asked == [43_195, 43_195 - 6 * 3600, 0]


@pytest.mark.parametrize("mishap", [refused, unheard, unanswered])
@pytest.mark.parametrize("how", [Delete(), Hide(0.0)], ids=["delete", "hide"])
@story
async def test_a_request_of_ten_that_fails_whole_is_repeated_with_each_of_the_ten(
    how: Delete | Hide, mishap: Mishap
) -> None:
    desk = Desk()
    call = "delete" if isinstance(how, Delete) else "change_visibility"
    desk.line.on(call, mishap, 3)
    for delivery in await desk.received(10):
        desk.acknowledger.dispose(delivery, how, JOB)
    await desk.acknowledger.flush()
    depth = await desk.memory.depth()
    assert (depth.visible, depth.in_flight) == ((0, 0) if isinstance(how, Delete) else (10, 0))
    assert desk.line.calls == [call] * 4
    assert desk.refusals() == []
