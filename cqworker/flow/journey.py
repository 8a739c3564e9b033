"""READ FIRST: one message's trip from its receipt to its acknowledgement."""

from __future__ import annotations

import asyncio
from functools import partial

from cqworker.events import CopyHidden, Emit
from cqworker.execution.executor import Execution
from cqworker.flow.acknowledger import Receipts
from cqworker.flow.capacity import Slot
from cqworker.flow.claim import Claimed, Claims
from cqworker.flow.job_ref import subject_of_message
from cqworker.flow.jobs_in_hand import InHand
from cqworker.flow.lease_keeper import LeaseKeeper
from cqworker.flow.message_disposition import Hide
from cqworker.flow.settle import Settling
from cqworker.flow.type_limits import TypeLimits
from cqworker.model.envelope import AttemptsOf, Envelope
from cqworker.ports import Delivery


class Journey:
    """Takes the messages of one queue through claim, lease, handler, settle and acknowledgement."""

    def __init__(
        self,
        limits: TypeLimits,
        in_hand: InHand,
        claims: Claims,
        leases: LeaseKeeper,
        execution: Execution,
        settling: Settling,
        receipts: Receipts,
        emit: Emit,
    ) -> None:
        self._limits = limits
        self._in_hand = in_hand
        self._claims = claims
        self._leases = leases
        self._execution = execution
        self.attempts_of: AttemptsOf = execution.attempts_of
        self._settling = settling
        self._receipts = receipts
        self._emit = emit

    async def travel(self, delivery: Delivery, envelope: Envelope, slot: Slot) -> None:
        """Claim the job, keep its lease while the handler runs, settle how that ended, let go of the message."""
        if envelope.job_id in self._in_hand.jobs:
            seconds = self._in_hand.seconds_left(envelope.job_id, envelope.round)
            if seconds is not None:
                self._put_off(delivery, envelope, seconds)
                return
        if await self._limits.admit(envelope.type, slot):
            step = await self._claims.claim(delivery, envelope)
        else:
            step = self._limits.later(delivery.receive_count)
        if isinstance(step, Claimed):
            await self._carry_out(step, slot)
        else:
            self._receipts.let_go(delivery, step, envelope)

    async def _carry_out(self, claimed: Claimed, slot: Slot) -> None:
        lease = claimed.lease
        holding = self._in_hand.take(lease)
        slot.when_free(partial(self._in_hand.put_down, holding))
        self._leases.hold(lease)
        try:
            outcome, straggler = await self._execution.run(claimed)
            if straggler is not None:
                slot.keep_until(straggler)
            conclusion = await self._settling.conclude(claimed, outcome)
            if (renewal := self._leases.hide(lease)) is not None:
                await asyncio.wait([renewal])
            how = await self._settling.write(claimed, conclusion)
        finally:
            if (renewal := self._leases.release(lease)) is not None:
                await asyncio.wait([renewal])
        if slot.straggler is not None:
            self._in_hand.conclude(holding)
        if not lease.is_receipt_gone:
            self._receipts.settle(claimed.delivery, how, claimed.envelope)

    def _put_off(self, delivery: Delivery, envelope: Envelope, seconds: float) -> None:
        """A copy of what we have in hand: a claim would count an attempt if the lease has ended unnoticed."""
        self._emit(CopyHidden(job=subject_of_message(envelope, delivery.traceparent), seconds=seconds))
        self._receipts.let_go(delivery, Hide(seconds), envelope)
