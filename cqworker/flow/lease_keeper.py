"""Keeps the leases of one queue: both ledgers renewed at a third of their period, by a loop no handler can block."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any

from cqworker.errors import Unavailable
from cqworker.events import CancelNoticed, LeaseLost, LeasesRenewed, LeaseUnanswered, ReceiptRefused
from cqworker.execution.outcome import StopReason
from cqworker.flow.context import Context
from cqworker.flow.lease import Lease, LeaseState
from cqworker.flow.supervised_loop import background_failure
from cqworker.health.service_health import STORE, queue_service
from cqworker.model.attempt_writes import Renew
from cqworker.model.writes import Refused
from cqworker.ports import BATCH, MAX_VISIBILITY, Delivery, JobQueue

REQUESTS_AT_ONCE = 8
"""Requests of renewals under way at most, so that claims and settles find connections, too."""
FULL = 50
"""Renewals that leave no request half empty: ten receipts travel in one (SQS), 25 records (DynamoDB)."""
LONGEST_TICK = 1.0
"""Seconds between two looks at the leases at most; a twelfth of a short period."""
ANSWER_MARGIN = 5
"""Seconds kept from the 12 h that SQS hides a message at most: a request to hide it longer is refused."""

SendCopy = Callable[[Delivery, float, str], Awaitable[bool]]
"""Sends a message of ours (and of this tenant) once more, to be seen in so many seconds; whether the queue has it."""


class LeaseKeeper:
    """The leases of a queue: those that wait for their time, and those that are being renewed.

    A lease is lost when the record refuses its renewal. One whose renewals are not answered goes silent: its handler is
    stopped, for another may start, and the record is asked again, for as long as it takes.
    """

    def __init__(self, queue: JobQueue, context: Context, period: int, send_copy: SendCopy) -> None:
        self.period: float = float(period)
        self._health = context.health
        self._service = queue_service(queue.name)
        self._send_copy = send_copy
        self._queue = queue
        self._store = context.store
        self._clock = context.clock
        self._emit = context.emit
        self._waiting: dict[str, Lease] = {}
        self._renewing: dict[str, Lease] = {}
        self._renewals: dict[str, asyncio.Task[None]] = {}
        self._tick_seconds = min(LONGEST_TICK, self.period / 12)
        self._answer_within = self.period / 4
        self._record_gate = asyncio.Semaphore(REQUESTS_AT_ONCE * FULL // 2)
        self._receipt_gate = asyncio.Semaphore(REQUESTS_AT_ONCE)
        self._occupied = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._renewing)

    def __iter__(self) -> Iterator[Lease]:
        return iter([*self._waiting.values(), *self._renewing.values()])

    def keep(self, lease: Lease) -> None:
        """Renews this lease from now on, until it is released or lost."""
        self._waiting[lease.token] = lease
        self._occupied.set()

    def keep_hidden(self, lease: Lease) -> asyncio.Task[None] | None:
        """Renews the receipt alone from now on: the handler has ended. The returned renewal, if any, has to end first.

        Until its ending is answered its message stays hidden from others.
        """
        if lease.state is LeaseState.HELD:
            lease.state = LeaseState.HIDDEN
        return self._renewals.get(lease.token)

    def release(self, lease: Lease) -> asyncio.Task[None] | None:
        """Renews nothing more of this lease. The returned renewal, if any, has to end first."""
        lease.state = LeaseState.SETTLING
        self._waiting.pop(lease.token, None)
        self._renewing.pop(lease.token, None)
        return self._renewals.get(lease.token)

    async def run(self) -> None:
        """Ticks for ever; while there are no leases it sleeps without a timer."""
        while True:
            await self._occupied.wait()
            await asyncio.sleep(self._tick_seconds)
            self.tick()
            if not len(self):
                self._occupied.clear()

    def tick(self) -> None:
        """Stops the handlers whose leases were not answered in time, and starts the renewals that are due."""
        now = self._clock.monotonic()
        for lease in self:
            if now >= lease.record_until and lease.state is LeaseState.HELD and not lease.is_silent:
                self._go_silent(lease)
        due = self._due_again(now)  # first, for the others add to what is being renewed
        due += [*self._due_by_time(now), *self._due_by_progress(now)]
        for start in range(0, len(due), BATCH):
            self._renew(due[start : start + BATCH], now)

    def _due_by_time(self, now: float) -> list[Lease]:
        """Those whose time has come, and so many of the next that no request travels half empty.

        Any of them may be due: a claim that took long to be answered is due before older holds.
        """
        due = [lease for lease in self._waiting.values() if lease.renew_at <= now]
        if missing := -len(due) % FULL:
            soon = now + self._tick_seconds
            nearly = (lease for lease in self._waiting.values() if now < lease.renew_at <= soon)
            due += islice(nearly, missing)
        for lease in due:
            self._renewing[lease.token] = self._waiting.pop(lease.token)
        return due

    def _due_again(self, now: float) -> list[Lease]:
        """Those whose last renewal failed and whose next try has come."""
        ready = (lease for lease in self._renewing.values() if lease.token not in self._renewals)
        return [lease for lease in ready if lease.renew_at <= now]

    def _due_by_progress(self, now: float) -> list[Lease]:
        """Those whose handlers reported progress (flow/progress.py): a renewal writes it."""
        fresh = [lease for lease in self._waiting.values() if lease.is_report_due(now)]
        for lease in fresh:
            self._renewing[lease.token] = self._waiting.pop(lease.token)
        return fresh

    def _renew(self, leases: list[Lease], sent: float) -> None:
        """Ten receipts to a request, each record by itself: no job waits for the answer about another one's record."""
        hidden = [lease for lease in leases if self._asks_for_receipt(lease, sent)]
        receipts = self._start(self._renew_receipts(hidden, sent)) if hidden else None
        for lease in leases:
            renewal = self._start(self._renew_both(lease, sent, receipts))
            self._renewals[lease.token] = renewal
            renewal.add_done_callback(partial(self._forget, lease.token))

    def _asks_for_record(self, lease: Lease, now: float) -> bool:
        """A silent one asks again when the store is back: it is away for all of them."""
        if lease.is_silent and self._health.is_away(STORE):
            return False
        return lease.is_record_due(now) or (lease.progress is not None and lease.state is LeaseState.HELD)

    def _asks_for_receipt(self, lease: Lease, now: float) -> bool:
        if now >= lease.receipt_until and self._health.is_away(self._service):
            return False
        return lease.is_receipt_due(now)

    async def _renew_both(self, lease: Lease, sent: float, receipts: asyncio.Task[None] | None) -> None:
        if self._asks_for_record(lease, sent):
            await self._renew_record(lease, sent)
        if receipts is not None:
            await asyncio.wait([receipts])
        kept = not lease.is_record_due(sent) and not lease.is_receipt_due(sent)
        if kept:
            self._emit(LeasesRenewed(queue=self._queue.name, count=1))
        if lease.token not in self._renewing:
            return
        if kept:
            lease.renew_at = lease.next_renewal
            self._waiting[lease.token] = self._renewing.pop(lease.token)
        else:
            lease.renew_at = self._clock.monotonic() + self.period / 12

    async def _renew_record(self, lease: Lease, sent: float) -> None:
        progress = lease.take_report(sent)
        try:
            async with self._record_gate, asyncio.timeout(self._answer_within):
                until = self._clock.now() + round(self.period * 1000)
                change = Renew(job_id=lease.job.job_id, token=lease.token, lease_expires_at=until, progress=progress)
                answer = await self._store.write(change)
        except (Unavailable, TimeoutError):
            lease.put_back(progress)
            return
        if isinstance(answer, Refused):
            self._lose(lease, "the record says that another attempt or ending came first")
            return
        lease.extend_record(sent)
        is_asked = answer.record.cancel_requested_at is not None and lease.stop_reason is not StopReason.CANCEL
        if is_asked and lease.state is LeaseState.HELD:
            self._emit(CancelNoticed(job=lease.job))
            lease.stop(StopReason.CANCEL)

    async def _renew_receipts(self, leases: list[Lease], sent: float) -> None:
        now = self._clock.monotonic()
        wanted = {lease.delivery.receipt: self._seconds_left(lease, now) for lease in leases}
        changes = [(receipt, seconds) for receipt, seconds in wanted.items() if seconds > 0]
        try:
            async with self._receipt_gate, asyncio.timeout(self._answer_within):
                faults = await self._queue.change_visibility(changes) if changes else ()
        except (Unavailable, TimeoutError):
            return
        refused = {fault.receipt: fault for fault in faults}
        gone: list[tuple[Lease, str]] = []
        for lease in leases:
            fault = refused.get(lease.delivery.receipt)
            if not wanted[lease.delivery.receipt]:
                gone.append((lease, "SQS hides no message for longer than 12 hours"))
            elif fault is None:
                lease.extend_receipt(sent)
            elif fault.gone:
                gone.append((lease, fault.reason))
        if gone:
            await asyncio.gather(*(self._replace_message(lease, reason) for lease, reason in gone))

    def _seconds_left(self, lease: Lease, now: float) -> int:
        """The whole period, but never past the 12 h that SQS counts from the receipt (ChangeMessageVisibility)."""
        longest = int(MAX_VISIBILITY - (now - lease.delivery.received_at)) - ANSWER_MARGIN
        return max(0, min(int(self.period), longest))

    async def _replace_message(self, lease: Lease, reason: str) -> None:
        """The message is in other hands, or was deleted with its queue's others: the job goes on, under its record.

        A job that has not ended must have a message, whatever becomes of this worker. One that the queue does not take
        in time is sent with the next renewal: those of the other jobs wait for the answer here.
        """
        if lease.state not in (LeaseState.HELD, LeaseState.HIDDEN):
            return
        self._emit(ReceiptRefused(queue=self._queue.name, action="change_visibility", reason=reason, gone=True))
        with suppress(TimeoutError):
            async with asyncio.timeout(self._answer_within):
                lease.is_receipt_gone = await self._send_copy(lease.delivery, self.period, lease.job.tenant)

    def _go_silent(self, lease: Lease) -> None:
        lease.is_silent = True
        self._emit(LeaseUnanswered(job=lease.job))
        lease.stop(StopReason.SILENCE)

    def _lose(self, lease: Lease, reason: str) -> None:
        if lease.state is not LeaseState.HELD:
            return
        lease.state = LeaseState.GONE
        self._waiting.pop(lease.token, None)
        self._renewing.pop(lease.token, None)
        self._emit(LeaseLost(job=lease.job, reason=reason))
        lease.stop(StopReason.LOST)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._report_failure)
        return task

    def _report_failure(self, ended: asyncio.Task[None]) -> None:
        if not ended.cancelled() and (error := ended.exception()) is not None:
            self._emit(background_failure("lease keeper", error))

    def _forget(self, token: str, ended: asyncio.Task[None]) -> None:
        if self._renewals.get(token) is ended:
            del self._renewals[token]
