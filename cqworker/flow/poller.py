"""Receives one queue's messages: one idle long poll when there is no work, more as batches come back full."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cqworker.errors import Unavailable
from cqworker.events import ReceiveAnswered
from cqworker.flow.acknowledger import Acknowledger, Hide
from cqworker.flow.capacity import Room, Slot
from cqworker.flow.context import Context
from cqworker.flow.foreign_messages import foreign_message
from cqworker.flow.journey import Journey
from cqworker.flow.supervised_loop import background_failure
from cqworker.flow.waiting import sleep_unless
from cqworker.health.main_loop_lag import MainLoopLag
from cqworker.health.service_health import STORE
from cqworker.model.backoff import retry_delay, retry_pauses
from cqworker.model.envelope import Envelope, read_envelope
from cqworker.model.envelope_fields import NewerEnvelope, NotAnEnvelope
from cqworker.ports import BATCH, Delivery, JobQueue
from cqworker.settings import QueueSettings

SLOT_TIMEOUT = 1.0
"""Seconds a message may wait for a slot; then it goes back, unclaimed."""
MAX_RECEIVES = 8
"""Receives of one queue at once at most; daemon/aws_ports.py gives each of them a connection."""
LONGEST_PAUSE = 20.0
"""Seconds between two receives at most while they fail."""
FOR_A_NEWER_WORKER = (20.0, 2.0, 900.0)
"""First pause, factor and cap (s) for what only a newer worker understands: hours before the redrive policy has it."""


class Poller:
    """The receives of one queue, or of one level of it; `room` says for how many messages, and gives them slots.

    A receive in flight is never cancelled: SQS may already have handed out messages.
    """

    def __init__(
        self,
        queue: JobQueue,
        settings: QueueSettings,
        context: Context,
        room: Room,
        journey: Journey,
        acknowledger: Acknowledger,
    ) -> None:
        self._queue = queue
        self._name = queue.name  # through all wrappers, once and not with each message
        self._source = settings.name
        self._priority = room.priority
        self._settings = settings
        self._room = room
        self._journey = journey
        self._acknowledger = acknowledger
        self._control = context.queue_control
        self._health = context.health
        self._clock = context.clock
        self._emit = context.emit
        self._attempts_of = journey.executor.attempts_of
        self._loop: asyncio.AbstractEventLoop
        self._stopping = asyncio.Event()
        self._most = min(MAX_RECEIVES, max(1, -(-room.total // BATCH)))
        self._loops: set[asyncio.Task[None]] = set()
        self._receiving: list[float] = []
        self.journeys: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begins to receive."""
        self._open_loop(scout=True)

    def stop_receiving(self) -> None:
        """Receives no more; what a receive in flight still brings is given back."""
        self._stopping.set()
        self._control.wake()

    async def wait_for_receives(self) -> None:
        """Returns when no receive is in flight any more."""
        while self._loops:
            await asyncio.wait(self._loops)

    def trouble(self, margin: float, main: MainLoopLag) -> str | None:
        """Why this poller is not at work: its loops are gone, or a receive has taken `margin` s longer than it may.

        While the main loop stood still no answer could be heard: that is no receive's time.
        """
        if self._stopping.is_set():
            return None
        if not self._loops:
            return f"nobody polls {self._name}"
        began = min(self._receiving, default=self._clock.monotonic())
        longest = self._clock.monotonic() - began - main.seconds_absent_since(began)
        if longest > self._settings.wait_time + margin:
            return f"a receive from {self._name} has taken {longest:.0f} s"
        return None

    def _open_loop(self, *, scout: bool) -> None:
        self._loop = asyncio.get_running_loop()
        loop = self._loop.create_task(self._poll(scout=scout))
        self._loops.add(loop)
        loop.add_done_callback(self._loops.discard)

    async def _poll(self, *, scout: bool) -> None:
        """Receives again and again. The scout never stops; the others do when the queue has no more for them."""
        waits = retry_pauses(cap=LONGEST_PAUSE)
        reserving = not scout
        while not self._stopping.is_set():
            try:
                asked, arrived = await self._receive_and_accept(reserving=reserving)
            except Unavailable:
                await sleep_unless(self._stopping, next(waits))
                continue
            except Exception as error:  # noqa: BLE001 - no message may ever end its queue's poller
                self._emit(background_failure(f"poller of {self._name}", error))
                await sleep_unless(self._stopping, next(waits))
                continue
            waits = retry_pauses(cap=LONGEST_PAUSE)
            if not scout and not arrived:
                return
            reserving = arrived > 0
            if arrived == asked and len(self._loops) < self._most:
                self._open_loop(scout=False)

    async def _receive_and_accept(self, *, reserving: bool) -> tuple[int, int]:
        """One receive: how many messages were asked for and how many came."""
        await self._health.wait_until_back(STORE, self._stopping)
        if not self._control.may_receive(self._source):
            await self._control.wait_for_change()
            return 1, 0
        ask = await self._room.ask(reserving=reserving)
        if ask is None:
            return 1, 0
        try:
            if self._health.is_away(STORE) or not self._control.may_receive(self._source):
                return 1, 0
            deliveries = await self._receive(ask.asked)
            if deliveries and not self._control.may_receive(self._source):
                self._give_back(deliveries)
                return ask.asked, 0
            ask.note(deliveries)
            for delivery in deliveries:
                self._accept(delivery)
        finally:
            ask.end()
        return ask.asked, len(deliveries)

    async def _receive(self, asked: int) -> Sequence[Delivery]:
        began = self._clock.monotonic()
        self._receiving.append(began)
        try:
            deliveries = await self._queue.receive(asked, self._settings.wait_time, self._settings.visibility_timeout)
        finally:
            self._receiving.remove(began)
        self._emit(ReceiveAnswered(queue=self._name, asked=asked, count=len(deliveries)))
        return deliveries

    def _give_back(self, deliveries: Sequence[Delivery]) -> None:
        """The queue was paused while the receive was on its way: what it brought waits with the others."""
        for delivery in deliveries:
            self._acknowledger.hide(delivery, 0.0)

    def _accept(self, delivery: Delivery) -> None:
        """Sends the message on its journey; what is not ours to interpret is left, or given back."""
        try:
            envelope = read_envelope(
                delivery.body,
                queue=self._source,
                sent_at=delivery.sent_at,
                attempts_of=self._attempts_of,
                priority=self._priority,
            )
        except NewerEnvelope:
            self._acknowledger.hide(delivery, retry_delay(delivery.receive_count, *FOR_A_NEWER_WORKER))
        except NotAnEnvelope as error:
            self._emit(foreign_message(delivery, str(error)))
        except Exception as error:  # noqa: BLE001 - those that were received with it must not suffer
            self._emit(background_failure(f"poller of {self._name}", error))
        else:
            journey = self._loop.create_task(self._process(delivery, envelope, self._room.try_take()))
            self.journeys.add(journey)
            journey.add_done_callback(self.journeys.discard)

    async def _process(self, delivery: Delivery, envelope: Envelope, slot: Slot | None) -> None:
        if slot is None and not self._stopping.is_set():
            slot = await self._room.take(SLOT_TIMEOUT)
        try:
            if slot is None or self._stopping.is_set():
                await self._journey.put_off(delivery, envelope, Hide(0.0))
            else:
                await self._journey.process(delivery, envelope, slot)
        except Exception as error:  # noqa: BLE001 - a fault of ours costs this delivery, not the worker
            self._emit(background_failure(f"journey of {envelope.job_id}", error))
        finally:
            if slot is not None:
                slot.release()
