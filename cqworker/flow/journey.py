"""READ FIRST: one message's trip from its receipt to its acknowledgement."""

from __future__ import annotations

import asyncio

from cqworker.flow.claim import Claimed, Claims
from cqworker.flow.execute import Execution
from cqworker.flow.keeper import LeaseKeeper
from cqworker.flow.letting_go import LettingGo
from cqworker.flow.limits import TypeLimits
from cqworker.flow.receipts import Receipts
from cqworker.flow.settle import Settling
from cqworker.flow.slots import Slot
from cqworker.model.envelope import Envelope
from cqworker.ports import Delivery


class Journey:
    """Takes the messages of one queue through claim, lease, handler, settle and acknowledgement."""

    def __init__(
        self,
        limits: TypeLimits,
        claims: Claims,
        leases: LeaseKeeper,
        execution: Execution,
        settling: Settling,
        receipts: Receipts,
    ) -> None:
        self._limits = limits
        self._claims = claims
        self._leases = leases
        self._execution = execution
        self._settling = settling
        self._receipts = receipts

    async def travel(self, delivery: Delivery, envelope: Envelope, slot: Slot) -> None:
        """Claim the job, keep its lease while the handler runs, settle how that ended, let go of the message."""
        if await self._limits.admit(envelope.type, slot):
            step = await self._claims.claim(delivery, envelope)
        else:
            step = self._limits.later(delivery.receive_count)
        if isinstance(step, Claimed):
            step = await self._carry_out(step, slot)
        self._receipts.let_go(delivery, step, envelope)

    async def _carry_out(self, claimed: Claimed, slot: Slot) -> LettingGo:
        self._leases.hold(claimed.lease)
        try:
            outcome = await self._execution.run(claimed, slot)
            conclusion = await self._settling.conclude(claimed, outcome)
        finally:
            if (renewal := self._leases.release(claimed.lease)) is not None:
                await asyncio.wait([renewal])
        return await self._settling.write(claimed, conclusion)
