"""The states of a job and the reasons for a failure: one vocabulary for record, log, metric and API."""

from __future__ import annotations

from enum import Enum, StrEnum


class Stage(Enum):
    """What a status means for who may do what; every other set of statuses follows from it."""

    RESERVED = "No job has it yet: nobody may start it, hold it or end it."
    WAITING = "Nobody holds it: it may be claimed, cancelled, or sent again."
    HELD = "An attempt has it, as long as its lease lives."
    SPENT = "Final, and a retry opens another round."
    DONE = "Final, and never run again."


class Status(StrEnum):
    """Where a job stands; the last three are final."""

    SCHEDULED = "SCHEDULED"
    BLOCKED = "BLOCKED"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    RETRYING = "RETRYING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def stage(self) -> Stage:
        """What the status means for who may do what; every set of statuses is derived from it."""
        match self:
            case Status.BLOCKED:
                return Stage.RESERVED
            case Status.SCHEDULED | Status.QUEUED | Status.RETRYING:
                return Stage.WAITING
            case Status.RUNNING:
                return Stage.HELD
            case Status.FAILED | Status.CANCELLED:
                return Stage.SPENT
            case Status.SUCCEEDED:
                return Stage.DONE

    @property
    def is_final(self) -> bool:
        """Whether the job has ended; a retry may open another round of one that is `is_retryable`."""
        return self in FINAL

    @property
    def is_retryable(self) -> bool:
        """Whether a retry opens another round; a job that waits, or whose lease has ended, is only sent again."""
        return self in RETRYABLE


def _in_stages(*stages: Stage) -> frozenset[Status]:
    return frozenset(status for status in Status if status.stage in stages)


FINAL = _in_stages(Stage.SPENT, Stage.DONE)
"""The job has ended."""
RETRYABLE = _in_stages(Stage.SPENT)
"""The job has ended, and a retry opens another round."""
WAITING = _in_stages(Stage.WAITING)
"""Nobody holds the job, and an attempt may claim it."""
SETTLED = (*(status for status in Status if status.is_final), Status.RETRYING)
"""What an attempt may end in: a final status, or RETRYING."""


class FailureKind(StrEnum):
    """Why a job FAILED, or how its last attempt ended while it is RETRYING."""

    REJECTED = "rejected"
    EXHAUSTED = "exhausted"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    UNKNOWN_TYPE = "unknown_type"
    INVALID_PAYLOAD = "invalid_payload"
    LOST = "lost"
    RAISED = "raised"
