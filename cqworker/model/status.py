"""The states of a job and the reasons for a failure: one vocabulary for record, log, metric and API."""

from __future__ import annotations

from enum import StrEnum


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
    def is_final(self) -> bool:
        return self in FINAL


FINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED})
WAITING = frozenset({Status.QUEUED, Status.RETRYING})


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
