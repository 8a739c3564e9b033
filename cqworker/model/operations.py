"""An operation: one act of an operator on many jobs, as it was asked for, and what has become of it so far."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec
from msgspec import Struct

from cqworker.field_docs import document_fields
from cqworker.model.history import RETRIED
from cqworker.model.record import JobRecord, Progress
from cqworker.model.status import RETRYABLE, Status

RESERVED_PREFIX = "cqworker."
"""What the types of the product's own jobs begin with: nobody else's may."""
OPERATION_TYPE = "cqworker.operation"
"""The type of the job that an operation runs as."""
MAX_IDS = 500
"""Jobs that an operation may name one by one."""
USUAL_RATE, MAX_RATE = 50, 1_000
"""Jobs a second: where nobody says how many, and at most."""
MAX_REASON_BYTES = 100
"""Bytes of why it was asked for: it is part of a history entry of each of its jobs, which has room for no more."""


class Act(StrEnum):
    """What is done to each job."""

    RETRY = "retry"
    CANCEL = "cancel"

    def admits(self, status: Status) -> bool:
        """Whether it can be done to a job in this status."""
        return status in RETRYABLE if self is Act.RETRY else not status.is_final

    @property
    def usual_status(self) -> Status | None:
        """Which jobs are meant where a filter names no status; None: those in any that admits it."""
        return Status.FAILED if self is Act.RETRY else None


@document_fields(
    operation_id="Its id, which is that of its job.",
    act="What is done.",
    tenant="Whose jobs it may touch, or `*`.",
    by="Who asked for it.",
    reason="Why, or nothing.",
    as_of="When it was asked for (epoch ms): what a job did later is none of its business.",
    rate="Jobs a second at most.",
    filter="Which jobs, as GET /jobs takes it; empty where they are named.",
    job_ids="The jobs, where they are named.",
    expected="How many were expected, or None.",
    purge_at="When it may be deleted (epoch s).",
)
class Operation(Struct, frozen=True, kw_only=True):
    """One act on many jobs, as it was asked for."""

    operation_id: str
    act: Act
    tenant: str
    by: str
    as_of: int
    purge_at: int
    reason: str = ""
    rate: int = USUAL_RATE
    filter: Mapping[str, str] = {}
    job_ids: tuple[str, ...] = ()
    expected: int | None = None

    @property
    def said(self) -> str:
        """Who and why, for the history of each job."""
        return f"by {self.by}" + (f": {self.reason}" if self.reason else "")


class Refusal(StrEnum):
    """Why a job was left as it is."""

    GONE = "not_found"
    """There is no such job, or it is another tenant's."""
    INTERNAL = "internal"
    """It is a job of the product's own."""
    STATUS = "status"
    """Its status did not admit the act when that was asked for."""
    UNSENDABLE = "unsendable"
    """Its queue takes no message, or the message is one that no worker takes."""


@document_fields(
    at="How far it has come: the time of the last job in its list (epoch ms), or how many of the named jobs.",
    matched="Jobs that it found.",
    done="Jobs to which it was done.",
    skipped="Jobs that had changed since they were found.",
    refused="Jobs to which it could not be done, by why.",
    stopped="Why it stopped itself, or nothing.",
)
class Tally(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far an operation is: it stands in its job's progress, from where the next attempt goes on.

    What an attempt did in its last two seconds may be missing in the numbers if its process died, never in the jobs.
    """

    at: int | None = None
    matched: int = 0
    done: int = 0
    skipped: int = 0
    refused: Mapping[Refusal, int] = {}
    stopped: str = ""

    def text(self) -> str:
        """The note of the job's progress: less than the 200 characters that one may have."""
        return msgspec.json.encode(self).decode()

    @property
    def looked(self) -> int:
        """How many jobs it is through with."""
        return self.done + self.skipped + sum(self.refused.values())


def tally_of(progress: Progress | None) -> Tally:
    """What the progress of an operation's job says; a new one where it says nothing."""
    try:
        return msgspec.json.decode(progress.note or "", type=Tally) if progress else Tally()
    except msgspec.DecodeError:
        return Tally()


def is_internal(job_type: str) -> bool:
    """Whether jobs of this type are the product's own."""
    return job_type.startswith(RESERVED_PREFIX)


def is_of_its_time(record: JobRecord, as_of: int) -> bool:
    """Whether the job has stood as it does since `as_of` (epoch ms), as far as it matters to an act on it.

    An ended one ended before that, and its round began before that: what was retried since is another matter.
    """
    if record.finished_at is not None:
        return record.finished_at < as_of
    rounds = [entry.at for entry in record.history if entry.event == RETRIED]
    return max([record.created_at, *rounds]) < as_of
