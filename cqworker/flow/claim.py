"""The claim: one conditional write that makes this worker the only writer of a job, or says what to do instead."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from msgspec import Struct

from cqworker.errors import RecordUnreadable, Unavailable
from cqworker.events import CopyDropped, CopyHidden, JobForestalled, JobRef, JobTakenOver
from cqworker.flow.acknowledger import Delete, Disposition, Hide, Keep, Leave
from cqworker.flow.context import Context
from cqworker.flow.job_ref import job_ref_of, job_ref_of_message, stored_trace_id
from cqworker.flow.lease import Lease, margin_of
from cqworker.flow.unanswered_writes import UnansweredWrites
from cqworker.flow.waiting import sleep_unless
from cqworker.model.attempt_writes import Claim, HandBack, Reopen
from cqworker.model.backoff import retry_pauses
from cqworker.model.claim_table import (
    CancelInstead,
    CrashInstead,
    Drop,
    ListAnew,
    Proceed,
    Start,
    StartRound,
    WaitUntil,
    verdict_of,
)
from cqworker.model.envelope import Envelope
from cqworker.model.fingerprint import with_fingerprint
from cqworker.model.history import Entry, ending_event, unfinished_claim
from cqworker.model.ids import TokenGenerator
from cqworker.model.operator_writes import Forestall
from cqworker.model.record import Failure, JobRecord
from cqworker.model.status import FailureKind, Status
from cqworker.model.writes import Refused, Written
from cqworker.ports import Delivery

LetGo = Callable[[Envelope, JobRecord | None], Awaitable[bool]]
"""Frees what the job of a copy held that starts nothing; whether the copy may be deleted (flow/turns.py)."""
MAX_TRIES = 8
"""Conditional writes for one message before it is put off: each is refused only because the record changed."""


async def nothing_is_held(envelope: Envelope, seen: JobRecord | None) -> bool:  # noqa: ARG001 - as LetGo has it
    """Where there are no limits."""
    return True


class Claimed(Struct, frozen=True):
    """A job that is ours: its record as the claim left it, and the lease on it."""

    record: JobRecord
    envelope: Envelope
    delivery: Delivery
    lease: Lease

    @property
    def job(self) -> JobRef:
        """The job, as events name it."""
        return self.lease.job

    @property
    def traceparent(self) -> str | None:
        """The message's W3C trace context, if it has one."""
        return self.delivery.traceparent

    @property
    def sent_for(self) -> int | None:
        """The time (epoch ms) that its message was sent ahead for, if it was."""
        return self.envelope.at


