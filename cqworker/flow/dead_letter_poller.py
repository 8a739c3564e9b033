"""Settles what arrives in a dead-letter queue, so that no job ends without a final status."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from cqworker.errors import Unavailable
from cqworker.events import JobForestalled, JobLost, ReceiveAnswered
from cqworker.flow.acknowledger import Acknowledger, Delete, Disposition, Hide, Leave
from cqworker.flow.context import Context
from cqworker.flow.foreign_messages import foreign_message
from cqworker.flow.job_ref import job_ref_of, stored_trace_id
from cqworker.flow.supervised_loop import background_failure
from cqworker.flow.turns import Turns
from cqworker.flow.waiting import sleep_unless
from cqworker.health.service_health import STORE
from cqworker.model.backoff import retry_pauses
from cqworker.model.claim_table import CancelInstead, Drop, ListAnew, MarkLost, WaitUntil, dead_letter_verdict_of
from cqworker.model.envelope import Envelope, read_envelope
from cqworker.model.envelope_fields import AttemptsOf, NewerEnvelope, NotAnEnvelope
from cqworker.model.history import Entry, ending_event
from cqworker.model.operator_writes import Forestall, Lose, loss_of
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.model.writes import Written
from cqworker.ports import BATCH, Delivery, JobQueue

LOOK_EVERY = 60.0
"""Seconds between two looks: nobody waits for what arrives here, and each look is a request that costs."""
VISIBILITY = 60
"""Seconds for which one look hides what it receives: long enough for a write, and foreign messages are shown again."""
LONG_POLL = 1
"""A receive that waits asks every server of the queue, a short one only some (SQS, short and long polling)."""
RECEIVES_A_LOOK = 100
"""Receives of one look at most: only at its end are foreign messages visible again, however quickly the queue fills."""
REMEMBERED = 10_000
"""Foreign messages whose ids are remembered, so that each is reported once: some 100 bytes each."""


class DeadLetterQueue(Struct, frozen=True):
    """A dead-letter queue, and the name of the queue whose messages end there: they are read as that queue's."""

    queue: JobQueue
    source: str
    attempts_of: AttemptsOf

    def read(self, delivery: Delivery) -> Envelope:
        """The message's envelope. Raises NotAnEnvelope, NewerEnvelope."""
        return read_envelope(delivery.body, queue=self.source, sent_at=delivery.sent_at, attempts_of=self.attempts_of)


