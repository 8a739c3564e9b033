"""Fresh copies: a message of ours is sent once more before SQS would take it from its job, or when it did."""

from __future__ import annotations

import asyncio
import math

from cqworker.clock import Clock
from cqworker.errors import CqworkerError
from cqworker.events import CopyRefreshed, Emit, ReceiptRefused
from cqworker.flow.job_ref import job_ref_of_message
from cqworker.model.backoff import retry_pauses
from cqworker.model.envelope import Envelope
from cqworker.model.tenants import message_group_of
from cqworker.ports import MAX_DELAY, Delivery, JobQueue, Letter

MAX_AGE_MS = 7 * 86_400_000
"""Milliseconds (7 days) after which a message is replaced, before SQS's retention of 14 days can end it."""
LAST_AGE_MS = 13 * 86_400_000
"""Milliseconds (13 days) after which it is replaced even if nobody can say whether its job has ended."""
RECEIVES_LEFT = 3
"""Receives before the redrive policy's limit at which a message is replaced: lost answers may use up some."""
SEND_FOR = 3600.0
"""Seconds for which a copy is sent again and again while the queue is away: its job has no other message."""
LONGEST_PAUSE = 20.0
"""Seconds between two of these tries at most."""


class FreshCopies:
    """Sends messages of one queue again, as they came: body, trace and tenant."""

    def __init__(self, queue: JobQueue, clock: Clock, emit: Emit, max_receive_count: int) -> None:
        self._queue = queue
        self._clock = clock
        self._emit = emit
        self._max_receive_count = max_receive_count

    def is_due(self, delivery: Delivery) -> bool:
        """Whether the message is near its receive limit or its age limit: SQS would soon take it from its job."""
        if delivery.receive_count >= self._max_receive_count - RECEIVES_LEFT:
            return True
        return self._clock.now() - delivery.sent_at > MAX_AGE_MS

    def can_wait(self, delivery: Delivery) -> bool:
        """Whether SQS leaves the message to its job for a day and another receive, although a copy of it is due."""
        age = self._clock.now() - delivery.sent_at
        return delivery.receive_count < self._max_receive_count - 1 and age < LAST_AGE_MS

    async def send(self, delivery: Delivery, seconds: float, tenant: str) -> bool:
        """Sends a copy that becomes visible in so many seconds; whether the queue surely has it."""
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

    async def replace(self, delivery: Delivery, seconds: float, envelope: Envelope) -> bool:
        """As `send`, and reported as a copy that takes the place of the message."""
        if not await self.send(delivery, seconds, envelope.tenant):
            return False
        job = job_ref_of_message(envelope, delivery.traceparent)
        self._emit(CopyRefreshed(job=job, receive_count=delivery.receive_count))
        return True

    async def replace_gone(self, delivery: Delivery, seconds: float, envelope: Envelope) -> None:
        """As `replace`, repeated for as long as the queue is away, an hour (SEND_FOR) at most."""
        until = self._clock.monotonic() + SEND_FOR
        for pause in retry_pauses(cap=LONGEST_PAUSE):
            if await self.replace(delivery, seconds, envelope) or self._clock.monotonic() >= until:
                return
            await asyncio.sleep(pause)