class Claimer:
    """Claims the jobs of one queue for this worker, each with a lease of `period` seconds."""

    def __init__(
        self, context: Context, tokens: TokenGenerator, period: float, let_go: LetGo = nothing_is_held
    ) -> None:
        self._context = context
        self._store = context.store
        self._health = context.health
        self._unanswered = UnansweredWrites(context)
        self._clock = context.clock
        self._emit = context.emit
        self._tokens = tokens
        self._period = period
        self._let_go = let_go
        self._margin = margin_of(period)
        self._stopping = asyncio.Event()

    def stop_claiming(self) -> None:
        """Claims no more; a claim that is not answered is given up, and the attempt it may have counted is refunded."""
        self._stopping.set()

    async def claim(self, delivery: Delivery, envelope: Envelope) -> Claimed | Disposition:
        """Claims the job of this message. Where that cannot be, the claim table says what becomes of the message."""
        reopening = False
        for _ in range(MAX_TRIES):
            if self._stopping.is_set():
                return Hide(0.0)
            if self._is_too_late(delivery):
                return Leave()
            change = self._build_claim(delivery, envelope, reopening=reopening)
            sent = self._clock.monotonic()
            answer = await self._write_claim(change, delivery)
            if answer is None:
                return self._give_up(delivery)
            if isinstance(answer, Written):
                return await self._begin_lease(answer.record, envelope, change, delivery, sent)
            seen = answer.seen
            match verdict_of(seen, envelope, change.token, self._clock.now(), change.grace):
                case Proceed() if seen is not None:
                    return await self._begin_lease(seen, envelope, change, delivery, sent)
                case CancelInstead() | CrashInstead() as verdict if seen is not None:
                    if (ended := await self._finish_unstarted(seen, verdict)) is not None:
                        return await self._dismiss(envelope, ended)
                case WaitUntil(until):
                    return await self._hide(until, delivery, envelope)
                case Drop() | ListAnew():
                    self._emit(CopyDropped(job=job_ref_of_message(envelope, delivery.traceparent)))
                    return await self._dismiss(envelope, seen)
                case Start() | StartRound() | Proceed() | CancelInstead() | CrashInstead() as verdict:
                    reopening = isinstance(verdict, StartRound)
        return Hide(1.0)

    async def drop_if_ended(self, delivery: Delivery, envelope: Envelope, hide: Hide, *, can_wait: bool) -> Disposition:
        """What becomes of a message that would be sent afresh without a claim: `hide`, where its job may need it.

        A copy of a job that has ended goes: sent again and again it would outlive the record, and run the job anew.
        Where no answer comes, and in a drain, which has no time for one, it is sent where no copy can live so long;
        else it is kept as it is while it can wait for a better moment.
        """
        first = max(envelope.created_at, envelope.at or 0)
        is_safe = self._context.retention.outlasts_message(first, self._clock.now())
        unread: Disposition = Keep(hide.seconds) if can_wait and not is_safe else hide
        if self._stopping.is_set():
            return unread
        try:
            seen = await self._store.get(envelope.job_id)
        except (Unavailable, RecordUnreadable):
            return unread
        if seen is None or not seen.status.is_final or seen.round < envelope.round:
            return hide
        self._emit(CopyDropped(job=job_ref_of_message(envelope, delivery.traceparent)))
        return await self._dismiss(envelope, seen)

    def _build_claim(self, delivery: Delivery, envelope: Envelope, *, reopening: bool) -> Claim:
        """A claim under a fresh token: a token that was answered once is never used for another claim."""
        now = self._clock.now()
        kind = Reopen if reopening else Claim
        return kind(
            envelope=envelope,
            token=self._tokens.new_token(),
            worker=self._context.worker,
            now=now,
            lease_expires_at=now + round(self._period * 1000),
            purge_at=self._context.retention.purge_at(now),
            trace_id=stored_trace_id(envelope.job_id, delivery.traceparent),
            grace=self._health.lease_grace(delivery.queue) if self._health.outages else 0,
        )

    async def _write_claim(self, change: Claim, delivery: Delivery) -> Written | Refused | None:
        """Repeats an unanswered claim with its own token; given up, the attempt it may have started is refunded."""
        until = self._last_moment(delivery)
        may_be_applied = False
        for pause in retry_pauses():
            try:
                return await self._store.write(change)
            except RecordUnreadable as error:
                may_be_applied = may_be_applied or error.ambiguous
                break
            except Unavailable as error:
                may_be_applied = may_be_applied or error.ambiguous
            if self._stopping.is_set() or self._clock.monotonic() + pause >= until:
                break
            await sleep_unless(self._stopping, pause)
            if self._has_run_out(change):
                break
        if may_be_applied:
            await self._refund(change)
        return None

    def _give_up(self, delivery: Delivery) -> Disposition:
        """In a drain the next worker shall have it at once; else its timeout gives the store time to come back."""
        ours = self._clock.monotonic() < self._last_moment(delivery)
        return Hide(0.0) if self._stopping.is_set() and ours else Leave()

    def _is_too_late(self, delivery: Delivery) -> bool:
        """Its receipt would end before a renewal could be answered: a claim now costs an attempt that never starts."""
        return self._clock.monotonic() >= self._last_moment(delivery) - self._margin

    def _last_moment(self, delivery: Delivery) -> float:
        """The monotonic time after which the message may be somebody else's."""
        return delivery.received_at + self._period - self._margin

    def _has_run_out(self, change: Claim) -> bool:
        """By the wall clock: the monotonic one may not count how long the machine was suspended (SystemClock)."""
        return self._clock.now() >= change.lease_expires_at - round(self._margin * 1000)

    async def _refund(self, change: Claim) -> None:
        """An unanswered claim may have been applied: without this, an attempt is charged that never started."""
        back = HandBack(job_id=change.job_id, token=change.token, purge_at=change.purge_at)
        with suppress(RecordUnreadable):  # a refusal: what was written is not read
            await self._unanswered.repeat_until_answered(back)

    async def _dismiss(self, envelope: Envelope, seen: JobRecord | None) -> Disposition:
        """The message goes once what follows from its job's end is done; else it comes again."""
        return Delete() if await self._let_go(envelope, seen) else Leave()

    async def _finish_unstarted(self, seen: JobRecord, verdict: CancelInstead | CrashInstead) -> JobRecord | None:
        """Writes the ending in place of a start; None when the record changed meanwhile or no answer came."""
        now = self._clock.now()
        status, failure, reason = _ending(verdict, seen)
        entry = Entry(now, ending_event(status), seen.attempt, self._context.worker, reason)
        change = Forestall(
            seen=seen,
            status=status,
            now=now,
            purge_at=self._context.retention.purge_at(now),
            entry=entry,
            failure=failure,
            listing=self._context.listing.listing_of(status, failure),
        )
        try:
            answer = await self._store.write(change)
        except Unavailable:
            return None
        applied = isinstance(answer, Written) or change.was_applied_to(answer.seen)
        if applied:
            self._emit(JobForestalled(job=job_ref_of(seen), status=status, kind=failure.kind if failure else None))
        return change.after(seen) if applied else None

    async def _begin_lease(
        self, record: JobRecord, envelope: Envelope, change: Claim, delivery: Delivery, sent: float
    ) -> Claimed | Disposition:
        """The claim as a lease, unless its answer took so long that the lease cannot be trusted any more."""
        lease = Lease(delivery, job_ref_of(record), change.token, self._period, sent)
        if lease.is_alive(self._clock.monotonic()):
            if record.attempt > 1 and (former := unfinished_claim(record.history, record.attempt)) is not None:
                seconds = (record.history[-1].at - former.at) / 1000
                self._emit(JobTakenOver(job=lease.job, former=former.worker, seconds=seconds))
            return Claimed(record, envelope, delivery, lease)
        await self._refund(change)
        return Leave()

    async def _hide(self, until: int, delivery: Delivery, envelope: Envelope) -> Hide:
        """A copy that was woken for a free slot leaves that to others meanwhile."""
        if envelope.woken is not None:
            await self._let_go(envelope, None)
        seconds = max(1.0, (until - self._clock.now()) / 1000)
        self._emit(CopyHidden(job=job_ref_of_message(envelope, delivery.traceparent), seconds=seconds))
        return Hide(seconds)


def _ending(verdict: CancelInstead | CrashInstead, seen: JobRecord) -> tuple[Status, Failure | None, str]:
    """The status, the failure and the history's reason of what is written in place of a start."""
    match verdict:
        case CancelInstead():
            return Status.CANCELLED, None, "a cancel came before the start"
        case CrashInstead():
            failure = Failure(FailureKind.CRASHED, _CRASHED.format(seen.attempt))
            return Status.FAILED, with_fingerprint(seen.type, failure), failure.kind


_CRASHED = "Attempt {} was the last one, and it came to no end: its process died, or lost its lease."
