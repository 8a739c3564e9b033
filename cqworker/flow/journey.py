"""READ FIRST: one message's trip from its receipt to its acknowledgement."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

from cqworker.events import CopyHidden, Emit
from cqworker.execution.executor import Executor
from cqworker.flow.acknowledger import Acknowledger, Disposition, Hide, Leave
from cqworker.flow.admission import Admission
from cqworker.flow.capacity import Slot
from cqworker.flow.claim import Claimed, Claimer
from cqworker.flow.conclusion import Conclusion
from cqworker.flow.job_ref import job_ref_of_message
from cqworker.flow.jobs_in_hand import JobsInHand
from cqworker.flow.lease_keeper import LeaseKeeper
from cqworker.flow.queue_control import QueueControl
from cqworker.flow.settle import Settler
from cqworker.flow.turns import Turn, Turns
from cqworker.flow.type_limits import TypeLimits
from cqworker.model.envelope import Envelope
from cqworker.model.limits import LimitTable
from cqworker.ports import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """Takes the messages of one queue through claim, lease, handler, settle and acknowledgement."""

    limits: TypeLimits
    in_hand: JobsInHand
    claimer: Claimer
    leases: LeaseKeeper
    executor: Executor
    control: QueueControl
    admission: Admission
    turns: Turns
    settler: Settler
    acknowledger: Acknowledger
    emit: Emit

    async def process(self, delivery: Delivery, envelope: Envelope, slot: Slot) -> None:
        """Claim the job, keep its lease while the handler runs, settle how that ended, dispose of the message."""
        if envelope.job_id in self.in_hand.jobs:
            seconds = self.in_hand.seconds_to_hide(envelope.job_id, envelope.round)
            if seconds is not None:
                await self._pass_on(envelope)
                self._hide_copy(delivery, envelope, seconds)
                return
        if await self.limits.admit(envelope.type, slot):
            step = await self.claimer.claim(delivery, envelope)
        else:
            step = self.limits.hide_until_turn(delivery.receive_count)
            await self._pass_on(envelope)
        if isinstance(step, Claimed):
            await self._run_job(step, slot)
        else:
            await self.put_off(delivery, envelope, step)

    async def put_off(self, delivery: Delivery, envelope: Envelope, step: Disposition) -> None:
        """Disposes of a message that starts nothing now."""
        if isinstance(step, Hide) and self.acknowledger.copies.is_due(delivery):
            can_wait = self.acknowledger.copies.can_wait(delivery)
            step = await self.claimer.drop_if_ended(delivery, envelope, step, can_wait=can_wait)
        self.acknowledger.dispose(delivery, step, envelope)

    async def _run_job(self, claimed: Claimed, slot: Slot) -> None:
        lease = claimed.lease
        holding = self.in_hand.add(lease)
        slot.when_free(partial(self.in_hand.remove, holding))
        self.leases.keep(lease)
        try:
            table, turn, conclusion, straggler = self.control.limits, None, None, None
            if table is not None:
                turn = Turn()
                conclusion = await self._ask_limits(claimed, table, turn)
            if conclusion is None:
                outcome, straggler = await self.executor.run(claimed)
                if straggler is not None:
                    slot.keep_until(straggler)
                conclusion = await self.settler.conclude(claimed, outcome)
            if (renewal := self.leases.keep_hidden(lease)) is not None:
                await asyncio.wait([renewal])
            disposition = await self.settler.write(claimed, conclusion)
        finally:
            if (renewal := self.leases.release(lease)) is not None:
                await asyncio.wait([renewal])
        if straggler is not None:
            self.in_hand.conclude(holding)
        if turn is not None and not (straggler is not None and isinstance(disposition, Leave)):
            if turn.waiter is not None:  # it may be woken, and its message come here, before its parking is over
                self.in_hand.remove(holding)
            disposition = await self.turns.end(claimed, turn, disposition)
        if not lease.is_receipt_gone:
            self.acknowledger.dispose_settled(claimed.delivery, disposition, claimed.envelope)

    async def _ask_limits(self, claimed: Claimed, table: LimitTable, turn: Turn) -> Conclusion | None:
        """None: no limit keeps it from starting now. Else what is written in place of a start."""
        limits = await self.admission.limits_on(claimed, table)
        if not isinstance(limits, tuple):
            return limits
        return await self.admission.admit(claimed, limits) or await self.turns.ask(claimed, limits, turn)

    async def _pass_on(self, envelope: Envelope) -> None:
        """A copy that was woken for a free slot and is hidden: another one may have it meanwhile."""
        if envelope.woken is not None:
            await self.turns.let_go(envelope, None)

    def _hide_copy(self, delivery: Delivery, envelope: Envelope, seconds: float) -> None:
        """A copy of what we have in hand: a claim would count an attempt if the lease has ended unnoticed."""
        self.emit(CopyHidden(job=job_ref_of_message(envelope, delivery.traceparent), seconds=seconds))
        self.acknowledger.dispose(delivery, Hide(seconds), envelope)
