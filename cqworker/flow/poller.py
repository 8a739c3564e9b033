"""Receives one queue's messages: one idle long poll when there is no work, more as batches come back full."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

from cqworker.clock import Clock
from cqworker.errors import Unavailable
from cqworker.events import Emit, ForeignMessage, Received
from cqworker.flow.acknowledger import Receipts
from cqworker.flow.capacity import Slot, Slots
from cqworker.flow.journey import Journey
from cqworker.flow.message_disposition import Hide
from cqworker.flow.supervised_loop import background_failure
from cqworker.health.main_loop_lag import MainLoopLag
from cqworker.health.service_health import STORE, ServiceHealth
from cqworker.model.backoff import retry_delay, retry_pauses
from cqworker.model.envelope import Envelope, NewerEnvelope, NotAnEnvelope, read_envelope
from cqworker.ports import BATCH, Delivery, JobQueue
from cqworker.settings import QueueSettings

PATIENCE = 1.0
"""Seconds a message may wait for a slot; then it goes back, unclaimed."""
MAX_POLLERS = 8
FOR_A_NEWER_WORKER = (20.0, 2.0, 900.0)
"""First pause, factor and cap (s) for what only a newer worker understands: hours before the redrive policy has it."""


class Poller:
    """One queue's receives. A receive in flight is never cancelled: SQS may already have handed out messages."""

    def __init__(
        self,
        queue: JobQueue,
        settings: QueueSettings,
        slots: Slots,
        journey: Journey,
        receipts: Receipts,
        health: ServiceHealth,
        clock: Clock,
        emit: Emit,
    ) -> None:
        self._queue = queue
        self._name = queue.name  # through all wrappers, once and not with each message
        self._settings = settings
        self._slots = slots
        self._journey = journey
        self._receipts = receipts
        self._health = health
        self._clock = clock
        self._emit = emit
        self._attempts_of = journey.attempts_of
        self._loop: asyncio.AbstractEventLoop
        self._quiet = asyncio.Event()
        self._most = min(MAX_POLLERS, max(1, -(-slots.total // BATCH)))
        self._loops: set[asyncio.Task[None]] = set()
        self._receiving: list[float] = []
        self.travels: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._open_loop(scout=True)

    def quiet(self) -> None:
        """Asks for nothing more; what a receive in flight still brings is given back."""
        self._quiet.set()

    async def receives_ended(self) -> None:
        """Returns when no receive is in flight any more."""
        while self._loops:
            await asyncio.wait(self._loops)

    def trouble(self, margin: float, main: MainLoopLag) -> str | None:
        """Why this poller is not at work: its loops are gone, or a receive has taken `margin` s longer than it may.

        While the main loop stood still no answer could be heard: that is no receive's time.
        """
        if self._quiet.is_set():
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
        """The scout stays for ever; the others leave when the queue has no more for them."""
        waits = retry_pauses(cap=20.0)
        promised = not scout
        while not self._quiet.is_set():
            try:
                asked, arrived = await self._turn(promised=promised)
            except Unavailable:
                await self._pause(next(waits))
                continue
            except Exception as error:  # noqa: BLE001 - no message may ever end its queue's poller
                self._emit(background_failure(f"poller of {self._name}", error))
                await self._pause(next(waits))
                continue
            waits = retry_pauses(cap=20.0)
            if not scout and not arrived:
                return
            promised = arrived > 0
            if arrived == asked and len(self._loops) < self._most:
                self._open_loop(scout=False)

    async def _turn(self, *, promised: bool) -> tuple[int, int]:
        """One receive: how many messages were asked for and how many came."""
        await self._health.wait_until_back(STORE, self._quiet)
        asked = await self._slots.room()
        if not asked or self._health.is_away(STORE):
            return 1, 0
        promise = self._slots.promise(asked if promised else 0)
        try:
            deliveries = await self._receive(asked)
            for delivery in deliveries:
                self._accept(delivery)
        finally:
            promise.end()
        return asked, len(deliveries)

    async def _receive(self, asked: int) -> Sequence[Delivery]:
        began = self._clock.monotonic()
        self._receiving.append(began)
        try:
            deliveries = await self._queue.receive(asked, self._settings.wait_time, self._settings.visibility_timeout)
        finally:
            self._receiving.remove(began)
        self._emit(Received(queue=self._name, asked=asked, count=len(deliveries)))
        return deliveries

    def _accept(self, delivery: Delivery) -> None:
        """Sends the message on its journey; what is not ours to interpret is left, or given back."""
        try:
            envelope = read_envelope(
                delivery.body, queue=self._name, sent_at=delivery.sent_at, attempts_of=self._attempts_of
            )
        except NewerEnvelope:
            self._receipts.hide(delivery, retry_delay(delivery.receive_count, *FOR_A_NEWER_WORKER))
        except NotAnEnvelope as error:
            self._emit(foreign(delivery, str(error)))
        except Exception as error:  # noqa: BLE001 - those that were received with it must not suffer
            self._emit(background_failure(f"poller of {self._name}", error))
        else:
            travel = self._loop.create_task(self._send_off(delivery, envelope, self._slots.take_now()))
            self.travels.add(travel)
            travel.add_done_callback(self.travels.discard)

    async def _send_off(self, delivery: Delivery, envelope: Envelope, slot: Slot | None) -> None:
        if slot is None and not self._quiet.is_set():
            slot = await self._slots.take(PATIENCE)
        try:
            if slot is None or self._quiet.is_set():
                self._receipts.let_go(delivery, Hide(0.0), envelope)
            else:
                await self._journey.travel(delivery, envelope, slot)
        except Exception as error:  # noqa: BLE001 - a fault of ours costs this delivery, not the worker
            self._emit(background_failure(f"journey of {envelope.job_id}", error))
        finally:
            if slot is not None:
                slot.release()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._quiet.wait()
        except TimeoutError:
            return


def foreign(delivery: Delivery, reason: str) -> ForeignMessage:
    """The event for a message that is no envelope: its body is never logged, only its hash."""
    return ForeignMessage(
        queue=delivery.queue,
        message_id=delivery.message_id,
        reason=reason,
        sha256=hashlib.sha256(delivery.body.encode("utf-8", "replace")).hexdigest(),
        receive_count=delivery.receive_count,
    )
