"""How much this worker has in hand, and so how much it may ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cqworker.events import Emit, SlotsChanged
from cqworker.flow.wait_until import Notice
from cqworker.ports import BATCH

PROMISED = 0.5
"""Seconds in which a receive is answered while its queue has messages."""
LINGER = 0.010
"""Seconds that a receive at saturation waits for ten free slots: a fuller batch is a cheaper job."""


class Slot:
    """One job's place; the `straggler`, a handler that would not stop, keeps it until it really ends."""

    __slots__ = ("_acts", "straggler")

    def __init__(self, give_back: Callable[[], None]) -> None:
        self._acts = [give_back]
        self.straggler: asyncio.Future[object] | None = None

    def keep_until(self, ended: asyncio.Future[object]) -> None:
        """The place is not free before this future is done, whatever release() says."""
        self.straggler = ended

    def when_free(self, act: Callable[[], None]) -> None:
        """Calls `act` when the place is really free."""
        self._acts.append(act)

    def release(self) -> None:
        straggler = self.straggler
        if straggler is not None and not straggler.done():
            straggler.add_done_callback(lambda _: self._free())
        else:
            self._free()

    def _free(self) -> None:
        for act in self._acts:
            act()


class Promise:
    """Places kept for a receive while it may still bring as many messages: an idle one takes many times as long."""

    __slots__ = ("_count", "_timer", "_withdraw")

    def __init__(self, count: int, withdraw: Callable[[int], None]) -> None:
        self._count = count
        self._withdraw = withdraw
        self._timer = asyncio.get_running_loop().call_later(PROMISED, self.end)

    def end(self) -> None:
        """Gives up the places, if that was not done before."""
        self._timer.cancel()
        count, self._count = self._count, 0
        if count:
            self._withdraw(count)


class Slots:
    """Counts the jobs in hand and those that busy receives were promised.

    An idle long poll is promised nothing: with several queues the quiet ones would otherwise hold the places that the
    busy one needs. What arrives beyond the free places waits a moment, then goes back.
    """

    def __init__(self, total: int, emit: Emit) -> None:
        self.total = total
        self.taken: int = 0
        self._promised = 0
        self._closed = False
        self._emit = emit
        self._changed = Notice()
        self._turnstile = asyncio.Lock()

    @property
    def free(self) -> int:
        return self.total - self.taken - self._promised

    def close(self) -> None:
        """No more room from now on: the worker stops receiving, and who waits for a place gets none."""
        self._closed = True
        self._changed.post()

    async def room(self) -> int:
        """How many messages to ask for now, 1 to 10; waits for the first place, and a little for ten; 0 when closed."""
        async with self._turnstile:
            await self._changed.until(lambda: self._closed or self.free >= 1, None)
            wanted = min(BATCH, self.total)
            if self.free < wanted and self.taken:
                await self._changed.until(lambda: self._closed or self.free >= wanted, LINGER)
            return 0 if self._closed else max(1, min(BATCH, self.free))

    def promise(self, count: int) -> Promise:
        """Keeps so many places for a receive that follows one which brought messages."""
        self._promised += count
        return Promise(count, self._withdraw)

    async def take(self, patience: float) -> Slot | None:
        """A place for one job; None when none came free within `patience` seconds, or the worker stops."""
        await self._changed.until(lambda: self._closed or self.taken < self.total, patience)
        return None if self._closed else self.take_now()

    def take_now(self) -> Slot | None:
        """A place for one job if there is one."""
        if self.taken >= self.total:
            return None
        self.taken += 1
        self._emit(SlotsChanged(taken=self.taken, total=self.total))
        return Slot(self._give_back)

    def _withdraw(self, count: int) -> None:
        self._promised -= count
        self._changed.post()

    def _give_back(self) -> None:
        self.taken -= 1
        self._emit(SlotsChanged(taken=self.taken, total=self.total))
        self._changed.post()
