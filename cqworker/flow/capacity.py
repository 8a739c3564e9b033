"""How much this worker has in hand, and so how much it may ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cqworker.events import Emit, SlotsChanged
from cqworker.flow.waiting import Condition
from cqworker.ports import BATCH

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


class Capacity:
    """Counts the jobs in hand, and the slots that are reserved for busy receives.

    Nothing is reserved for an idle long poll: with several queues the quiet ones would otherwise hold the slots that
    the busy one needs. What arrives beyond the free slots waits a moment, then goes back.
    """

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

    def reserve(self, count: int) -> Reservation:
        """Keeps so many slots for one receive, half a second at most: for one after another that brought messages."""
        self._reserved += count
        return Reservation(count, self._withdraw)

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

    def _withdraw(self, count: int) -> None:
        self._reserved -= count
        self._changed.notify()

    def _give_back(self) -> None:
        self.taken -= 1
        self._emit(SlotsChanged(taken=self.taken, total=self.total))
        self._changed.notify()
