"""The port of operations: what was asked for, kept beside the jobs for whoever looks, and for who does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cqworker.model.operations import Operation


class Operations(Protocol):
    """The operations. Every method raises Unavailable."""

    async def remember(self, operation: Operation) -> None:
        """Keeps it until its `purge_at`."""
        ...

    async def find(self, operation_id: str) -> Operation | None:
        """The operation of this id, read consistently; None where there is none."""
        ...

    async def latest(
        self, limit: int, before: str | None = None, tenant: str | None = None
    ) -> tuple[Sequence[Operation], str | None]:
        """At most `limit` operations, the newest first, of one tenant or of all, and where to go on; None at the end.

        `before` is what an earlier answer ended with.
        """
        ...
