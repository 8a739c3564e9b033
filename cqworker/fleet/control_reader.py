"""Reads how the queues stand for the whole fleet: every half minute, and more often while jobs run here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cqworker.clock import Clock
from cqworker.errors import Unavailable
from cqworker.events import Emit
from cqworker.events.fleet_events import LimitNoticed, QueueStateNoticed
from cqworker.flow.queue_control import QueueControl
from cqworker.flow.waiting import sleep_unless
from cqworker.model.backoff import retry_pauses
from cqworker.model.limits import LimitOrder
from cqworker.ports.fleet import Control, Fleet, QueueOrder, QueueState

IDLE_SECONDS, BUSY_SECONDS = 30.0, 10.0
"""Seconds between two looks, without and with jobs here: so late a pause is noticed at most."""
FIRST_PAUSE = 0.5
"""Seconds between two looks at first, while none was answered and a worker waits: doubled up to BUSY_SECONDS."""
LIFTED = LimitOrder()
RUNNING = QueueOrder(state=QueueState.RUNNING)


class ControlReader:
    """Keeps `control` up to date; `is_busy` says whether jobs run here."""

    def __init__(
        self, fleet: Fleet, control: QueueControl, clock: Clock, emit: Emit, is_busy: Callable[[], bool] = lambda: False
    ) -> None:
        self._fleet = fleet
        self._control = control
        self._clock = clock
        self._emit = emit
        self._is_busy = is_busy
        self._read_at: float | None = None

    async def run(self) -> None:
        """Reads for ever; what was read last holds while nothing answers."""
        pauses = retry_pauses(first=FIRST_PAUSE, cap=BUSY_SECONDS)
        while True:
            try:
                await self.read()
            except Unavailable:  # told by the health of its service
                await asyncio.sleep(BUSY_SECONDS if self._control.is_known else next(pauses))
            else:
                await self._rest()

    async def _rest(self) -> None:
        """Until the next look: sooner as soon as jobs run, at once where this daemon changed the control itself."""
        began, changed = self._clock.monotonic(), self._control.changed_here
        while True:
            await sleep_unless(changed, BUSY_SECONDS)
            if changed.is_set() or self._is_busy() or self._clock.monotonic() - began >= IDLE_SECONDS:
                return

    async def read(self) -> None:
        """Reads it now. Raises Unavailable."""
        self._control.changed_here.clear()
        self._note(await self._fleet.control())
        self._read_at = self._clock.monotonic()

    async def read_if_old(self) -> None:
        """For a process without the loop: reads it unless that was done a moment ago. Raises Unavailable."""
        if self._read_at is None or self._clock.monotonic() - self._read_at >= IDLE_SECONDS:
            await self.read()

    def _note(self, control: Control) -> None:
        former, limited = self._control.control.queues, self._control.control.limits
        self._control.note(control)
        for key in sorted(limited.keys() | control.limits.keys()):
            if (said := control.limits.get(key, LIFTED)) != limited.get(key, LIFTED):
                self._emit(
                    LimitNoticed(
                        key=key,
                        concurrency=said.concurrency,
                        rate=None if said.rate is None else str(said.rate),
                        until=said.until,
                        by=said.by,
                        reason=said.reason,
                    )
                )
        for queue in sorted(former.keys() | control.queues.keys()):
            order = control.queues.get(queue, RUNNING)
            if order != former.get(queue, RUNNING):
                self._emit(
                    QueueStateNoticed(
                        queue=queue, state=order.state, until=order.until, by=order.by, reason=order.reason
                    )
                )
