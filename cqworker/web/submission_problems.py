"""From why a job was refused to the problem that says so, with pointers into the body as the client wrote it."""

from __future__ import annotations

import math

from cqworker.errors import (
    DuplicateJob,
    InvalidPayload,
    KeyReused,
    MessageTooLarge,
    NotProvisioned,
    QueueDraining,
    RateLimited,
    SendUnanswered,
    Unavailable,
    UnknownQueue,
    UnknownType,
)
from cqworker.jobs.refused_field import FieldRefused
from cqworker.jobs.strict_json import NotStrictJson
from cqworker.jobs.submission_models import InvalidFields
from cqworker.model.json_pointer import Fault, JobPointer
from cqworker.web.problems import Problem, ProblemKind

SUMMARISED = 3
"""Faults of a payload that the sentence names; all of them are in `errors`."""


def problem_for_later(kind: ProblemKind, error: RateLimited | QueueDraining) -> Problem:
    """The problem that says when it will be none, to programs in `retry_after` (whole seconds) and in Retry-After."""
    seconds = math.ceil(error.retry_after)
    headers, members = {"Retry-After": str(seconds)}, {"retry_after": seconds}
    return Problem(kind, str(error), headers=headers, members=members)


def problem_of_submission(error: Exception, pointer: JobPointer) -> Problem:  # noqa: C901, PLR0912 - one row an error
    """The problem of a job that was refused on purpose; `pointer` makes the JSON pointers to its fields."""
    match error:
        case NotStrictJson():
            return Problem(ProblemKind.MALFORMED, str(error))
        case InvalidFields(summary=summary, faults=faults):
            return Problem(ProblemKind.INVALID, summary, errors=faults)
        case UnknownType():
            return Problem(ProblemKind.UNKNOWN_TYPE, str(error), errors=[Fault(pointer.to("type"), str(error))])
        case UnknownQueue():
            return Problem(ProblemKind.UNKNOWN_QUEUE, str(error), errors=[Fault(pointer.to("queue"), str(error))])
        case InvalidPayload(faults=faults):
            payload = pointer.to("payload")
            errors = [Fault(payload + fault.pointer, fault.message) for fault in faults]
            detail = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in errors[:SUMMARISED])
            return Problem(ProblemKind.INVALID_PAYLOAD, detail, errors=errors)
        case KeyReused():
            return Problem(ProblemKind.KEY_REUSED, str(error))
        case DuplicateJob(job_id=job_id):
            return Problem(ProblemKind.DUPLICATE, str(error), members={"job_id": job_id})
        case MessageTooLarge():
            return Problem(ProblemKind.TOO_LARGE, str(error))
        case NotProvisioned():
            return Problem(ProblemKind.NOT_PROVISIONED, str(error))
        case RateLimited():
            return problem_for_later(ProblemKind.RATE_LIMITED, error)
        case QueueDraining():
            return problem_for_later(ProblemKind.QUEUE_DRAINING, error)
        case SendUnanswered(job_id=job_id, cause=cause):
            members = {"job_id": job_id, "service": cause.service}
            return Problem(ProblemKind.SEND_UNANSWERED, str(error), members=members)
        case Unavailable(service=service):
            return Problem(ProblemKind.UNAVAILABLE, str(error), members={"service": service})
        case _:
            of_field = [Fault(pointer.to(error.field), str(error))] if isinstance(error, FieldRefused) else []
            return Problem(ProblemKind.INVALID, str(error), errors=of_field)
