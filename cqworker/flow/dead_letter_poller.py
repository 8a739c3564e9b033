"""Settles what arrives in a dead-letter queue, so that no job ends without a final status."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from cqworker.clock import Clock
from cqworker.errors import Unavailable
from cqworker.events import Emit, JobForestalled, JobLost, Received
from cqworker.flow.acknowledger import Receipts
from cqworker.flow.job_ref import stored_trace_id, subject_of
from cqworker.flow.message_disposition import Delete, Hide, Leave, LettingGo
from cqworker.flow.poller import foreign
from cqworker.flow.supervised_loop import background_failure
from cqworker.health.service_health import STORE, ServiceHealth
from cqworker.model.backoff import retry_pauses
from cqworker.model.claim_table import Bury, CancelInstead, Drop, WaitUntil, judge_dead_letter
from cqworker.model.envelope import AttemptsOf, Envelope, NewerEnvelope, NotAnEnvelope, read_envelope
from cqworker.model.history import Entry, ending_event
from cqworker.model.operator_writes import Forestall, Lose
from cqworker.model.record import JobRecord
from cqworker.model.retention import Retention
from cqworker.model.status import Status
from cqworker.model.writes import Written
from cqworker.ports import BATCH, Delivery, JobQueue, JobStore

EVERY = 60.0
VISIBILITY = 60
LONG_POLL = 1
"""A receive that waits asks every server of the queue, a short one only some (SQS, short and long polling)."""
PASSES = 100
TOLD = 10_000


class Cemetery(Struct, frozen=True):
    """A dead-letter queue, and the queue whose messages end there: what they leave out is as it was there."""

    queue: JobQueue
    source: str
    attempts_of: AttemptsOf

    def read(self, delivery: Delivery) -> Envelope:
        """As read_envelope."""
        return read_envelope(delivery.body, queue=self.source, sent_at=delivery.sent_at, attempts_of=self.attempts_of)


class DeadLetters:
    """Looks into one dead-letter queue once a minute, and empties it of what is ours."""

    def __init__(
        self,
        cemetery: Cemetery,
        store: JobStore,
        receipts: Receipts,
        health: ServiceHealth,
        clock: Clock,
        emit: Emit,
        *,
        worker: str,
        retention: Retention,
    ) -> None:
        self._queue = cemetery.queue
        self._cemetery = cemetery
        self._store = store
        self._receipts = receipts
        self._health = health
        self._clock = clock
        self._emit = emit
        self._worker = worker
        self._retention = retention
        self._quiet = asyncio.Event()
        self._told: dict[str, None] = {}

    def quiet(self) -> None:
        """Looks no more; the look under way is finished."""
        self._quiet.set()

    async def run(self) -> None:
        waits = retry_pauses(cap=EVERY)
        while not self._quiet.is_set():
            await self._health.wait_until_back(STORE, self._quiet)
            try:
                await self.turn()
            except Unavailable:
                await self._pause(next(waits))
            else:
                waits = retry_pauses(cap=EVERY)
                await self._pause(EVERY)

    async def turn(self) -> None:
        """Receives until nothing of ours is left; foreign messages are shown again at the end, for a human."""
        strangers: list[Delivery] = []
        for _ in range(PASSES):
            if self._quiet.is_set():
                break
            deliveries = await self._queue.receive(BATCH, LONG_POLL, VISIBILITY)
            self._emit(Received(queue=self._queue.name, asked=BATCH, count=len(deliveries)))
            kept = await self._settle_each(deliveries)
            strangers += kept
            if len(deliveries) == len(kept) and len(kept) < BATCH:
                break
        for delivery in strangers:
            self._receipts.hide(delivery, 0)

    async def _settle_each(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Those that are not ours. One failure may be its letter's alone and is raised last; two are the service's."""
        kept: list[Delivery] = []
        trouble: Unavailable | None = None
        for delivery in deliveries:
            try:
                if not await self._settle(delivery):
                    kept.append(delivery)
            except Unavailable as error:
                if trouble is not None:
                    raise
                trouble = error
        if trouble is not None:
            raise trouble
        return kept

    async def _settle(self, delivery: Delivery) -> bool:
        """Whether the message was ours to settle."""
        try:
            envelope = self._cemetery.read(delivery)
        except (NotAnEnvelope, NewerEnvelope) as error:
            self._tell(delivery, str(error))
            return False
        how = await self._bury_safely(envelope, delivery)
        self._receipts.let_go(delivery, how, envelope)
        return True

    async def _bury_safely(self, envelope: Envelope, delivery: Delivery) -> LettingGo:
        try:
            return await self._bury(envelope, delivery)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - the other letters must not suffer
            self._emit(background_failure(f"dead letter of {envelope.job_id}", error))
            return Leave()

    async def _bury(self, envelope: Envelope, delivery: Delivery) -> LettingGo:
        """One conditional write; a refusal brings the record, and the record says what to do instead."""
        now = self._clock.now()
        trace_id = stored_trace_id(envelope.job_id, delivery.traceparent)
        grace = self._health.lease_grace(self._queue.name)
        change = Lose(
            envelope=envelope, now=now, purge_at=self._retention.purge_at(now), trace_id=trace_id, grace=grace
        )
        answer = await self._store.write(change)
        if isinstance(answer, Written):
            self._emit(JobLost(job=subject_of(answer.record)))
            return Delete()
        verdict = judge_dead_letter(answer.seen, envelope, now, grace)
        match verdict:
            case Drop():
                return Delete()
            case WaitUntil(until):
                return Hide(max(1.0, (until - now) / 1000))
            case CancelInstead() if answer.seen is not None:
                return await self._cancel(answer.seen, now)
            case Bury() | CancelInstead():
                return Leave()

    async def _cancel(self, seen: JobRecord, now: int) -> LettingGo:
        entry = Entry(
            now, ending_event(Status.CANCELLED), seen.attempt, self._worker, "a cancel was asked for before it was lost"
        )
        change = Forestall(
            seen=seen, status=Status.CANCELLED, now=now, purge_at=self._retention.purge_at(now), entry=entry
        )
        answer = await self._store.write(change)
        if not isinstance(answer, Written):
            return Leave()
        self._emit(JobForestalled(job=subject_of(answer.record), status=Status.CANCELLED))
        return Delete()

    def _tell(self, delivery: Delivery, reason: str) -> None:
        """Once a message: the queue's depth says how many there are."""
        if delivery.message_id in self._told:
            return
        while len(self._told) >= TOLD:
            del self._told[next(iter(self._told))]
        self._told[delivery.message_id] = None
        self._emit(foreign(delivery, reason))

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._quiet.wait()
        except TimeoutError:
            return
