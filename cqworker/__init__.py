"""cqworker: background jobs on Amazon SQS that are never lost. This is all that a handler's author needs.

Applications that submit jobs find theirs in cqworker.client, tests of handlers in cqworker.testing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cqworker.errors import (
    ArtifactMissing,
    ArtifactTooLarge,
    ConfigurationError,
    CqworkerError,
    InvalidPayload,
    JobNotFound,
    KeyReused,
    MessageTooLarge,
    NotAllowedNow,
    PayloadFault,
    ProcessDied,
    ProcessNotStarted,
    ProcessTimeout,
    SendUnanswered,
    SourceRefused,
    SubmissionRefused,
    Unavailable,
    UnknownQueue,
    UnknownType,
)
from cqworker.plugins.handler import Backoff, Reject, Retry, Stopping, handler
from cqworker.plugins.job import Job
from cqworker.plugins.source import Source

if TYPE_CHECKING:
    from cqworker.plugins.artifacts import JobArtifacts
    from cqworker.ports import StoredObject

    __version__: str

__all__ = [
    "ArtifactMissing",
    "ArtifactTooLarge",
    "Backoff",
    "ConfigurationError",
    "CqworkerError",
    "InvalidPayload",
    "Job",
    "JobArtifacts",
    "JobNotFound",
    "KeyReused",
    "MessageTooLarge",
    "NotAllowedNow",
    "PayloadFault",
    "ProcessDied",
    "ProcessNotStarted",
    "ProcessTimeout",
    "Reject",
    "Retry",
    "SendUnanswered",
    "Source",
    "SourceRefused",
    "Stopping",
    "StoredObject",
    "SubmissionRefused",
    "Unavailable",
    "UnknownQueue",
    "UnknownType",
    "handler",
]

if not TYPE_CHECKING:
    _LATER = {"JobArtifacts": "cqworker.plugins.artifacts", "StoredObject": "cqworker.ports"}

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
