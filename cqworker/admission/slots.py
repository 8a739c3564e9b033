"""The slots of limited keys: taken for claimed jobs, given back at their ends, taken over from those who are dead."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from typing import TypeVar
from zlib import crc32

from msgspec import Struct

from cqworker.clock import Clock
from cqworker.errors import RecordUnreadable
from cqworker.model.ids import process_of
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.ports import JobStore
from cqworker.ports.limits import Hold, Limits, Slots, SlotsAnswer, most_in, shards_of

MARGIN_MS = 2_000
"""Milliseconds after the end of its lease at which a holder counts as dead: clocks differ by as much."""
JUDGED_FOR = 10.0
"""Seconds for which a holder that was found alive is not looked at again."""
JUDGED_AT_ONCE = 3
"""Holders whose records one job reads at most before it is parked."""
READ_TOGETHER = 100
"""Holders whose records a sweep reads at once: what one BatchGetItem reads."""
ReadMany = Callable[[Collection[str]], Awaitable[Sequence[JobRecord]]]
"""Reads the records of so many jobs; who has none, or one that cannot be read, is left out (Schedule.read_many)."""
IsHeld = Callable[[str, str], bool]
"""Whether this worker runs the attempt of this job and token, by a lease that it trusts (JobsInHand.is_held)."""
K = TypeVar("K")
V = TypeVar("V")
REMEMBERED = 10_000
"""Holders and processes that are remembered as alive, and keys whose shards were told: some 100 bytes each."""


class Asker(Struct, frozen=True):
    """A claimed job that asks for slots: `in_turn`, since it was woken for this key; `is_alive` says that of its lease.

    Past its own deadline an attempt takes no slot from another one of its job: that may be the newer one.
    """

    job_id: str
    token: str
    in_turn: bool
    is_alive: Callable[[], bool]


class SlotKeeper:
    """Slots end with the lease of their holder: whoever is refused looks whether those who hold them live.

    Of its own attempts a worker knows it (`is_held`), whatever their records say: after a suspended machine wakes, they
    say that leases have ended which the next renewal extends. Whoever holds a slot that was not seen before is as alive
    as its process was when one of that was judged: short jobs end before each of them can be read.
    """

    def __init__(self, limits: Limits, store: JobStore, read_many: ReadMany, clock: Clock, is_held: IsHeld) -> None:
        self._limits = limits
        self._store = store
        self._read_many = read_many
        self._clock = clock
        self._is_held = is_held
        self._alive_at: dict[tuple[str, str], float] = {}
        self._process_alive_at: dict[str, float] = {}
        self._told: dict[str, int] = {}

    async def take(self, key: str, most: int, asker: Asker) -> Hold | None:
        """The slot, or None: as many hold one as may, or others wait. Raises Unavailable."""
        shards, full = shards_of(most), list[tuple[Hold, Slots]]()
        seen = await self._limits.slots(key) if shards > 1 else ()
        if most < 1 or (not asker.in_turn and _is_left_to_others(seen, most)):
            return None
        spread = await self._spread(key, shards, seen)
        for shard in _from_home(asker.job_id, shards):
            hold = Hold(key, shard, asker.job_id, asker.token)
            if (slots := _full(seen, hold, most)) is not None:
                full.append((hold, slots))
                continue
            in_turn = asker.in_turn or shards > 1
            answer = await self._limits.acquire(hold, most_in(shard, most), in_turn=in_turn)
            if not _has(answer, hold):
                if hold.job_id in answer.slots.held:
                    own = asker.is_alive() and await self._replace(hold, answer.slots, most)
                    return hold if own and await self._is_within(hold, most, max(spread, answer.slots.spread)) else None
                if answer.slots.waiting is not None and not in_turn:
                    return None
                full.append((hold, answer.slots))
            else:
                return hold if await self._is_within(hold, most, max(spread, answer.slots.spread)) else None
        return await self._from_the_dead(full, most, spread)

    async def free(self, hold: Hold) -> SlotsAnswer:
        """Gives a slot back; whether it was ours, and how its shard stands then. Raises Unavailable."""
        return await self._limits.free(hold)

    async def free_all(self, key: str, job_id: str, token: str | None) -> Sequence[Slots]:
        """Gives back whatever slot a job still holds under this token; how the key stands. Raises Unavailable."""
        found = []
        for slots in await self._limits.slots(key):
            held = token is not None and slots.held.get(job_id) == token
            found.append((await self.free(Hold(key, slots.shard, job_id, token or ""))).slots if held else slots)
        return found

    async def free_dead(self, key: str) -> Sequence[Slots]:
        """Gives back the slots of all who are dead; how the key stands then. Raises Unavailable."""
        found = []
        for slots in await self._limits.slots(key):
            left = slots
            for job_id, token in await self._dead_of(slots):
                left = (await self.free(Hold(key, slots.shard, job_id, token))).slots
            found.append(left)
        return found

    async def _dead_of(self, slots: Slots) -> list[tuple[str, str]]:
        """Of all who hold a slot, the dead: their records are read together."""
        doubted = [held for held in sorted(slots.held.items()) if not self._is_known_alive(*held)]
        dead, now = [], self._clock.now()
        for first in range(0, len(doubted), READ_TOGETHER):
            some = doubted[first : first + READ_TOGETHER]
            records = {record.job_id: record for record in await self._read_many([job_id for job_id, _ in some])}
            for job_id, token in some:
                record = records.get(job_id)
                if record is not None and not _ran_out(record, token, now):
                    self._note_alive(job_id, token)
                elif record is not None or await self._is_dead(job_id, token):  # who is left out may be a newer one's
                    dead.append((job_id, token))
        return dead

    async def _spread(self, key: str, shards: int, seen: Sequence[Slots]) -> int:
        """How many shards a key has had, which has so many now; before a slot of another than the first is taken."""
        if self._told.get(key, 1) < shards:
            await self._limits.spread(key, shards)
            _remember(self._told, key, shards)
        return max(shards, *(slots.spread for slots in seen), 1)

    async def _is_within(self, hold: Hold, most: int, spread: int) -> bool:
        """Whether a slot that was got is one of `most`: those in shards that a lower limit has no more count, too."""
        if spread <= shards_of(most):
            return True
        if sum(len(slots.held) for slots in await self._limits.slots(hold.key)) <= most:
            return True
        await self._limits.free(hold)
        return False

    async def _replace(self, hold: Hold, slots: Slots, most: int) -> bool:
        """Takes over from an attempt before. Not of one whose time is over: it thawed, and this may be a newer one's.

        A slot beyond the limit, which was lowered, is given up.
        """
        former = slots.held[hold.job_id]
        if len(slots.held) > most_in(hold.shard, most):
            await self._limits.free(Hold(hold.key, hold.shard, hold.job_id, former))
            return False
        return _has(await self._limits.replace(hold, former), hold)

    async def _from_the_dead(self, full: Sequence[tuple[Hold, Slots]], most: int, spread: int) -> Hold | None:
        judged = 0
        for hold, slots in full:
            for job_id, token in sorted(slots.held.items()):
                if judged >= JUDGED_AT_ONCE:
                    return None
                if self._is_known_alive(job_id, token):
                    continue
                judged += 1
                if await self._is_dead(job_id, token) and await self._take_over(hold, slots, job_id, token, most):
                    return hold if await self._is_within(hold, most, max(spread, slots.spread)) else None
        return None

    async def _take_over(self, hold: Hold, slots: Slots, job_id: str, token: str, most: int) -> bool:
        """A slot beyond the limit, which was lowered, is given up and not taken."""
        dead = Hold(hold.key, hold.shard, job_id, token)
        if len(slots.held) > most_in(hold.shard, most):
            await self._limits.free(dead)
            return False
        return _has(await self._limits.take_over(hold, dead), hold)

    def _is_known_alive(self, job_id: str, token: str) -> bool:
        if self._is_held(job_id, token):
            return True
        alive_at = self._alive_at.get((job_id, token))
        if alive_at is None and (alive_at := self._process_alive_at.get(process_of(token))) is not None:
            _remember(self._alive_at, (job_id, token), alive_at)
        return alive_at is not None and self._clock.monotonic() - alive_at < JUDGED_FOR

    def _note_alive(self, job_id: str, token: str) -> None:
        now = self._clock.monotonic()
        _remember(self._alive_at, (job_id, token), now)
        _remember(self._process_alive_at, process_of(token), now)

    async def _is_dead(self, job_id: str, token: str) -> bool:
        """By its record: it does not run under this token, or its lease has ended."""
        if self._is_known_alive(job_id, token):
            return False
        try:
            record = await self._store.get(job_id)
        except RecordUnreadable:  # a newer version runs it
            return False
        if record is None or _ran_out(record, token, self._clock.now()):
            return True
        self._note_alive(job_id, token)
        return False


def _ran_out(record: JobRecord, token: str, now: int) -> bool:
    runs = record.status is Status.RUNNING and record.token == token
    return not runs or record.has_expired(now - MARGIN_MS)


def _has(answer: SlotsAnswer, hold: Hold) -> bool:
    """Whether the slot is ours: also where an earlier try's answer was lost."""
    return answer.applied or answer.slots.held.get(hold.job_id) == hold.token


def _is_left_to_others(seen: Sequence[Slots], most: int) -> bool:
    """Whether the last free slot of a key over several shards is for those who wait."""
    return any(slots.waiting is not None for slots in seen) and sum(len(slots.held) for slots in seen) >= most - 1


def _full(seen: Sequence[Slots], hold: Hold, most: int) -> Slots | None:
    """The shard of this slot, where it was full a moment ago without the job: a write there would be refused."""
    slots = next((slots for slots in seen if slots.shard == hold.shard), None)
    is_full = slots is not None and len(slots.held) >= most_in(hold.shard, most) and hold.job_id not in slots.held
    return slots if is_full else None


def _from_home(job_id: str, shards: int) -> Iterator[int]:
    """Every shard, from one that differs by job."""
    home = crc32(job_id.encode()) % shards
    return (shard % shards for shard in range(home, home + shards))


def _remember(known: dict[K, V], name: K, value: V) -> None:
    known.pop(name, None)
    while len(known) >= REMEMBERED:
        del known[next(iter(known))]
    known[name] = value
