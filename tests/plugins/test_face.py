"""What `import cqworker` gives, and what it costs."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import pytest

import cqworker
import cqworker.client
from cqworker.plugins.job_artifacts import JobArtifacts
from cqworker.ports import StoredObject

HEAVY = {
    "msgspec",
    "asyncio",
    "aiohttp",
    "aioboto3",
    "botocore",
    "orjson",
    "pydantic",
    "structlog",
    "anyio",
    "importlib.metadata",
}


FACE = """
    ArtifactMissing ArtifactTooLarge Backoff Client ClientNotOpen ConfigurationError CqworkerError
    DaemonRefused DaemonUnreachable DuplicateJob FailureSummary FleetClient HistoryEntry InvalidPayload Job
    JobArtifacts JobFailed JobFailure JobNotFound JobProgress JobSummary JobUnfinished JobView
    KeyReused LimitRefused ListingRefused MessageTooLarge NewJob NotAdmitted NotAllowedNow NotProvisioned
    OperationClient PauseRefused PayloadFault ProcessDied ProcessNotStarted ProcessTimeout ProxyRefused RateLimited
    Reject Retry SendUnanswered Settings Snooze Source SourceRefused Status Stopping StoredObject
    SubmissionRefused Unavailable Unique UnknownQueue UnknownType WorkerNotFound handler
"""


def test_the_face_is_sorted_and_complete() -> None:
    assert cqworker.__all__ == FACE.split()
    assert all(hasattr(cqworker, name) for name in cqworker.__all__)
    assert set(cqworker.__all__) <= set(dir(cqworker))


def test_what_is_fetched_later_is_the_thing_itself() -> None:
    assert cqworker.JobArtifacts is JobArtifacts
    assert cqworker.StoredObject is StoredObject
    assert set(cqworker.client.__all__) <= set(cqworker.__all__)
    assert all(getattr(cqworker, name) is getattr(cqworker.client, name) for name in cqworker.client.__all__)


def test_the_face_imports_nothing_heavy() -> None:
    told = subprocess.run(
        [sys.executable, "-S", "-c", "import sys; sys.path.insert(0, '.'); import cqworker; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "cqworker.plugins.handler" in told.stdout.split()
    assert not HEAVY & set(told.stdout.split())


def test_the_version_is_that_of_the_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", {"cqworker": "7.8"}.__getitem__)
    assert cqworker.__version__ == "7.8"


def test_a_name_that_the_face_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Worker'"):
        cqworker.Worker  # type: ignore[attr-defined]  # noqa: B018
