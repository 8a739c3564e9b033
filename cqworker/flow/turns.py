"""Slots between claim and start: a job that gets none is parked, and whoever had one gives it back at every ending."""

from __future__ import annotations

from cqworker.admission.rate_admission import Limited, takes_moment
from cqworker.admission.slots import Asker, SlotKeeper
from cqworker.admission.waiting_lists import MOST_AT_ONCE, WaitingLists
from cqworker.errors import Unavailable
from cqworker.execution.outcome import Hindered, Raised, StopReason
from cqworker.flow.acknowledger import Delete, Disposition, Leave
from cqworker.flow.claim import Claimed
from cqworker.flow.conclusion import Cancelled, Conclusion, HandedBack
from cqworker.flow.context import Context
from cqworker.flow.lease import LeaseState
from cqworker.flow.limit_keys import LimitKeys
from cqworker.flow.settle import Parked, Settler, parked_purge_at
from cqworker.model.envelope import Envelope
from cqworker.model.history import CROWDED, LIMITED, PARKED
from cqworker.model.limits import LimitTable, OnFull, shown_key
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.ports.limits import Hold, Slots, Waiter

UNLISTED_FOR = 30.0
"""Seconds after which a job asks again that could not be parked: its list is full, or nobody would look at it, for the
index is missing."""


class Turn:
    """What a claimed job has of limits: the slots it holds, or the list of a `key` it is on."""

    __slots__ = ("holds", "key", "waiter")

    def __init__(self) -> None:
        self.holds: list[Hold] = []
        self.key: str = ""
        self.waiter: Waiter | None = None


class Turns:
    """Asked once a job is claimed, while any limit is in force, and before the message of one that ended is deleted."""

    def __init__(
        self, context: Context, slots: SlotKeeper, lists: WaitingLists, keys: LimitKeys, settler: Settler
    ) -> None:
        self._clock = context.clock
        self._control = context.queue_control
        self._context = context
        self._slots = slots
        self._lists = lists
        self._limit_keys = keys
        self._settler = settler

    async def ask(self, claimed: Claimed, limits: Limited, turn: Turn) -> Conclusion | None:
        """Takes a slot of each limit in their order: None, or what is written in place of a start."""
        try:
            return await self._take_all(claimed, limits, turn)
        except Unavailable as error:
            raised = Raised("Unavailable", error.cause, stage="limits")
            return await self._settler.conclude(claimed, Hindered("its limits could not be asked", raised))

    async def _take_all(self, claimed: Claimed, limits: Limited, turn: Turn) -> Conclusion | None:
        """What was taken before another is refused is given back first: no slot is held while its job waits."""
        for key, limit in limits:
            if limit.concurrency is None:
                continue
            hold = await self._slots.take(key, limit.concurrency, self._asker(claimed, key))
            if hold is None:
                await self._give_back(turn)
                return await self._refuse(claimed, key, limits, turn)
            turn.holds.append(hold)
        return None

    async def end(self, claimed: Claimed, turn: Turn, disposition: Disposition) -> Disposition:
        """Gives back what the job holds, or calls those who wait; its message is deleted only after that."""
        woken = claimed.envelope.woken
        looked = {hold.key for hold in turn.holds}
        try:
            await self._give_back(turn)
            if turn.waiter is not None:
                looked.add(turn.key)
                await self._end_parking(turn, turn.waiter, disposition)
            if woken is not None and woken.key not in looked:
                await self._lists.look(woken.key, hands_on=claimed.envelope.admitted is not None)
        except Unavailable:
            return Leave() if isinstance(disposition, Delete) else disposition
        return disposition

    async def let_go(self, envelope: Envelope, seen: JobRecord | None) -> bool:
        """Whether a copy that starts nothing may be deleted: what its job held is given back, and others were called.

        `seen` is the job's record, whose own token frees its slots where nobody runs it. A parked one is on its list
        for certain then: whoever parked it may have died before the key was marked.
        """
        keys = {} if envelope.woken is None else {envelope.woken.key: None}
        table = self._control.limits
        try:
            if seen is not None and seen.is_parked:
                await self._lists.relist(seen)
            elif seen is not None and seen.status is not Status.RUNNING and table is not None:
                for key in self._keys(seen, table):
                    keys.pop(key, None)
                    await self._lists.look(key, await self._slots.free_all(key, seen.job_id, seen.token))
            for key in keys:
                await self._lists.look(key, hands_on=envelope.admitted is not None)
        except Unavailable:
            return False
        return True

    def _keys(self, record: JobRecord, table: LimitTable) -> list[str]:
        """The keys of which this job may hold a slot."""
        keys = self._limit_keys.keys_of_seen(record, table)
        return [key for key, limit in table.limits_of(keys, self._clock.now()) if limit.concurrency is not None]

    def _asker(self, claimed: Claimed, key: str) -> Asker:
        lease, clock = claimed.lease, self._clock
        return Asker(
            claimed.record.job_id,
            lease.token,
            claimed.envelope.woken is not None and claimed.envelope.woken.key == key,
            lambda: lease.state is LeaseState.HELD and lease.is_alive(clock.monotonic()),
        )

    async def _refuse(self, claimed: Claimed, key: str, limits: Limited, turn: Turn) -> Conclusion:
        if dict(limits)[key].on_full is OnFull.DROP:
            return Cancelled(why=f"{LIMITED} {shown_key(key)}")
        is_known_there = claimed.envelope.woken is not None and claimed.envelope.woken.key == key
        if not is_known_there and self._control.first_full((key,)) is not None:
            return HandedBack(CROWDED, UNLISTED_FOR, shown_key(key))
        if not await self._context.schedule.check():
            return HandedBack(PARKED, UNLISTED_FOR, shown_key(key))
        purge_at = parked_purge_at(self._context, self._clock.now())
        asker, is_admitted = self._asker(claimed, key), takes_moment(limits)
        turn.waiter = await self._lists.enter(key, claimed.record, asker, purge_at, is_admitted=is_admitted)
        if turn.waiter is None:
            return HandedBack(StopReason.SILENCE, 0.0)
        turn.key = key
        return HandedBack(PARKED, 0.0, shown_key(key), parked=key)

    async def _end_parking(self, turn: Turn, waiter: Waiter, disposition: Disposition) -> None:
        """Marks and looks; a job that was cancelled instead leaves the list."""
        if isinstance(disposition, Delete) and not isinstance(disposition, Parked):
            await self._lists.withdraw(turn.key, waiter)
            await self._lists.look(turn.key)
        else:
            await self._lists.call(turn.key)

    async def _give_back(self, turn: Turn) -> None:
        """For each slot one of those who wait is woken: were it as many as are free, others would be woken twice."""
        holds, turn.holds = turn.holds, []
        for hold in holds:
            answer = await self._slots.free(hold)
            most = 1 if answer.applied else MOST_AT_ONCE
            await self._lists.look(hold.key, _whole(answer.slots), most)


def _whole(slots: Slots) -> list[Slots] | None:
    """How the key stands, where one shard says all of it."""
    return [slots] if slots.shard == 0 and slots.spread <= 1 else None
