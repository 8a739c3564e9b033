"""Slots and waiting lists: protocols that let too many run, or forget who waits."""

from __future__ import annotations

from typing import Any

from cqworker.admission import slots as slots_module
from cqworker.flow.turns import Turn, Turns
from cqworker.model.record import JobRecord
from cqworker.ports.limits import Hold, Slots, SlotsAnswer
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
    async def mark(*_: Any) -> None:
        return

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
