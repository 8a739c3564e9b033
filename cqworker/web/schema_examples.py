"""Bodies as they look, for readers of the description; a test holds each against its schema."""

from __future__ import annotations

from typing import Any

JOB: dict[str, Any] = {
    "job_id": "01a2059b-5930-7aa8-94b4-0571c9838c6c",
    "type": "text.transform",
    "queue": "cqworker",
    "tenant": "default",
    "status": "SUCCEEDED",
    "payload": {"text": "hello world"},
    "metadata": {"order": "42"},
    "tags": ["demo"],
    "round": 1,
    "attempt": 1,
    "max_attempts": 10,
    "progress": None,
    "result": {"original_length": 11, "uppercase": "HELLO WORLD", "word_count": 2},
    "failure": None,
    "history": [
        {"at": "2026-11-22T23:33:16.726Z", "event": "submitted", "attempt": None, "worker": None, "reason": None},
        {"at": "2026-11-22T23:33:16.731Z", "event": "claimed", "attempt": 1, "worker": "vm.k3x9wq:7", "reason": None},
        {"at": "2026-11-22T23:33:16.751Z", "event": "succeeded", "attempt": 1, "worker": "vm.k3x9wq:7", "reason": None},
    ],
    "created_at": "2026-11-22T23:33:16.726Z",
    "updated_at": "2026-11-22T23:33:16.751Z",
    "scheduled_at": None,
    "started_at": "2026-11-22T23:33:16.731Z",
    "finished_at": "2026-11-22T23:33:16.751Z",
    "cancel_requested_at": None,
    "trace_id": "01a2059b59307aa894b40571c9838c6c",
    "priority": "medium",
    "limit_key": None,
}
ARTIFACT: dict[str, Any] = {
    "artifact_id": "f2193fcc5b03977ff178946c5852f386",
    "bytes": 60177,
    "content_type": "image/jpeg",
    "source": "artifact:f2193fcc5b03977ff178946c5852f386",
}
HEALTHY: dict[str, Any] = {"status": "healthy", "reasons": []}
UNREADY: dict[str, Any] = {
    "status": "unready",
    "troubles": [
        {
            "service": "job store",
            "cause": "There is no table cqworker.",
            "remedy": "Create it with `cqworker provision`.",
        }
    ],
}
RETRY = {"round": 1}
REPRIORITISE = {"priority": "high", "reason": "the customer waits"}
RESCHEDULE = {"run_at": "2026-12-03T09:00:00+01:00", "reason": "the shop is closed"}
MODEL_EXAMPLES: dict[str, dict[str, Any]] = {
    "ArtifactView": ARTIFACT,
    "HealthView": HEALTHY,
    "JobView": JOB,
    "ReadinessView": UNREADY,
    "ReprioritiseAsk": REPRIORITISE,
    "RescheduleAsk": RESCHEDULE,
    "RetryAsk": RETRY,
}
"""By the name of the model."""