class DeadLetterPoller:
    """Empties one dead-letter queue, every LOOK_EVERY seconds, of the messages that are ours."""

    def __init__(
        self, dead_letters: DeadLetterQueue, context: Context, acknowledger: Acknowledger, turns: Turns
    ) -> None:
        self._queue = dead_letters.queue
        self._dead_letters = dead_letters
        self._context = context
        self._store = context.store
        self._acknowledger = acknowledger
        self._turns = turns
        self._health = context.health
        self._clock = context.clock
        self._emit = context.emit
        self._stopping = asyncio.Event()
        self._reported: dict[str, None] = {}

    def stop_receiving(self) -> None:
        """Stops after the receive that is under way."""
        self._stopping.set()

    async def run(self) -> None:
        """Empties the queue again and again, until `stop_receiving`; not while the store is away."""
        waits = retry_pauses(cap=LOOK_EVERY)
        while not self._stopping.is_set():
            await self._health.wait_until_back(STORE, self._stopping)
            try:
                await self.empty()
            except Unavailable:
                await sleep_unless(self._stopping, next(waits))
            else:
                waits = retry_pauses(cap=LOOK_EVERY)
                await sleep_unless(self._stopping, LOOK_EVERY)

    async def empty(self) -> None:
        """Receives until none of our messages is left; foreign ones are visible again at the end, for a human.

        Raises Unavailable where the queue or the store is away.
        """
        foreign: list[Delivery] = []
        for _ in range(RECEIVES_A_LOOK):
            if self._stopping.is_set():
                break
            deliveries = await self._queue.receive(BATCH, LONG_POLL, VISIBILITY)
            self._emit(ReceiveAnswered(queue=self._queue.name, asked=BATCH, count=len(deliveries)))
            kept = await self._process_each(deliveries)
            foreign += kept
            if len(deliveries) == len(kept) and len(kept) < BATCH:
                break
        for delivery in foreign:
            self._acknowledger.hide(delivery, 0)

    async def _process_each(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Those that are not ours. One failure may be its record's alone and is raised last; two are the service's."""
        kept: list[Delivery] = []
        trouble: Unavailable | None = None
        for delivery in deliveries:
            try:
                if not await self._process(delivery):
                    kept.append(delivery)
            except Unavailable as error:
                if trouble is not None:
                    raise
                trouble = error
        if trouble is not None:
            raise trouble
        return kept

    async def _process(self, delivery: Delivery) -> bool:
        """Whether the message was ours to settle."""
        try:
            envelope = self._dead_letters.read(delivery)
        except (NotAnEnvelope, NewerEnvelope) as error:
            self._report(delivery, str(error))
            return False
        disposition = await self._conclude_safely(envelope, delivery)
        self._acknowledger.dispose(delivery, disposition, envelope)
        return True

    async def _conclude_safely(self, envelope: Envelope, delivery: Delivery) -> Disposition:
        try:
            return await self._mark_lost(envelope, delivery)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - the other dead letters must not suffer
            self._emit(background_failure(f"dead letter of {envelope.job_id}", error))
            return Leave()

    async def _mark_lost(self, envelope: Envelope, delivery: Delivery) -> Disposition:
        """One conditional write; a refusal brings the record, and the record says what to do instead."""
        now = self._clock.now()
        trace_id = stored_trace_id(envelope.job_id, delivery.traceparent)
        grace = self._health.lease_grace(self._queue.name)
        change = Lose(
            envelope=envelope,
            now=now,
            purge_at=self._context.retention.purge_at(now),
            trace_id=trace_id,
            grace=grace,
            listing=self._context.listing.listing_of(Status.FAILED, loss_of(envelope)),
        )
        answer = await self._store.write(change)
        if isinstance(answer, Written):
            self._emit(JobLost(job=job_ref_of(answer.record)))
            return await self._dismiss(envelope, answer.record)
        verdict = dead_letter_verdict_of(answer.seen, envelope, now, grace)
        match verdict:
            case Drop() | ListAnew():
                return await self._dismiss(envelope, answer.seen)
            case WaitUntil(until):
                return Hide(max(1.0, (until - now) / 1000))
            case CancelInstead() if answer.seen is not None:
                return await self._cancel(envelope, answer.seen, now)
            case MarkLost() | CancelInstead():
                return Leave()

    async def _dismiss(self, envelope: Envelope, seen: JobRecord | None) -> Disposition:
        """The letter goes once what its job held is given back; else it is looked at again."""
        return Delete() if await self._turns.let_go(envelope, seen) else Leave()

    async def _cancel(self, envelope: Envelope, seen: JobRecord, now: int) -> Disposition:
        entry = Entry(
            now,
            ending_event(Status.CANCELLED),
            seen.attempt,
            self._context.worker,
            "a cancel was asked for before it was lost",
        )
        change = Forestall(
            seen=seen,
            status=Status.CANCELLED,
            now=now,
            purge_at=self._context.retention.purge_at(now),
            entry=entry,
            listing=self._context.listing.listing_of(Status.CANCELLED),
        )
        answer = await self._store.write(change)
        if not isinstance(answer, Written):
            return Leave()
        self._emit(JobForestalled(job=job_ref_of(answer.record), status=Status.CANCELLED))
        return await self._dismiss(envelope, answer.record)

    def _report(self, delivery: Delivery, reason: str) -> None:
        """Once a message: the queue's depth says how many there are."""
        if delivery.message_id in self._reported:
            return
        while len(self._reported) >= REMEMBERED:
            del self._reported[next(iter(self._reported))]
        self._reported[delivery.message_id] = None
        self._emit(foreign_message(delivery, reason))
