"""How long a record stays in the store after its last change."""

from __future__ import annotations

from msgspec import Struct

from cqworker.field_docs import document_fields

DAY_SECONDS = 86_400
"""Seconds of a day."""
MESSAGE_DAYS = 14
"""Days for which SQS keeps a message at most (API reference, SetQueueAttributes, MessageRetentionPeriod)."""


@document_fields(
    days="Days that a record stays after its last change.",
)
class Retention(Struct, frozen=True):
    """The time after which the store may delete a record; every write of the record begins it anew."""

    days: int

    def purge_at(self, now: int) -> int:
        """When a record written at `now` (epoch ms) may be deleted: epoch s, as DynamoDB's TTL attribute has it."""
        return now // 1000 + self.days * DAY_SECONDS

    def outlasts_message(self, ended_at: int, now: int) -> bool:
        """Whether a record that was last written at `ended_at` is there as long as a message that is sent at `now`."""
        return self.purge_at(ended_at) >= now // 1000 + MESSAGE_DAYS * DAY_SECONDS
