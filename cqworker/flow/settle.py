"""The settle: an attempt's ending is written under its fence, and only then is its message let go."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from cqworker.errors import RecordUnreadable, Unavailable
from cqworker.events import JobHandedBack, JobSettled, LeaseLost
from cqworker.execution.outcome import Hindered, Outcome, Raised, UnknownTypeMet
from cqworker.flow.acknowledger import Delete, Disposition, Hide, Leave, Resend
from cqworker.flow.claim import Claimed
from cqworker.flow.conclusion import (
    Cancelled,
    Conclusion,
    Ending,
    Failing,
    HandedBack,
    LeftAlone,
    Retrying,
    Rules,
    Success,
    conclude,
    with_note,
)
from cqworker.flow.context import Context
from cqworker.flow.unanswered_writes import UnansweredWrites
from cqworker.flow.unknown_types import seconds_while_served
from cqworker.model.artifact_keys import result_key
from cqworker.model.attempt_writes import HandBack, Settle
from cqworker.model.backoff import retry_pauses
from cqworker.model.fingerprint import with_fingerprint
from cqworker.model.history import HANDED_BACK, Entry, add_hand_back, ending_event, trim_if_full
from cqworker.model.record import Failure, JobRecord
from cqworker.model.status import Status
from cqworker.model.writes import Refused, Written
from cqworker.plugins.handler import Backoff
from cqworker.plugins.job_artifacts import size_refusal
from cqworker.plugins.registry import Registry
from cqworker.ports import MAX_DELAY, Artifacts

LONGEST_PARKED_MS = 366 * 86_400_000
"""Milliseconds for which the record of a parked job is kept, and its retention: who stands far behind on a long list is
not woken in between, and is not to be lost."""
STORE_TRIES = 5
"""Tries to store a large result before the attempt counts as hindered, its lease permitting."""
OnSettled = Callable[[str, Written], None]
"""Called for every ending that was written here, with its job's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultLimits:
    """In bytes: the largest result that stays in its record (`inline`), and the largest that is kept at all."""

    inline: int
    largest: int


class Parked(Delete, frozen=True):
    """Delete it, for its job is on the waiting list of a limit."""


@dataclass(frozen=True, slots=True)
class Wait:
    """`until` when a job waits (epoch ms), whether `marked` in the index of due jobs, and its record's `purge_at`."""

    until: int
    marked: bool
    purge_at: int


