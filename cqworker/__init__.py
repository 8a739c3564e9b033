"""cqworker: background jobs on Amazon SQS that are never lost. This is all that a handler's author needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cqworker.errors import (
    ArtifactMissing,
    ArtifactTooLarge,
    ProcessDied,
    ProcessNotStarted,
    ProcessTimeout,
    SourceRefused,
)
from cqworker.plugins.handler import Backoff, Reject, Retry, Stopping, handler
from cqworker.plugins.job import Job
from cqworker.plugins.source import Source

__all__ = [
    "ArtifactMissing",
    "ArtifactTooLarge",
    "Backoff",
    "Job",
    "ProcessDied",
    "ProcessNotStarted",
    "ProcessTimeout",
    "Reject",
    "Retry",
    "Source",
    "SourceRefused",
    "Stopping",
    "handler",
]

if TYPE_CHECKING:
    __version__: str
else:

    def __getattr__(name: str) -> str:
        """Looks `__version__` up when it is asked for: reading metadata would slow every command down."""
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib.metadata import version

        return version("cqworker")
