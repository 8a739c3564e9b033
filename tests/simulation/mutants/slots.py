"""Slots and waiting lists: protocols that let too many run, or forget who waits.

An ending in place of a start that gives back no slot, or tries to by another token than the record's, is none of them:
the record shows that its holder is dead (nobody writes such an ending before the lease is over), so whoever asks next
takes the slot, or the sweep gives it back, and a slot that is named by job and token is nobody else's. It costs a
minute, and breaks no promise; tests/flow/test_slots_of_the_crashed.py shows both, and what that minute is worth.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from cqworker.admission import slots as slots_module
from cqworker.flow.turns import Turn, Turns
from cqworker.model.envelope import Envelope
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.ports.limits import Hold, Slots, SlotsAnswer, Waiter
from cqworker.scheduling.limit_sweep import LimitSweep
from cqworker.testing.memory_limits import MemoryLimits
from tests.simulation.mutants.registry import Swap, mutant
from tests.simulation.profile import Profile


def _slotted(profile: Profile) -> bool:
    return bool(profile.slotted)


@mutant("one more runs than a limit allows", where=_slotted)
def _one_more(swap: Swap) -> None:
    honest = MemoryLimits.acquire

    async def acquire(self: MemoryLimits, hold: Hold, most: int, *, in_turn: bool) -> SlotsAnswer:
        return await honest(self, hold, most + 1, in_turn=in_turn)

    swap(MemoryLimits, "acquire", acquire)


@mutant("every holder is taken for dead", where=_slotted)
def _all_dead(swap: Swap) -> None:
    swap(slots_module, "_ran_out", lambda *_: True)


@mutant("a slot is not given back, and no sweep makes up for it", where=_slotted)
def _kept(swap: Swap) -> None:
    async def give_back(self: Turns, turn: Turn) -> None:
        turn.holds = []

    async def sweep(*_: Any) -> None:
        return

    swap(Turns, "_give_back", give_back)
    swap(LimitSweep, "sweep", sweep)


@mutant("a job is parked without an entry on the list", where=_slotted)
def _unlisted(swap: Swap) -> None:
    async def put_waiter(*_: Any) -> None:
        return None

    swap(MemoryLimits, "put_waiter", put_waiter)


@mutant("a key is not marked when a job is parked", where=_slotted)
def _unmarked(swap: Swap) -> None:
    async def mark(self: MemoryLimits, key: str, *_: Any) -> Slots:
        return self.shards.get((key, 0), Slots(0))

    swap(MemoryLimits, "mark", mark)


@mutant("a mark is cleared whoever set it since", where=_slotted)
def _clears_any(swap: Swap) -> None:
    honest = MemoryLimits.clear_mark

    async def clear_mark(self: MemoryLimits, key: str, seen: str) -> bool:
        held = self.shards.get((key, 0), Slots(0)).waiting
        return await honest(self, key, seen if held is None else held)

    swap(MemoryLimits, "clear_mark", clear_mark)


@mutant("any copy starts a parked job", where=_slotted)
def _any_copy(swap: Swap) -> None:
    swap(JobRecord, "is_parked_otherwise", lambda *_: False)


@mutant("a copy of a job that runs gives back the slot of the attempt that runs", where=_slotted)
def _frees_running(swap: Swap) -> None:
    """What a slot that is taken before the claim comes to: who is refused gives it back."""
    honest = Turns.let_go

    async def let_go(self: Turns, envelope: Envelope, seen: JobRecord | None) -> bool:
        if seen is not None and seen.status is Status.RUNNING:
            seen = replace(seen, status=Status.QUEUED)
        return await honest(self, envelope, seen)

    swap(Turns, "let_go", let_go)


@mutant("a slot is taken from whatever attempt of the job has it", where=_slotted)
def _overwrites(swap: Swap) -> None:
    honest = MemoryLimits.acquire

    async def acquire(self: MemoryLimits, hold: Hold, most: int, *, in_turn: bool) -> SlotsAnswer:
        slots = self.shards.get((hold.key, hold.shard), Slots(hold.shard))
        former = slots.held.get(hold.job_id)
        if former is not None:
            return await self.replace(hold, former)
        return await honest(self, hold, most, in_turn=in_turn)

    swap(MemoryLimits, "acquire", acquire)


@mutant("a waker takes the entry of a job that was parked again", where=_slotted)
def _takes_any_entry(swap: Swap) -> None:
    honest = MemoryLimits.delete_waiter

    async def delete_waiter(self: MemoryLimits, key: str, waiter: Waiter) -> bool:
        held = self.lists[key].get(waiter.job_id)
        return await honest(self, key, waiter if held is None else held)

    swap(MemoryLimits, "delete_waiter", delete_waiter)
