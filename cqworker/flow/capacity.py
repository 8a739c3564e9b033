"""How much this worker has in hand, and so how much it may ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from cqworker.events import Emit, SlotsChanged
from cqworker.flow.waiting import Condition
from cqworker.ports import BATCH, Delivery

RESERVED_FOR = 0.5
"""Seconds in which a receive is answered while its queue has messages."""
LINGER = 0.010
"""Seconds that a receive at saturation waits for ten free slots: a fuller batch is a cheaper job."""


class Slot:
    """The right to run one job. A `straggler`, a handler that would not stop, keeps it until it really ends."""

    __slots__ = ("_callbacks", "straggler")

    def __init__(self, give_back: Callable[[], None]) -> None:
        self._callbacks = [give_back]
        self.straggler: asyncio.Future[object] | None = None

    def keep_until(self, ended: asyncio.Future[object]) -> None:
        """Keeps the slot until this future is done, even if it is released before."""
        self.straggler = ended

    def when_free(self, callback: Callable[[], None]) -> None:
        """Calls `callback` when the slot is really free."""
        self._callbacks.append(callback)

    def release(self) -> None:
        """Frees the slot, now or once its straggler has ended."""
        straggler = self.straggler
        if straggler is not None and not straggler.done():
            straggler.add_done_callback(lambda _: self._free())
        else:
            self._free()

    def _free(self) -> None:
        for callback in self._callbacks:
            callback()


def _forget(_: object) -> None:
    """Where nobody needs to know."""


class Reservation:
    """Slots kept for one receive, for RESERVED_FOR seconds: an answer that takes longer brings nothing, most likely."""

    __slots__ = ("_count", "_timer", "_withdraw")

    def __init__(self, count: int, withdraw: Callable[[int], None]) -> None:
        self._count = count
        self._withdraw = withdraw
        self._timer = asyncio.get_running_loop().call_later(RESERVED_FOR, self.end)

    def end(self) -> None:
        """Gives up the slots, if that was not done before."""
        self._timer.cancel()
        count, self._count = self._count, 0
        if count:
            self._withdraw(count)


class Ask(NamedTuple):
    """A receive that makes sense: for how many messages; whom to tell what came, and that it was accepted."""

    asked: int
    note: Callable[[Sequence[Delivery]], None]
    end: Callable[[], None]


class Room(Protocol):
    """Where a poller asks for slots: all of a worker's, or a level's share of them."""

    total: int
    priority: str | None
    """What a message from there has that names no level."""

    async def ask(self, *, reserving: bool) -> Ask | None:
        """Waits until a receive makes sense; None when the worker stops. `reserving`: the last one brought messages."""
        ...

    def try_take(self) -> Slot | None:
        """Takes a slot if one is free."""
        ...

    async def take(self, timeout: float) -> Slot | None:
        """Takes a slot; None when none came free within `timeout` seconds, or the worker stops."""
        ...


class Capacity:
    """Counts the jobs in hand, and the slots that are reserved for busy receives.

    Nothing is reserved for an idle long poll: with several queues the quiet ones would otherwise hold the slots that
    the busy one needs. What arrives beyond the free slots waits a moment, then goes back.
    """

    priority: str | None = None

    def __init__(self, total: int, emit: Emit) -> None:
        self.total = total
        self.taken: int = 0
        self._reserved = 0
        self._closed = False
        self._emit = emit
        self._changed = Condition()
        self._one_receive = asyncio.Lock()

    @property
    def free(self) -> int:
        """Slots that are neither taken nor reserved."""
        return self.total - self.taken - self._reserved

    def close(self) -> None:
        """Gives out no more slots: the worker stops receiving, and those that wait for a slot get none."""
        self._closed = True
        self._changed.notify()

    async def wait_for_room(self) -> int:
        """Waits for a free slot, and 10 ms for ten; how many messages to ask for, 1 to 10, or 0 when closed."""
        async with self._one_receive:
            await self._changed.wait_for(lambda: self._closed or self.free >= 1, None)
            wanted = min(BATCH, self.total)
            if self.free < wanted and self.taken:
                await self._changed.wait_for(lambda: self._closed or self.free >= wanted, LINGER)
            return 0 if self._closed else max(1, min(BATCH, self.free))

    async def ask(self, *, reserving: bool) -> Ask | None:
        """As Room.ask(): slots are kept for a receive after another that brought messages, half a second at most."""
        asked = await self.wait_for_room()
        return Ask(asked, _forget, self.reserve(asked if reserving else 0).end) if asked else None

    def reserve(self, count: int, withdrawn: Callable[[int], None] = _forget) -> Reservation:
        """Keeps so many slots for one receive, half a second at most; `withdrawn` is told when that is over."""
        self._reserved += count

        def withdraw(given_up: int) -> None:
            self._reserved -= given_up
            withdrawn(given_up)
            self._changed.notify()

        return Reservation(count, withdraw)

    async def wait_for(self, holds: Callable[[], bool], timeout: float | None) -> bool:
        """Whether something that depends on the slots came to hold within `timeout` seconds; None waits for ever."""
        return await self._changed.wait_for(holds, timeout)

    def notify(self) -> None:
        """Who waits for slots looks again."""
        self._changed.notify()

    @property
    def is_closed(self) -> bool:
        """Whether the worker stops."""
        return self._closed

    async def take(self, timeout: float) -> Slot | None:
        """Takes a slot; None when none came free within `timeout` seconds, or the worker stops."""
        await self._changed.wait_for(lambda: self._closed or self.taken < self.total, timeout)
        return None if self._closed else self.try_take()

    def try_take(self) -> Slot | None:
        """Takes a slot if one is free."""
        if self.taken >= self.total:
            return None
        self.taken += 1
        self._emit(SlotsChanged(taken=self.taken, total=self.total))
        return Slot(self._give_back)

    def _give_back(self) -> None:
        self.taken -= 1
        self._emit(SlotsChanged(taken=self.taken, total=self.total))
        self._changed.notify()
