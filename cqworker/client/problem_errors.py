"""From a problem (RFC 9457) back to the error that was behind it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from cqworker.client.client_errors import DaemonRefused, NotAdmitted
from cqworker.errors import (
    NO_ANSWER_OF,
    ArtifactMissing,
    ArtifactTooLarge,
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
    QueueDraining,
    RateLimited,
    SendUnanswered,
    SubmissionRefused,
    Unavailable,
    UnknownQueue,
    UnknownType,
    WorkerNotFound,
)
from cqworker.web.problems import URN
from cqworker.web.problems import ProblemKind as Kind

ProblemBody = Mapping[str, Any]
OF_OPERATORS: Mapping[Kind, Callable[[str], CqworkerError]] = {
    Kind.LISTING_REFUSED: ListingRefused,
    Kind.PAUSE_REFUSED: PauseRefused,
    Kind.LIMIT_REFUSED: LimitRefused,
    Kind.WORKER_NOT_FOUND: WorkerNotFound,
}
"""What refuses the asks of those who operate."""
_PAYLOAD = re.compile(r"^/(payload|params)")


def error_of(problem: ProblemBody, at: str = "") -> CqworkerError:
    """The error to raise; `at` points to where the job stood in its batch, of which its submitter knows nothing."""
    text = str(problem.get("detail") or problem.get("title", "")).replace(f"{at}/", "/")
    faults = [(fault["pointer"].removeprefix(at), fault["detail"]) for fault in problem.get("errors", ())]
    match kind_of(problem):
        case Kind.INVALID_PAYLOAD:
            return InvalidPayload(tuple(PayloadFault(_PAYLOAD.sub("", place), why) for place, why in faults))
        case Kind.UNAVAILABLE:
            return Unavailable(str(problem.get("service", "")), text, "")
        case Kind.RATE_LIMITED:
            return RateLimited(text, retry_after=float(problem.get("retry_after", 1.0)))
        case Kind.QUEUE_DRAINING:
            return QueueDraining(text, retry_after=int(problem.get("retry_after", 60)))
        case Kind.DUPLICATE:
            return DuplicateJob(text, str(problem.get("job_id", "")))
        case Kind.SEND_UNANSWERED:
            service = str(problem.get("service", "sqs"))  # what it was before it said so
            lost = Unavailable(service, f"{NO_ANSWER_OF.get(service, 'No answer came')}.", "", ambiguous=True)
            return SendUnanswered(str(problem["job_id"]), lost)
        case kind:
            rest = [f"{place}: {why}" for place, why in faults if why not in text]
            return _error_type_of(kind)("; ".join([text, *rest]))


def kind_of(problem: ProblemBody) -> Kind | None:
    """The problem's kind; None for one that only a newer daemon knows."""
    slug = str(problem.get("type", "")).removeprefix(URN)
    return next((kind for kind in Kind if kind.slug == slug), None)


def _error_type_of(kind: Kind | None) -> Callable[[str], CqworkerError]:  # noqa: C901, PLR0912 - one row a kind
    """What is raised for a problem that says no more than its text."""
    match kind:
        case Kind.ARTIFACT_NOT_FOUND:
            return ArtifactMissing
        case Kind.ARTIFACT_TOO_LARGE:
            return ArtifactTooLarge
        case Kind.DUPLICATE:
            return DuplicateJob
        case Kind.KEY_REUSED:
            return KeyReused
        case Kind.INVALID | Kind.MALFORMED:
            return SubmissionRefused
        case Kind.JOB_NOT_FOUND:
            return JobNotFound
        case Kind.NOT_ALLOWED_NOW | Kind.NOT_PROVISIONED:
            return NotAllowedNow if kind is Kind.NOT_ALLOWED_NOW else NotProvisioned
        case Kind.TOO_LARGE:
            return MessageTooLarge
        case Kind.LISTING_REFUSED | Kind.PAUSE_REFUSED | Kind.LIMIT_REFUSED | Kind.WORKER_NOT_FOUND:
            return OF_OPERATORS[kind]
        case Kind.UNAUTHENTICATED:
            return NotAdmitted
        case Kind.UNKNOWN_QUEUE:
            return UnknownQueue
        case Kind.UNKNOWN_TYPE:
            return UnknownType
        case Kind.FORBIDDEN | Kind.CROSS_ORIGIN | Kind.MISDIRECTED | Kind.NOT_FOUND | Kind.METHOD_NOT_ALLOWED:
            return DaemonRefused
        case Kind.TOO_SLOW | Kind.MEDIA_TYPE | Kind.EXPECTATION_FAILED | Kind.HEADERS_TOO_LARGE:
            return DaemonRefused
        case Kind.INTERNAL | Kind.CROWDED | None:
            return DaemonRefused
        case Kind.INVALID_PAYLOAD | Kind.UNAVAILABLE | Kind.SEND_UNANSWERED | Kind.RATE_LIMITED | Kind.QUEUE_DRAINING:
            raise TypeError(f"{kind} says more than its text")
