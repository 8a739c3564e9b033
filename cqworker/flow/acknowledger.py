"""Deletes and visibility changes of one queue, ten to a request, each entry's own failure handled."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from cqworker.clock import Clock
from cqworker.enums import ReceiptAction
from cqworker.errors import CqworkerError
from cqworker.events import CopyRefreshed, Emit, ReceiptRefused
from cqworker.flow.batching import RequestWithRetries
from cqworker.flow.job_ref import subject_of_message
from cqworker.flow.message_disposition import Delete, Hide, Leave, LettingGo
from cqworker.gatherer import Gatherer
from cqworker.model.backoff import retry_pauses
from cqworker.model.envelope import Envelope
from cqworker.model.tenants import message_group_of
from cqworker.ports import BATCH, MAX_DELAY, MAX_VISIBILITY, Delivery, EntryFault, JobQueue, Letter

DELETE_LINGER = 0.050
"""Seconds a delete waits for company: nobody waits for it, and a redelivery meanwhile would only be deleted."""
MAX_AGE_MS = 7 * 86_400_000
"""A message older than this is replaced by a fresh copy before SQS's 14 days can end it."""
RECEIVES_LEFT = 3
RESEND_FOR = 3600.0


class Receipts:
    """Lets go of a queue's messages."""

    def __init__(self, queue: JobQueue, clock: Clock, emit: Emit, max_receive_count: int) -> None:
        self._queue = queue
        self._clock = clock
        self._emit = emit
        self._max_receive_count = max_receive_count
        deleting = RequestWithRetries[str](queue.delete, self._report("delete"), lambda receipt: receipt)
        hiding = RequestWithRetries[tuple[str, int]](
            self._change_visibility, self._hide_failed, lambda change: change[0]
        )
        self._deletes = Gatherer(deleting.send, BATCH, DELETE_LINGER)
        self._hides = Gatherer(hiding.send, BATCH, 0.0)
        self._waiting: dict[str, tuple[Delivery, float, Envelope]] = {}
        self._copies: set[asyncio.Task[None]] = set()

    def let_go(self, delivery: Delivery, how: LettingGo, envelope: Envelope) -> None:
        """Deletes, hides or leaves one of our own messages, without waiting for the answer."""
        match how:
            case Delete():
                self._deletes.add(delivery.receipt)
            case Hide(seconds) if self._is_wearing_out(delivery):
                self._start(self._refresh(delivery, seconds, envelope))
            case Hide(seconds):
                self.hide(delivery, seconds)
            case Leave():
                return

    def settle(self, delivery: Delivery, how: LettingGo, envelope: Envelope) -> None:
        """The same for a job that was ours: what its record waits for is sent once more if the message is gone."""
        match how:
            case Delete():
                self._deletes.add(delivery.receipt)
            case Hide(seconds):
                self._waiting[delivery.receipt] = delivery, seconds, envelope
                self.let_go(delivery, how, envelope)
            case Leave():
                return

    async def resend(self, delivery: Delivery, seconds: float, tenant: str) -> bool:
        """Sends a message of ours once more, to be seen in so many seconds; whether the queue has it."""
        return await self._send(delivery, seconds, tenant)

    def hide(self, delivery: Delivery, seconds: float) -> None:
        """Hides a message as it is, ours or not; 0 gives it back at once."""
        held = self._clock.monotonic() - delivery.received_at
        longest = max(0, int(MAX_VISIBILITY - held) - 5)
        self._hides.add((delivery.receipt, min(math.ceil(seconds), longest)))

    async def flush(self) -> None:
        """Returns when everything let go of so far was answered or given up."""
        while True:
            if self._copies:
                await asyncio.wait(self._copies)
            await asyncio.gather(self._deletes.flush(), self._hides.flush())
            if not self._copies:
                return

    def _is_wearing_out(self, delivery: Delivery) -> bool:
        """Near its receive limit or its age limit: the redrive policy or retention would take it from us."""
        if delivery.receive_count >= self._max_receive_count - RECEIVES_LEFT:
            return True
        return self._clock.now() - delivery.sent_at > MAX_AGE_MS

    async def _refresh(self, delivery: Delivery, seconds: float, envelope: Envelope) -> None:
        """A fresh copy first, then the old one goes; where the copy may not have arrived the old one stays."""
        if not await self._send(delivery, seconds, envelope.tenant):
            self.hide(delivery, seconds)
            return
        self._waiting.pop(delivery.receipt, None)
        self._deletes.add(delivery.receipt)
        job = subject_of_message(envelope, delivery.traceparent)
        self._emit(CopyRefreshed(job=job, receive_count=delivery.receive_count))

    async def _send(self, delivery: Delivery, seconds: float, tenant: str) -> bool:
        delay = min(math.ceil(seconds), MAX_DELAY)
        letter = Letter(
            body=delivery.body, delay=delay, traceparent=delivery.traceparent, group=message_group_of(tenant)
        )
        try:
            await self._queue.send(letter)
        except CqworkerError as error:
            self._emit(ReceiptRefused(queue=self._queue.name, action="refresh", reason=str(error), gone=False))
            return False
        return True

    async def _change_visibility(self, changes: Sequence[tuple[str, int]]) -> Sequence[EntryFault]:
        faults = await self._queue.change_visibility(changes)
        if self._waiting:
            refused = {fault.receipt for fault in faults}
            for receipt, _ in changes:
                if receipt not in refused:
                    self._waiting.pop(receipt, None)
        return faults

    def _hide_failed(self, fault: EntryFault) -> None:
        """A job that waits must have a message: in other hands, or purged with the others, it is not ours to hide."""
        self._report("change_visibility")(fault)
        waiting = self._waiting.pop(fault.receipt, None)
        if waiting is not None and fault.gone:
            delivery, seconds, envelope = waiting
            self._start(self._send_again(delivery, seconds, envelope))

    async def _send_again(self, delivery: Delivery, seconds: float, envelope: Envelope) -> None:
        """Repeated for as long as the queue is away, at most an hour: its job has no other message."""
        until = self._clock.monotonic() + RESEND_FOR
        for pause in retry_pauses(cap=20.0):
            if await self._send(delivery, seconds, envelope.tenant):
                break
            if self._clock.monotonic() >= until:
                return
            await asyncio.sleep(pause)
        job = subject_of_message(envelope, delivery.traceparent)
        self._emit(CopyRefreshed(job=job, receive_count=delivery.receive_count))

    def _report(self, action: ReceiptAction) -> Callable[[EntryFault], None]:
        def report(fault: EntryFault) -> None:
            refusal = ReceiptRefused(queue=self._queue.name, action=action, reason=fault.reason, gone=fault.gone)
            self._emit(refusal)

        return report

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._copies.add(task)
        task.add_done_callback(self._copies.discard)
