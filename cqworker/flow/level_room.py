"""What one level of a queue may ask for: its share of the worker's slots, and a message in hand for the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from cqworker.clock import Clock
from cqworker.events import Emit
from cqworker.events.level_events import LevelReceived, LevelStarted
from cqworker.flow.capacity import LINGER, RESERVED_FOR, Ask, Capacity, Slot
from cqworker.flow.level_shares import LevelShares
from cqworker.model.priorities import stored_priority
from cqworker.ports import BATCH, Delivery
from cqworker.settings import LevelSettings, QueueSettings

HELD_FOR = 0.5
"""The part of its visibility timeout for which a message is kept that waits for a slot; then others may have it."""
LONGEST_HELD = 60.0
"""Seconds for which one is kept at most: other workers may be idle, and see nothing of it meanwhile."""
NOBODY_WAITS = None
"""What is next where no level has jobs."""


class QueueRooms:
    """The rooms of all levels of a queue, which share one worker's slots."""

    def __init__(self, settings: QueueSettings, capacity: Capacity, clock: Clock, emit: Emit) -> None:
        self.settings = settings
        self.capacity = capacity
        self.clock = clock
        self.emit = emit
        floor = settings.floor if settings.mode == "strict" else None
        self.shares: LevelShares = LevelShares([level.weight for level in settings.levels], floor)
        self.is_lingering: bool = False

    def room_of(self, level: LevelSettings) -> LevelRoom:
        """The room of this level."""
        return LevelRoom(self, self.settings.levels.index(level), level.priority)


class LevelRoom:
    """Asks for messages of one level, and gives them slots in their turn.

    A level with a backlog asks for slots when they are its own. An idle one keeps a long poll open for as many as are
    free, and for `reserve` where none is: what that brings waits here for its turn, hidden, and meanwhile the level is
    not polled.
    """

    def __init__(self, rooms: QueueRooms, level: int, priority: str) -> None:
        self._rooms = rooms
        self._capacity = rooms.capacity
        self._shares = rooms.shares
        self._level = level
        self._told = LevelStarted(queue=rooms.settings.name, priority=priority)
        self._reserve = rooms.settings.reserve
        self._hold: float = min(LONGEST_HELD, rooms.settings.visibility_timeout * HELD_FOR)
        self._held = self._patient = 0
        self._polls_idly = False
        self.total: int = rooms.capacity.total
        self.priority: str | None = stored_priority(priority)

    async def ask(self, *, reserving: bool) -> Ask | None:  # noqa: ARG002 - a level knows by itself what to reserve
        """Waits until a receive makes sense; what it may ask for, or None where the worker stops."""
        waits = False
        try:
            while (way := self._way()) is None:
                if (has_backlog := not self._may_be_idle()) is not waits:
                    waits = has_backlog
                    (self._shares.begin_waiting if waits else self._shares.end_waiting)(self._level)
                await self._capacity.wait_for(partial(self._should_look, waits=waits), None)
            if way == "turn":
                return await self._ask_in_turn()
            return self._ask_idly() if way == "idle" else None
        finally:
            if waits:
                self._shares.end_waiting(self._level)
                self._capacity.notify()

    def try_take(self) -> Slot | None:
        """Takes a slot if one is free and is no other level's; who gets none calls take()."""
        is_ours = self._shares.is_promised(self._level) or self._shares.next_level() in (NOBODY_WAITS, self._level)
        slot = self._take() if is_ours else None
        if slot is None:
            self._held += 1  # from now on: the next receive must not come before take() is called
        return slot

    async def take(self, timeout: float) -> Slot | None:
        """Takes a slot in its turn; None when it came to none within `timeout` seconds, or the worker stops.

        As many as are reserved wait for longer: for half their visibility timeout, a minute at most.
        """
        is_patient = self._patient < self._reserve
        self._patient += is_patient
        self._shares.begin_waiting(self._level)
        patience = max(timeout, self._hold) if is_patient else timeout
        try:
            has_come = await self._capacity.wait_for(lambda: self._capacity.is_closed or self._is_next(), patience)
            return self._take() if has_come and not self._capacity.is_closed else None
        finally:
            self._held -= 1
            self._patient -= is_patient
            self._shares.end_waiting(self._level)
            self._capacity.notify()

    def _take(self) -> Slot | None:
        slot = self._capacity.try_take()
        if slot is not None:
            self._shares.count_start(self._level)
            self._rooms.emit(self._told)
        return slot

    def _way(self) -> Literal["closed", "idle", "turn"] | None:
        """How to receive now; None: not yet."""
        if self._capacity.is_closed:
            return "closed"
        if self._may_be_idle():
            return None if self._held or self._polls_idly else "idle"
        return "turn" if self._is_next_to_ask() else None

    def _may_be_idle(self) -> bool:
        return self._shares.is_idle(self._level) and (self._reserve > 0 or self._capacity.free > 0)

    def _is_next_to_ask(self) -> bool:
        return not self._held and not self._rooms.is_lingering and self._is_next()

    def _is_next(self) -> bool:
        return self._capacity.free > 0 and self._shares.next_level() in (NOBODY_WAITS, self._level)

    def _should_look(self, *, waits: bool) -> bool:
        return self._way() is not None or waits is self._may_be_idle()

    async def _ask_in_turn(self) -> Ask | None:
        """For as many slots as are free, after a moment in which more may come: a fuller batch is a cheaper job."""
        capacity, wanted = self._capacity, min(BATCH, self.total, self._shares.most_at_once(self._level))
        if capacity.free < wanted and capacity.taken:
            self._rooms.is_lingering = True
            try:
                await capacity.wait_for(lambda: capacity.is_closed or capacity.free >= wanted, LINGER)
            finally:
                self._rooms.is_lingering = False
        if capacity.is_closed:
            return None
        count = max(0, min(wanted, capacity.free)) if not self._shares.is_idle(self._level) else 0
        self._shares.promise(self._level, count)
        return self._open(max(1, count), capacity.reserve(count, partial(self._shares.withdraw, self._level)).end)

    def _ask_idly(self) -> Ask:
        """A long poll that keeps no slot from anybody."""
        self._polls_idly = True
        return self._open(max(min(BATCH, self._capacity.free), self._reserve), self._end_idle_poll)

    def _end_idle_poll(self) -> None:
        self._polls_idly = False
        self._capacity.notify()

    def _open(self, asked: int, end: Callable[[], None]) -> Ask:
        loop = asyncio.get_running_loop()
        began = loop.time()

        def note(deliveries: Sequence[Delivery]) -> None:
            is_quick = loop.time() - began < RESERVED_FOR
            self._shares.note_receive(self._level, is_backlogged=len(deliveries) == asked and is_quick)
            now = self._rooms.clock.now()
            oldest = max([0, *(now - delivery.sent_at for delivery in deliveries)]) / 1000  # our clock may be behind
            self._rooms.emit(LevelReceived(queue=self._told.queue, priority=self._told.priority, oldest=oldest))

        return Ask(asked, note, end)
