"""cqworker: background jobs on Amazon SQS that are never lost. Here is all that handlers and applications need.

What submits jobs is cqworker.client, imported when it is asked for; what tests handlers is in cqworker.testing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cqworker.errors import (
    ArtifactMissing,
    ArtifactTooLarge,
    ConfigurationError,
    CqworkerError,
    DuplicateJob,
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
    ProcessDied,
    ProcessNotStarted,
    ProcessTimeout,
    RateLimited,
    SendUnanswered,
    SourceRefused,
    SubmissionRefused,
    Unavailable,
    UnknownQueue,
    UnknownType,
    WorkerNotFound,
)
from cqworker.model.unique import Unique
from cqworker.plugins.handler import Backoff, Reject, Retry, Snooze, Stopping, handler
from cqworker.plugins.job import Job
from cqworker.plugins.source_field import Source

if TYPE_CHECKING:
    from cqworker.client import (
        Client,
        ClientNotOpen,
        DaemonRefused,
        DaemonUnreachable,
        FailureSummary,
        FleetClient,
        HistoryEntry,
        JobFailed,
        JobFailure,
        JobProgress,
        JobSummary,
        JobUnfinished,
        JobView,
        NewJob,
        NotAdmitted,
        OperationClient,
        ProxyRefused,
        Settings,
        Status,
    )
    from cqworker.plugins.job_artifacts import JobArtifacts
    from cqworker.ports import StoredObject

    __version__: str

__all__ = [
    "ArtifactMissing",
    "ArtifactTooLarge",
    "Backoff",
    "Client",
    "ClientNotOpen",
    "ConfigurationError",
    "CqworkerError",
    "DaemonRefused",
    "DaemonUnreachable",
    "DuplicateJob",
    "FailureSummary",
    "FleetClient",
    "HistoryEntry",
    "InvalidPayload",
    "Job",
    "JobArtifacts",
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
    "ProcessDied",
    "ProcessNotStarted",
    "ProcessTimeout",
    "ProxyRefused",
    "RateLimited",
    "Reject",
    "Retry",
    "SendUnanswered",
    "Settings",
    "Snooze",
    "Source",
    "SourceRefused",
    "Status",
    "Stopping",
    "StoredObject",
    "SubmissionRefused",
    "Unavailable",
    "Unique",
    "UnknownQueue",
    "UnknownType",
    "WorkerNotFound",
    "handler",
]

if not TYPE_CHECKING:
    _LATER = {"JobArtifacts": "cqworker.plugins.job_artifacts", "StoredObject": "cqworker.ports"} | dict.fromkeys(
        """
        Client ClientNotOpen DaemonRefused DaemonUnreachable FailureSummary FleetClient HistoryEntry
        JobFailed JobFailure JobProgress JobSummary
        JobUnfinished JobView NewJob NotAdmitted OperationClient ProxyRefused Settings Status
        """.split(),
        "cqworker.client",
    )

    def __getattr__(name: str) -> object:
        """What takes long to import, or to look up, is fetched when it is asked for."""
        from importlib import import_module

        if name in _LATER:
            return getattr(import_module(_LATER[name]), name)
        if name == "__version__":
            return import_module("importlib.metadata").version("cqworker")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
