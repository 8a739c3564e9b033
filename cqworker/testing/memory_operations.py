"""The operations in memory: what their items in DynamoDB promise, without them."""

from __future__ import annotations

from collections.abc import Sequence

from cqworker.model.operations import Operation


class MemoryOperations:
    """`asked` has them by id."""

    def __init__(self) -> None:
        self.asked: dict[str, Operation] = {}

    async def remember(self, operation: Operation) -> None:
        """As Operations.remember."""
        self.asked[operation.operation_id] = operation

    async def find(self, operation_id: str) -> Operation | None:
        """As Operations.find."""
        return self.asked.get(operation_id)

    async def latest(
        self, limit: int, before: str | None = None, tenant: str | None = None
    ) -> tuple[Sequence[Operation], str | None]:
        """As Operations.latest."""
        older = sorted(
            (each for each in self.asked.values() if before is None or each.operation_id < before),
            key=lambda each: each.operation_id,
            reverse=True,
        )
        found = [each for each in older if tenant in (None, each.tenant)]
        return found[:limit], found[limit - 1].operation_id if len(found) > limit else None
