"""Submitting jobs from Python and reading their results: over HTTP, or straight to SQS and DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cqworker.client.client import Client
from cqworker.client.client_errors import (
    ClientNotOpen,
    DaemonRefused,
    DaemonUnreachable,
    JobFailed,
    JobUnfinished,
    NotAdmitted,
    ProxyRefused,
)
from cqworker.client.fleet_client import FleetClient
from cqworker.client.job_types import NewJob
from cqworker.client.operation_client import OperationClient
from cqworker.errors import (
    ArtifactMissing,
    ArtifactTooLarge,
    ConfigurationError,
    CqworkerError,
    InvalidPayload,
    JobNotFound,
    KeyReused,
    LimitRefused,
    ListingRefused,
    MessageTooLarge,
    NotAllowedNow,
    NotProvisioned,
    PauseRefused,
    PayloadFault,
    RateLimited,
    SendUnanswered,
    SubmissionRefused,
    Unavailable,
    UnknownQueue,
    UnknownType,
    WorkerNotFound,
)
from cqworker.model.public_job import FailureSummary, HistoryEntry, JobFailure, JobProgress, JobSummary, JobView
from cqworker.model.status import Status

if TYPE_CHECKING:
    from cqworker.settings import Settings

__all__ = [
    "ArtifactMissing",
    "ArtifactTooLarge",
    "Client",
    "ClientNotOpen",
    "ConfigurationError",
    "CqworkerError",
    "DaemonRefused",
    "DaemonUnreachable",
    "FailureSummary",
    "FleetClient",
    "HistoryEntry",
    "InvalidPayload",
    "JobFailed",
    "JobFailure",
    "JobNotFound",
    "JobProgress",
    "JobSummary",
    "JobUnfinished",
    "JobView",
    "KeyReused",
    "LimitRefused",
    "ListingRefused",
    "MessageTooLarge",
    "NewJob",
    "NotAdmitted",
    "NotAllowedNow",
    "NotProvisioned",
    "OperationClient",
    "PauseRefused",
    "PayloadFault",
    "ProxyRefused",
    "RateLimited",
    "SendUnanswered",
    "Settings",
    "Status",
    "SubmissionRefused",
    "Unavailable",
    "UnknownQueue",
    "UnknownType",
    "WorkerNotFound",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Settings are imported when they are asked for: pydantic costs more than all the rest."""
        if name != "Settings":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from cqworker.settings import Settings

        return Settings
