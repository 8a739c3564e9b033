"""Unique keys as pure rules: how long the job that a key names keeps others from being made.

Nothing is released when a job ends: whoever meets a key judges it by the record of its job, so that nothing can stay
locked.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from cqworker.enums import UniqueScope
from cqworker.field_docs import document_fields
from cqworker.model.record import JobRecord


class Standing(Enum):
    """What a key is worth to a submission that meets it."""

    BINDS = "its job keeps others from being made"
    FREE = "its job does not, or not any more"
    UNSENT = "its job, or the round that it names, was never seen: whoever took the key died, or is about to send"


@document_fields(
    key="The key's hash.",
    job_id="The job that it names.",
    rev="The number of times that it was taken: who takes it must have seen the one before.",
    round="The round of that job that it was taken for.",
    scope="How long that job keeps others from being made.",
    expires_at="Where the scope is a window, its end (epoch ms), or None.",
    purge_at="When the item may be deleted (epoch s).",
)
class UniqueHold(Struct, frozen=True, kw_only=True):
    """A unique key's own item: which job it names."""

    key: str
    job_id: str
    rev: int
    scope: UniqueScope
    purge_at: int
    round: int = 1
    expires_at: int | None = None

    def is_same_take(self, other: UniqueHold) -> bool:
        """Whether the other is this very take of the key: it was answered before, and the answer was lost."""
        return (self.job_id, self.rev, self.round) == (other.job_id, other.rev, other.round)

    def standing(self, record: JobRecord | None, now: int) -> Standing:
        """What the key is worth at `now` (epoch ms), given its job's record as it was just read.

        A record of a round before the key's was read while a retry was under way: it does not say how that job stands.
        """
        if self.scope is UniqueScope.WINDOW and (self.expires_at or 0) <= now:
            return Standing.FREE
        if record is None:
            return Standing.UNSENT if self.purge_at * 1000 > now else Standing.FREE
        if record.round < self.round:
            return Standing.UNSENT
        if self.scope is UniqueScope.WINDOW:
            return Standing.BINDS
        if record.status.is_final or (self.scope is UniqueScope.UNTIL_STARTED and not has_yet_to_start(record)):
            return Standing.FREE
        return Standing.BINDS


def has_yet_to_start(record: JobRecord) -> bool:
    """Whether no attempt of its round has started, but for refunded ones, and nobody asked to cancel it."""
    return not record.status.is_final and record.attempt == 0 and record.cancel_requested_at is None


def unique_text(scope: UniqueScope, key: str) -> str:
    """How a record and a message name the key (job_limits.UNIQUE_PATTERN)."""
    return f"{scope}#{key}"


def scope_and_key(text: str) -> tuple[UniqueScope, str]:
    """What such a text says; a scope that only a newer version knows is taken for the strictest."""
    word, _, key = text.partition("#")
    return next((scope for scope in UniqueScope if scope == word), UniqueScope.UNTIL_FINISHED), key
