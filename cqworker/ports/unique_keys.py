"""The port of unique keys: items that name a job each, taken by one conditional write."""

from __future__ import annotations

from typing import Protocol

from cqworker.model.unique_hold import UniqueHold
from cqworker.ports import KeyItem


class UniqueKeys(Protocol):
    """The unique keys. Every method raises Unavailable; a write whose answer was lost may have been applied."""

    async def take(self, hold: UniqueHold) -> UniqueHold | None:
        """None: the key names that job from now on. Else the item that stands there, another take than this one.

        It is taken where nobody has it, or where its `rev` is the one before that of `hold`.
        """
        ...

    async def decide(self, key: KeyItem, former: KeyItem) -> KeyItem | None:
        """None: an idempotency key says what `key` says from now on, or has run out and is gone.

        Else the item that stands there. It is put where it names what `former` does, so that of several tries of one
        request a single one says which job is the answer.
        """
        ...
