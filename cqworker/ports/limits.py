"""The port of limits: the slots of each limited key over all workers, and the jobs that wait for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from cqworker.field_docs import document_fields

SLOTS_PER_SHARD = 16
"""Slots that one item keeps: a holder takes some 49 bytes of it, so that each write of it costs one unit."""
MAX_SHARDS = 64
"""Items over which the slots of one key are spread at most; limits beyond 1,024 make each of them larger."""


@document_fields(
    key="The limited key.",
    shard="Which item of the key's.",
    job_id="The job.",
    token="That of the claim under which it is held.",  # noqa: S106 - of a claim
)
class Hold(Struct, frozen=True):
    """A slot of a key that an attempt holds, or asks for."""

    key: str
    shard: int
    job_id: str
    token: str


@document_fields(
    shard="Which item of the key's.",
    held="The tokens of those who hold a slot, by job.",
    waiting="The mark of who was parked last, or None: nobody waits. Shard 0 alone has it.",
    spread="How many shards the key has had at most, as far as shard 0 was told.",
)
class Slots(Struct, frozen=True):
    """The slots of one shard of a key, as they stand."""

    shard: int
    held: Mapping[str, str] = {}
    waiting: str | None = None
    spread: int = 1


@document_fields(
    applied="Whether the write was applied.",
    slots="How the shard stands after it; where it was refused, as it stands.",
)
class SlotsAnswer(Struct, frozen=True):
    """What became of a write."""

    applied: bool
    slots: Slots


@document_fields(
    created_at="When the job was submitted (epoch ms): the oldest goes first.",
    job_id="The job.",
    token="That of the claim that parked it; behind a slash what tells an entry of the same park from it.",  # noqa: S106 - of a claim
    parked_at="When it was parked (epoch ms).",
    purge_at="When the entry may be deleted (epoch s).",
    is_admitted="Whether it had its moment under its rates when it was parked.",
)
class Waiter(Struct, frozen=True, order=True):
    """A job that waits for a slot of a key. Its record has everything else."""

    created_at: int
    job_id: str
    token: str
    parked_at: int
    purge_at: int
    is_admitted: bool = False


def shards_of(most: int) -> int:
    """Over how many items the slots of a key with this limit are spread."""
    return max(1, min(MAX_SHARDS, -(-most // SLOTS_PER_SHARD)))


def most_in(shard: int, most: int) -> int:
    """How many of a limit's slots are this shard's."""
    shards = shards_of(most)
    return most // shards + (shard < most % shards) if shard < shards else 0


class Limits(Protocol):
    """The slots and waiting lists of all keys. Every method raises Unavailable; a write may then have been applied.

    Whatever is asked of an item that is absent finds it empty. All reads are consistent, but for `marked`.
    """

    async def acquire(self, hold: Hold, most: int, *, in_turn: bool) -> SlotsAnswer:
        """Takes a slot where fewer than `most` of the shard are held and the job has none.

        Where somebody waits one slot is left to them, unless it is the job's turn (`in_turn`): who comes fresh stands
        behind, but for slots that would be free beside that one while those who were woken are on their way.
        """
        ...

    async def replace(self, hold: Hold, former: str) -> SlotsAnswer:
        """Takes the job's own slot from an attempt before, where that has exactly this token."""
        ...

    async def take_over(self, hold: Hold, dead: Hold) -> SlotsAnswer:
        """Takes a dead holder's slot, where it has exactly that token and the job has none."""
        ...

    async def free(self, hold: Hold) -> SlotsAnswer:
        """Gives the slot back, where it is held under exactly this token."""
        ...

    async def spread(self, key: str, shards: int) -> None:
        """Tells shard 0 that the key has so many shards: before a slot of another one is first taken."""
        ...

    async def slots(self, key: str) -> Sequence[Slots]:
        """Every shard that was ever written, in their order."""
        ...

    async def put_waiter(self, key: str, waiter: Waiter) -> Waiter | None:
        """Puts the job on the list, in place of an entry that it has there with an earlier `parked_at`.

        Else the entry that it has: a delayed copy of this write takes the place of no later one.
        """
        ...

    async def replace_waiter(self, key: str, waiter: Waiter, former: str) -> bool:
        """Puts the entry in place of the job's own that has exactly this token."""
        ...

    async def delete_waiter(self, key: str, waiter: Waiter) -> bool:
        """Takes the entry off the list, where it has exactly this token."""
        ...

    async def first_waiters(self, key: str, number: int, after: Waiter | None = None) -> Sequence[Waiter]:
        """At most so many (100) of the list, the oldest job first; of those behind `after`, who may have left it."""
        ...

    async def count_waiters(self, key: str, most: int) -> int:
        """How many wait; `most`, where there are more than that."""
        ...

    async def mark(self, key: str, mark: str, at: int) -> Slots:
        """Says that somebody waits: from `at` (epoch ms) on a sweep looks at the key, unless it does so already.

        How shard 0 stands with it. A mark is never used twice.
        """
        ...

    async def marked(self, until: int, number: int) -> Sequence[str]:
        """The first `number` keys that are to be looked at by `until` (epoch ms).

        The index lags behind the marks. Raises NotProvisioned where it is missing or being filled.
        """
        ...

    async def put_off(self, key: str, seen: str, at: int) -> bool:
        """Another time in the index, where this mark stands."""
        ...

    async def clear_mark(self, key: str, seen: str) -> bool:
        """Says that nobody waits, where this mark stands: one that was read before the list was found empty."""
        ...
