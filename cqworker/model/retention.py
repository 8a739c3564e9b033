"""How long a record stays in the store after its last change."""

from __future__ import annotations

from msgspec import Struct

from cqworker.field_docs import document_fields

DAY_SECONDS = 86_400
"""Seconds of a day."""


@document_fields(
    days="Days that a record stays after its last change.",
)
class Retention(Struct, frozen=True):
    """The time after which the store may delete a record; every write of the record begins it anew."""

    days: int

    def purge_at(self, now: int) -> int:
        """When a record written at `now` (epoch ms) may be deleted: epoch s, as DynamoDB's TTL attribute has it."""
        return now // 1000 + self.days * DAY_SECONDS
