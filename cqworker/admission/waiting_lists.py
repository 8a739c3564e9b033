"""The waiting lists of limited keys: jobs are put on them, woken when slots are free, and never forgotten there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from enum import Enum, auto

from msgspec import Struct
from msgspec.structs import replace

from cqworker.admission.full_lists import FullLists, LimitOf
from cqworker.admission.set_aside import SetAside
from cqworker.admission.slots import Asker, SlotKeeper
from cqworker.clock import Clock
from cqworker.errors import CqworkerError, RecordUnreadable, Unavailable
from cqworker.model.ids import TokenGenerator
from cqworker.model.rates import Admitted
from cqworker.model.record import JobRecord, envelope_of
from cqworker.model.status import Status
from cqworker.model.tenants import message_group_of
from cqworker.model.trace import traceparent_for
from cqworker.ports import JobQueue, JobStore, Letter
from cqworker.ports.limits import Limits, Slots, Waiter

LOOK_MS = 30_000
"""Milliseconds after a mark, or a look, from which on a sweep looks at the key: every minute there is one."""
STEP = 100
"""Jobs that are woken together."""
MOST_AT_ONCE = 1_000
"""Jobs that one look wakes at most where the limit was lifted or taken out; the next look wakes as many."""
OLD_MS = 7 * 86_400_000
"""Milliseconds after which a job is woken whatever the slots say: it is parked anew, and its record is kept longer."""
BEYOND = 8
"""Entries that are read beyond those that are to be woken: some of them may have been left behind."""


class Sending(Struct, frozen=True):
    """`queue_named` opens a queue by its name and level; `on_unsendable` hears who cannot be sent, and why."""

    queue_named: Callable[[str, str | None], JobQueue]
    on_unsendable: Callable[[JobRecord, str], None]


class Swept(Struct, frozen=True):
    """What a look of the sweep found of a key: whether somebody still waits, and whether no more may."""

    key: str
    is_waited_for: bool
    is_full: bool


class _Fate(Enum):
    WOKEN = auto()
    GONE = auto()
    """The job does not wait for this any more."""
    STAYS = auto()
    """Whoever parks it has not done so yet, its queue takes nothing now, or another look wakes it."""


class WaitingLists:
    """Who parks a job lists it, marks the key and looks; who gives a slot back looks where there is a mark.

    In this order one of the two sees the other, whatever comes between.
    """

    def __init__(
        self,
        limits: Limits,
        store: JobStore,
        sending: Sending,
        slots: SlotKeeper,
        clock: Clock,
        limit_of: LimitOf,
    ) -> None:
        self._limits = limits
        self._store = store
        self._sending = sending
        self._slots = slots
        self._clock = clock
        self._limit_of = limit_of
        self._full = FullLists(limits, clock, limit_of)
        self._aside = SetAside(clock)
        self._marks = TokenGenerator()
        self._waking: set[str] = set()

    async def enter(
        self, key: str, record: JobRecord, asker: Asker, purge_at: int, *, is_admitted: bool = False
    ) -> Waiter | None:
        """Puts a job on the list, before its record says so; `is_admitted`: at its moment. Raises Unavailable.

        None past the attempt's own deadline: another one may be about to park the job, and a look would take away the
        entry of the one that runs no more. `parked_at` is taken before that is judged: a write that is late gives way.
        """
        waiter = Waiter(record.created_at, record.job_id, asker.token, self._clock.now(), purge_at, is_admitted)
        while asker.is_alive():
            held = await self._limits.put_waiter(key, waiter)
            if held is None or held.token == asker.token:
                return waiter
            waiter = replace(waiter, parked_at=held.parked_at + 1)  # another clock's, or a delayed write's
        return None

    async def withdraw(self, key: str, waiter: Waiter) -> None:
        """Takes a job off the list that was not parked after all. Raises Unavailable."""
        await self._limits.delete_waiter(key, waiter)

    async def call(self, key: str) -> None:
        """Marks the key, for somebody is on its list, and looks. Raises Unavailable."""
        first = await self._limits.mark(key, self._marks.new_token(), self._clock.now() + LOOK_MS)
        await self.look(key, (first,) if first.spread == 1 else None)

    async def relist(self, record: JobRecord) -> None:
        """Puts a parked job on its list where it is not there, and sees that it is looked at. Raises Unavailable.

        An entry that is there stays: it has the job's moment, or is that of a later park, which this may come after.
        But one of this park gets another token: who woke the job may still be about to take it off, however late, and
        what woke it has come to nothing.
        """
        if record.parked is not None:
            made_at, park = record.created_at, record.token or ""
            token = f"{park}/{self._marks.new_token()}"
            entry = Waiter(made_at, record.job_id, token, made_at, record.purge_at)
            held = await self._limits.put_waiter(record.parked, entry)
            if held is not None and held.token != token and park_of(held) == park:
                await self._limits.replace_waiter(record.parked, replace(held, token=token), held.token)
            await self.call(record.parked)

    async def look(
        self,
        key: str,
        seen: Sequence[Slots] | None = None,
        most_woken: int = MOST_AT_ONCE,
        *,
        hands_on: bool = False,
    ) -> bool:
        """Wakes as many as there are free slots, where the key is marked, `most_woken` at most; whether any wait still.

        `seen` is how the whole key stands, where that is known. A list that is found empty loses its mark. Who is woken
        alone, or first where a job `hands_on` its slot that had a moment, keeps the moment at which it was parked; the
        others need another one: a limit that was lifted lets no more start than their rates. Raises Unavailable.
        """
        slots = await self._limits.slots(key) if seen is None else seen
        mark = next((each.waiting for each in slots if each.waiting is not None), None)
        if mark is None:
            return False
        most = None if (limit := self._limit_of(key)) is None else limit.concurrency
        held = sum(len(each.held) for each in slots)
        room = most_woken if most is None else min(most_woken, most - held)
        keeps = hands_on or room == 1
        if keeps and room > 1:
            await self._wake(key, 1, keeps=True)
            room, keeps = room - 1, False
        if room > 0 and await self._wake(key, room, keeps=keeps):
            await self._limits.clear_mark(key, mark)
            return False
        return True

    async def due(self, number: int) -> Sequence[str]:
        """At most so many keys whose time for a look has come. Raises Unavailable, NotProvisioned."""
        return await self._limits.marked(self._clock.now(), number)

    async def sweep(self, key: str) -> Swept:
        """Looks at a key where somebody waits, after its dead were cleared away, and says when to look again.

        Raises Unavailable.
        """
        slots = await self._slots.free_dead(key)
        await self._wake_old(key)
        is_waited_for = await self.look(key, slots)
        if (mark := next((each.waiting for each in slots if each.waiting is not None), None)) is not None:
            await self._limits.put_off(key, mark, self._clock.now() + LOOK_MS)
        return Swept(key, is_waited_for=is_waited_for, is_full=is_waited_for and await self._full.has(key))

    async def _wake(self, key: str, room: int, *, keeps: bool) -> bool:
        """Wakes the first of the list, as many as there is room for; whether the list was empty in the end.

        Who cannot be woken is passed over: one queue that takes nothing holds up no other.
        """
        after = self._aside.start_of(key)
        if after is None:
            self._aside.begin(key)
        is_empty, all_aside, asked = after is None, True, min(STEP, room + BEYOND)
        while room > 0:
            waiters = await self._limits.first_waiters(key, asked, after)
            if not waiters:
                return is_empty
            left = [waiter for waiter in waiters if not self._aside.has(waiter.job_id)]
            while left and room > 0:
                some, left = left[:room], left[room:]
                fates = await self._wake_some(key, some, keeps=keeps)
                room -= fates.count(_Fate.WOKEN)
                is_empty = is_empty and _Fate.STAYS not in fates
            aside = [self._aside.has(waiter.job_id) for waiter in waiters]
            is_empty, all_aside = is_empty and not any(aside), all_aside and all(aside)
            if all_aside:
                self._aside.pass_over(key, waiters[-1])
            after, asked = waiters[-1], STEP if any(aside) else asked
        return False

    async def _wake_old(self, key: str) -> None:
        """Those who have been parked for very long: their records must not come to their end meanwhile."""
        before = self._clock.now() - OLD_MS
        for waiter in await self._limits.first_waiters(key, STEP):
            if waiter.parked_at < before:
                await self._wake_one(key, waiter)

    async def _wake_some(self, key: str, waiters: Sequence[Waiter], *, keeps: bool) -> Sequence[_Fate]:
        """Together; whom a look beside this one is about to wake stays: each look has a slot for somebody else."""
        ours = [waiter for waiter in waiters if waiter.job_id not in self._waking]
        names = {waiter.job_id for waiter in ours}
        self._waking |= names
        try:
            fates = await asyncio.gather(*(self._wake_one(key, waiter, keeps=keeps) for waiter in ours))
        finally:
            self._waking -= names
        return [*fates, *[_Fate.STAYS] * (len(waiters) - len(ours))]

    async def _wake_one(self, key: str, waiter: Waiter, *, keeps: bool = False) -> _Fate:
        """Sends the message of the job, then takes it off the list where it has not been parked again meanwhile."""
        try:
            record = await self._store.get(waiter.job_id)
        except RecordUnreadable:  # a newer version parked it
            return _Fate.STAYS
        if record is not None and record.status is Status.RUNNING and record.token == waiter.token:
            return _Fate.STAYS
        if record is not None and record.is_parked and record.parked == key:
            if not await self._send(record, self._clock.now() if keeps and waiter.is_admitted else None):
                return _Fate.STAYS
            await self._limits.delete_waiter(key, waiter)
            return _Fate.WOKEN
        await self._limits.delete_waiter(key, waiter)
        return _Fate.GONE

    async def _send(self, record: JobRecord, moment: int | None) -> bool:
        """Whether the message was sent: a queue that takes nothing now is told, and let be for a while."""
        queue = f"{record.queue} {record.priority or ''}"
        self._aside.note(record.job_id, queue)
        if self._aside.hinders(queue):
            return False
        try:
            await self._sending.queue_named(record.queue, record.priority).send(_letter_of(record, moment))
        except CqworkerError as error:
            self._aside.add(record.job_id, queue if isinstance(error, Unavailable) else record.job_id)
            self._sending.on_unsendable(record, str(error))
            return False
        return True


def park_of(waiter: Waiter) -> str:
    """The token of the claim that parked the job."""
    return waiter.token.partition("/")[0]


def _letter_of(record: JobRecord, moment: int | None) -> Letter:
    """The message of a parked job, which says whose park it ends; `moment` (epoch ms) is that of its next start."""
    trace = f"00-{record.trace_id}-{record.trace_id[:16]}-00" if record.trace_id else None
    envelope = envelope_of(record)
    if moment is not None:
        envelope = replace(envelope, admitted=Admitted(record.attempt + 1, moment))
    body = envelope.text()
    return Letter(body=body, traceparent=traceparent_for(record.job_id, trace), group=message_group_of(record.tenant))
