"""Submission: once the message is sent the job is accepted, whatever dies after that."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from cqworker.errors import MessageTooLarge, SendUnanswered, Unavailable, UnknownQueue, UnknownType
from cqworker.events import JobSubmitted, RecordPostponed, SubmissionReplayed
from cqworker.events.schedule_events import JobScheduled
from cqworker.flow.context import Context
from cqworker.flow.job_ref import job_ref_of, stored_trace_id
from cqworker.jobs.queue_directory import QueueDirectory
from cqworker.jobs.request_keys import RequestKey, RequestKeys
from cqworker.jobs.schedule_check import check_schedule, check_start
from cqworker.jobs.submission import Accepted, CheckedSubmission, Submission, check, check_window
from cqworker.jobs.unique_jobs import too_quick
from cqworker.jobs.unique_submissions import UniqueSubmissions
from cqworker.model.artifact_keys import payload_key
from cqworker.model.envelope import Envelope
from cqworker.model.history import SCHEDULED, Entry
from cqworker.model.ids import new_job_id
from cqworker.model.operator_writes import Enter
from cqworker.model.record import JobRecord, record_from, shard_of
from cqworker.model.status import Status
from cqworker.model.tenants import message_group_of
from cqworker.model.timestamps import rfc3339
from cqworker.model.trace import traceparent_for
from cqworker.model.unique_hold import UniqueHold, unique_text
from cqworker.model.writes import Refused
from cqworker.plugins.loaded_handlers import Handler
from cqworker.ports import MAX_DELAY, Artifacts, KeyItem, Letter
from cqworker.ports.fleet import LIMITS, REPLACE

if TYPE_CHECKING:  # a process that reads bodies knows no settings, and need not wait for their import
    from cqworker.plugins.registry import Registry

MAX_TRIES = 5
"""Tries of one request with both keys: each is refused only because another try has said which job is the answer."""
MAX_AT_ONCE = 100
"""Jobs of one call that are under way together: enough for ten full requests, few enough for leases to be kept."""


@dataclass(slots=True)
class _Order:
    """A submission, and what is known of it before anything is done."""

    fit: CheckedSubmission
    handler: Handler
    queue: str
    priority: str | None
    is_later: bool

    @property
    def submission(self) -> Submission:
        return self.fit.submission


class Submitter:
    """Accepts jobs: sends the message, which commits, then puts the record.

    A job for a time that is further ahead than SQS delays a message is put first: its record commits, in the index of
    due jobs, whose sweep sends the message.

    A payload of more than `inline_limit` bytes goes to S3.
    """

    def __init__(
        self,
        context: Context,
        registry: Registry,
        queues: QueueDirectory,
        artifacts: Artifacts,
        *,
        inline_limit: int,
    ) -> None:
        self._registry = registry
        self._queues = queues
        self._schedule = context.schedule
        self._control = context.queue_control
        self._store = context.store
        self._artifacts = artifacts
        self._clock = context.clock
        self._emit = context.emit
        self._inline_limit = inline_limit
        self._retention = context.retention
        self._keys = RequestKeys(context)
        self._unique = UniqueSubmissions(context, queues)

    async def submit(self, asked: Submission | CheckedSubmission) -> Accepted:
        """Accepts one job, which is checked here unless that was done elsewhere.

        Raises UnknownType, UnknownQueue, InvalidPayload, MessageTooLarge, KeyReused, PriorityRefused and TooFarAhead
        (the request is wrong), NotProvisioned (the table cannot keep jobs for later yet), QueueDraining, RateLimited
        (too many wait) and Unavailable (nothing was accepted), SendUnanswered (the job may run); of a unique job
        UniqueRefused (the request is wrong), too, and DuplicateJob (it asked for that).
        """
        submission = asked.submission if isinstance(asked, CheckedSubmission) else asked
        handler = self._find_handler(submission)
        fit = asked if isinstance(asked, CheckedSubmission) else check(submission, handler)
        queue, now = self._queue_name(submission, handler), self._clock.now()
        priority = self._queues.priority_of(queue, submission.priority)
        if submission.limit_key is not None:
            self._control.check_enabled(LIMITS)
        if submission.replaces:
            self._check_replacement(submission)
        order = _Order(fit, handler, queue, priority, submission.is_later(now))
        check_start(submission.run_at, now)
        check_window(submission.unique or handler.unique, self._retention)
        if order.is_later:
            await check_schedule(self._schedule)
        return await self._accept(order, now)

    async def _accept(self, order: _Order, now: int) -> Accepted:
        job_id = new_job_id(now)
        unique = order.submission.unique or order.handler.unique
        if unique is None and order.submission.idempotency_key is None:
            self._check_open(order)
            return Accepted(await self._make(order, job_id))
        item, holder = await self._keys.reserve(order.fit, job_id, now)
        key = self._unique.key_of(item)
        for _ in range(MAX_TRIES):
            if holder is not None:
                resumed = await self._resume(order, holder)
                if isinstance(resumed, Accepted):
                    return resumed
                if isinstance(resumed, KeyItem):
                    holder = resumed
                    continue
                key, job_id = resumed, new_job_id(now) if resumed.is_open else holder.job_id
            self._check_open(order)
            if unique is None:
                return Accepted(await self._make(order, job_id))
            answer = await self._unique.submit(
                order.fit, unique, job_id, key, lambda hold: self._make(order, hold.job_id, hold)
            )
            if isinstance(answer, Accepted):
                return answer
            holder = answer
        raise too_quick()

    def _check_open(self, order: _Order) -> None:
        """Raises QueueDraining, and RateLimited where too many wait."""
        self._control.check_accepts(order.queue)
        self._control.check_room(order.handler.type, order.queue, order.submission.tenant, order.fit.limit_key)

    async def _resume(self, order: _Order, holder: KeyItem) -> Accepted | KeyItem | RequestKey:
        """The answer that another try of the request was given; the key where its job is still to be made."""
        if (record := await self._keys.find_job_of(holder)) is None:
            return self._unique.key_of(holder)
        if order.submission.replaces:
            return await self._unique.resume(order.submission, holder, record)
        self._emit(SubmissionReplayed(job=job_ref_of(record)))
        return Accepted(record, replayed=True)

    async def _make(self, order: _Order, job_id: str, hold: UniqueHold | None = None) -> JobRecord:
        """Sends the job, or puts it for later, under this id; `hold` is its unique key."""
        submission = order.submission
        envelope = await self._build_envelope(order, job_id)
        if hold is not None:
            envelope = replace(envelope, round=hold.round, unique=unique_text(hold.scope, hold.key))
        starts_at = submission.starts_at(envelope.created_at)
        if order.is_later:
            return await self._put_for_later(submission, envelope, starts_at)
        await self._send(submission, envelope, starts_at)
        return await self._put_record(submission, envelope, starts_at)

    async def submit_many(self, submissions: Sequence[Submission | CheckedSubmission]) -> list[Accepted | Exception]:
        """Accepts many jobs, each for itself: its place in the answer has what `submit` returned or raised.

        So many are under way at once (AT_ONCE) that their sends fill requests of ten, and no more than that.
        """
        answers: list[Accepted | Exception] = []
        for start in range(0, len(submissions), MAX_AT_ONCE):
            some = submissions[start : start + MAX_AT_ONCE]
            answers += await asyncio.gather(*(self._submit_or_error(submission) for submission in some))
        return answers

    async def _submit_or_error(self, submission: Submission | CheckedSubmission) -> Accepted | Exception:
        try:
            return await self.submit(submission)
        except Exception as error:  # noqa: BLE001 - an unforeseen one must not hide what became of the others
            return error

    def _find_handler(self, submission: Submission) -> Handler:
        handler = self._registry.get(submission.type)
        if handler is None:
            known = ", ".join(sorted(self._registry.handlers)) or "none"
            raise UnknownType(f"There is no job type {submission.type!r}; known types: {known}.")
        return handler

    def _queue_name(self, submission: Submission, handler: Handler) -> str:
        configured = self._queues.configured
        name = submission.queue or handler.queue or next(iter(configured))
        if name not in configured:
            raise UnknownQueue(f"There is no queue {name!r}; configured queues: {', '.join(configured)}.")
        return name

    def _check_replacement(self, submission: Submission) -> None:
        """Raises NotProvisioned, and MessageTooLarge for a payload that goes to S3, where a job has one place."""
        self._control.check_enabled(REPLACE)
        if (size := len(submission.payload.encode())) > self._inline_limit:
            raise MessageTooLarge(
                f"The payload has {size} bytes; one that may be replaced has {self._inline_limit} at most "
                "(artifacts.inline_limit). Upload what is large, and say where it is."
            )

    async def _build_envelope(self, order: _Order, job_id: str) -> Envelope:
        submission = order.submission
        payload: str | None = submission.payload
        reference = None
        data = submission.payload.encode()
        if len(data) > self._inline_limit:
            reference = await self._artifacts.put(payload_key(job_id), data, "application/json")
            payload = None
        return Envelope(
            job_id=job_id,
            type=submission.type,
            queue=order.queue,
            tenant=submission.tenant,
            max_attempts=submission.max_attempts or order.handler.max_attempts,
            created_at=self._clock.now(),
            payload=payload,
            payload_ref=reference,
            metadata=submission.metadata,
            tags=submission.tags,
            priority=order.priority,
            limit_key=order.fit.limit_key if LIMITS in self._control.control.enabled else None,
        )

    async def _send(self, submission: Submission, envelope: Envelope, starts_at: int) -> None:
        ahead = max(0, starts_at - self._clock.now())
        letter = Letter(
            body=envelope.text(),
            delay=min(MAX_DELAY, -(-ahead // 1000)),
            traceparent=traceparent_for(envelope.job_id, submission.traceparent),
            group=message_group_of(envelope.tenant),
        )
        try:
            await self._queues.named(envelope.queue, envelope.priority).send(letter)
        except Unavailable as error:
            if error.ambiguous:
                raise SendUnanswered(envelope.job_id, error) from error
            raise

    async def _put_for_later(self, submission: Submission, envelope: Envelope, starts_at: int) -> JobRecord:
        """Puts the record, which is all that there is of the job until it is due: its answer decides."""
        purge_at = self._retention.purge_at(starts_at)
        record = record_from(envelope, purge_at, stored_trace_id(envelope.job_id, submission.traceparent))
        record = replace(
            record,
            status=Status.SCHEDULED,
            scheduled_at=starts_at,
            due=shard_of(record.job_id),
            history=(*record.history, Entry(envelope.created_at, SCHEDULED, 0, "", rfc3339(starts_at))),
        )
        try:
            answer = await self._store.write(Enter(record=record))
        except Unavailable as error:
            if error.ambiguous:
                raise SendUnanswered(envelope.job_id, error) from error
            raise
        self._emit(JobSubmitted(job=job_ref_of(record)))
        self._emit(JobScheduled(job=job_ref_of(record), at=rfc3339(starts_at)))
        return (answer.seen or record) if isinstance(answer, Refused) else answer.record

    async def _put_record(self, submission: Submission, envelope: Envelope, starts_at: int) -> JobRecord:
        """Puts the record; the job is accepted even where that fails, for the claim creates it."""
        purge_at = self._retention.purge_at(self._clock.now())
        record = record_from(envelope, purge_at, stored_trace_id(envelope.job_id, submission.traceparent))
        if starts_at > envelope.created_at:
            record = replace(record, scheduled_at=starts_at)
        self._emit(JobSubmitted(job=job_ref_of(record)))
        try:
            answer = await self._store.write(Enter(record=record))
        except Unavailable as error:
            if submission.replaces:  # another message of the job, with another payload, might be the first
                raise SendUnanswered(envelope.job_id, error) from error
            self._emit(RecordPostponed(job=job_ref_of(record), cause=error.cause))
            return record
        return (answer.seen or record) if isinstance(answer, Refused) else answer.record