class Settler:
    """Writes endings and hand-backs. `chance` gives 0 to 1, for the jitter of backoffs."""

    def __init__(
        self,
        context: Context,
        artifacts: Artifacts,
        registry: Registry,
        limits: ResultLimits,
        on_settled: OnSettled,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._context = context
        self._store = context.store
        self._unanswered = UnansweredWrites(context)
        self._artifacts = artifacts
        self._registry = registry
        self._clock = context.clock
        self._emit = context.emit
        self._limits = limits
        self._on_settled = on_settled
        self._chance = chance

    async def conclude(self, claimed: Claimed, outcome: Outcome) -> Conclusion:
        """Decides what to write. A result too large for the record goes to S3 first, while the lease is still kept."""
        handler = self._registry.get(claimed.record.type)
        rules = Rules(handler.backoff if handler else Backoff(), self._clock.now(), self._chance)
        conclusion = conclude(claimed.record, outcome, rules)
        if isinstance(outcome, UnknownTypeMet) and isinstance(conclusion, Failing):
            return await self._wait_for_others(claimed.record, outcome, conclusion, rules)
        if isinstance(conclusion, Success) and self._is_too_large(conclusion.result or ""):
            return await self._store_large_result(claimed, conclusion, rules)
        return conclusion

    async def _wait_for_others(
        self, record: JobRecord, outcome: UnknownTypeMet, failing: Failing, rules: Rules
    ) -> Conclusion:
        """Its day is over; it waits on while some live worker that polls its queue serves its type."""
        if not await self._context.is_served_elsewhere(record.type, record.queue):
            return failing
        return HandedBack(outcome.reason, seconds_while_served(rules.backoff.cap, rules.chance), hindered=True)

    def _is_too_large(self, result: str) -> bool:
        """Its bytes are only counted where its characters leave a doubt: UTF-8 has four for one at most."""
        limit = self._limits.inline
        return len(result) * 4 > limit and len(result.encode()) > limit

    async def write(self, claimed: Claimed, conclusion: Conclusion) -> Disposition:
        """Writes it under its fence, again until it is answered, and returns what becomes of the message."""
        match conclusion:
            case LeftAlone():
                return Leave()
            case HandedBack():
                return await self._hand_back(claimed, conclusion)
            case Success() | Retrying() | Failing() | Cancelled():
                return await self._write_ending(claimed, conclusion)

    async def _store_large_result(self, claimed: Claimed, success: Success, rules: Rules) -> Conclusion:
        record = claimed.record
        key = result_key(record)
        data = (success.result or "").encode()
        if len(data) > self._limits.largest:
            message = size_refusal("The result", len(data), self._limits.largest)
            return conclude(record, Raised("ArtifactTooLarge", message, stage="result", final=True), rules)
        cause = ""
        for _, pause in zip(range(STORE_TRIES), retry_pauses(), strict=False):
            try:
                return Success(None, await self._artifacts.put(key, data, "application/json"), success.note)
            except Unavailable as error:
                cause = error.cause
                if not claimed.lease.is_alive(self._clock.monotonic() + pause):
                    break
                await asyncio.sleep(pause)
        hindered = Hindered("its result could not be stored", Raised("Unavailable", cause, stage="result"))
        return conclude(record, hindered, rules)

    async def _write_ending(self, claimed: Claimed, ending: Ending) -> Disposition:
        change = self._build_settle(claimed, ending)
        answer = await self._write_until_answered(change, claimed)
        match answer:
            case Written():
                return self._report_settled(claimed, change, answer)
            case Refused(seen) if seen is not None and change.was_applied_to(seen):
                return self._report_settled(claimed, change, Written(seen))
            case Refused(seen) if seen is not None and change.gives_way_to_cancel(seen):
                return await self._write_ending(claimed, Cancelled())
            case Refused():
                self._emit(LeaseLost(job=claimed.job, reason="its ending was refused: the record moved on"))
                return Leave()
            case None:
                return Leave()

    async def _hand_back(self, claimed: Claimed, back: HandedBack) -> Disposition:
        change = self._build_hand_back(claimed, back)
        answer = await self._write_until_answered(change, claimed)
        applied = isinstance(answer, Written) or (isinstance(answer, Refused) and change.was_applied_to(answer.seen))
        if not applied:
            if isinstance(answer, Refused) and change.gives_way_to_cancel(answer.seen):
                return await self._write_ending(claimed, Cancelled(back.history_reason))
            if answer is not None:
                self._emit(LeaseLost(job=claimed.job, reason="its hand-back was refused: the record moved on"))
            return Leave()
        self._emit(JobHandedBack(job=claimed.job, reason=back.reason, delay=back.delay, said=back.note))
        if back.copy is not None and not change.marked:
            return Resend(back.delay, back.copy)
        if change.parked is not None:
            return Parked()
        return Delete() if change.marked else Hide(back.delay)

    def _build_hand_back(self, claimed: Claimed, back: HandedBack) -> HandBack:
        now, record = self._clock.now(), claimed.record
        wait = self._wait(now, back.delay)
        kept_until = wait.purge_at if back.parked is None else parked_purge_at(self._context, now)
        entry = Entry(now, HANDED_BACK, record.attempt, self._context.worker, back.history_reason)
        return HandBack(
            job_id=record.job_id,
            token=claimed.lease.token,
            purge_at=kept_until,
            history=add_hand_back(record.history, entry),
            scheduled_at=wait.until if back.delay else None,
            marked=wait.marked,
            hindered_at=(record.hindered_at or now) if back.hindered else None,
            parked=back.parked,
        )

    def _wait(self, now: int, delay: float) -> Wait:
        """How a job waits for so many seconds from `now` (epoch ms): as SQS lets it, or in the index of due jobs.

        However it waits, its record outlives the wait: a message whose record is gone would start at once.
        """
        until = now + round(delay * 1000)
        marked = delay > MAX_DELAY and self._context.schedule.is_ready
        return Wait(until, marked, self._context.retention.purge_at(until))

    async def _write_until_answered(self, change: Settle | HandBack, claimed: Claimed) -> Written | Refused | None:
        """The answer, whatever our own clock says of the lease; None where none came while others were answered."""
        try:
            try:
                return await self._store.write(change)
            except RecordUnreadable:
                raise
            except Unavailable:
                answer = await self._unanswered.repeat_until_answered(change)
        except RecordUnreadable:
            return Refused(None)
        if answer is None:
            self._emit(LeaseLost(job=claimed.job, reason="its ending could not be written"))
        return answer

    def _build_settle(self, claimed: Claimed, ending: Ending) -> Settle:
        now = self._clock.now()
        status, failure, reason = _ending_in_words(ending)
        failure = failure and with_fingerprint(claimed.record.type, failure)
        success = ending if isinstance(ending, Success) else None
        retrying = ending if isinstance(ending, Retrying) else None
        wait = self._wait(now, retrying.delay if retrying else 0.0)
        entry = Entry(now, ending_event(status), claimed.record.attempt, self._context.worker, reason)
        return Settle(
            job_id=claimed.record.job_id,
            token=claimed.lease.token,
            status=status,
            now=now,
            purge_at=wait.purge_at,
            entry=entry,
            history=trim_if_full(claimed.record.history, entry),
            result=None if success is None else success.result,
            result_ref=None if success is None else success.result_ref,
            failure=failure,
            progress=claimed.lease.progress,
            scheduled_at=wait.until if status is Status.RETRYING else None,
            marked=wait.marked,
            hindered_at=claimed.record.hindered_at if retrying and retrying.hindered else None,
            listing=self._context.listing.listing_of(status, failure),
        )

    def _report_settled(self, claimed: Claimed, change: Settle, written: Written) -> Disposition:
        failure = change.failure
        delay = None if change.scheduled_at is None else (change.scheduled_at - change.now) / 1000
        self._emit(
            JobSettled(
                job=claimed.job,
                status=change.status,
                seconds=max(0, self._clock.now() - (claimed.record.started_at or 0)) / 1000,
                kind=failure.kind if failure else None,
                message=failure.message if failure else None,
                retry_in=delay,
            )
        )
        self._on_settled(change.job_id, written)
        return Delete() if delay is None or change.marked else Hide(delay)


def parked_purge_at(context: Context, now: int) -> int:
    """When the record of a job that is parked at `now` (epoch ms) may be deleted (epoch s)."""
    return context.retention.purge_at(now + LONGEST_PARKED_MS)


def _ending_in_words(ending: Ending) -> tuple[Status, Failure | None, str]:
    """The status, the failure and the history's reason of an ending."""
    match ending:
        case Success():
            return Status.SUCCEEDED, None, ending.note
        case Retrying(failure):
            return Status.RETRYING, failure, f"{failure.kind}: {failure.message}"
        case Failing(failure):
            return Status.FAILED, failure, f"{failure.kind}: {failure.message}"
        case Cancelled(note, why):
            return Status.CANCELLED, None, with_note(why, note)
