"""From a problem (RFC 9457) back to the error that was behind it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from cqworker.client.errors import DaemonRefused, NotAdmitted
from cqworker.errors import (
    ArtifactMissing,
    ArtifactTooLarge,
    CqworkerError,
    InvalidPayload,
    JobNotFound,
    KeyReused,
    MessageTooLarge,
    NotAllowedNow,
    PayloadFault,
    SendUnanswered,
    SubmissionRefused,
    Unavailable,
    UnknownQueue,
    UnknownType,
)

Problem = Mapping[str, Any]
BY_TYPE: dict[str, Callable[[str], CqworkerError]] = {
    "artifact-not-found": ArtifactMissing,
    "artifact-too-large": ArtifactTooLarge,
    "idempotency-key-reused": KeyReused,
    "invalid-request": SubmissionRefused,
    "job-not-found": JobNotFound,
    "malformed-request": SubmissionRefused,
    "not-allowed-now": NotAllowedNow,
    "too-large": MessageTooLarge,
    "unauthenticated": NotAdmitted,
    "unknown-queue": UnknownQueue,
    "unknown-type": UnknownType,
}
"""By the last word of the problem's type; the others are told as DaemonRefused."""
_PAYLOAD = re.compile(r"^/(payload|params)")


def error_of(problem: Problem, at: str = "") -> CqworkerError:
    """The error to raise; `at` points to where the job stood in its batch, of which its submitter knows nothing."""
    kind = str(problem.get("type", "")).removeprefix("urn:cqworker:problem:")
    text = str(problem.get("detail") or problem.get("title", "")).replace(f"{at}/", "/")
    faults = [(fault["pointer"].removeprefix(at), fault["detail"]) for fault in problem.get("errors", ())]
    match kind:
        case "invalid-payload":
            return InvalidPayload(tuple(PayloadFault(_PAYLOAD.sub("", place), why) for place, why in faults))
        case "unavailable":
            return Unavailable(str(problem.get("service", "")), text, "")
        case "send-unanswered":
            lost = Unavailable("sqs", "The queue did not answer.", "", ambiguous=True)
            return SendUnanswered(str(problem["job_id"]), lost)
        case _:
            rest = [f"{place}: {why}" for place, why in faults if why not in text]
            return BY_TYPE.get(kind, DaemonRefused)("; ".join([text, *rest]))
