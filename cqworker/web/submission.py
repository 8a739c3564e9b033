"""From what a client asked for to a submission, and from why it was refused to a problem."""

from __future__ import annotations

import math
from collections.abc import Mapping

import orjson

from cqworker.errors import (
    CqworkerError,
    InvalidPayload,
    KeyReused,
    MessageTooLarge,
    RateLimited,
    SendUnanswered,
    Unavailable,
    UnknownQueue,
    UnknownType,
)
from cqworker.jobs.submit import Submission
from cqworker.web.problems import Fault, Kind, Problem
from cqworker.web.request_models import SubmitAsk


def submission_of(ask: SubmitAsk, *, tenant: str, key: str | None, traceparent: str | None) -> Submission:
    """The job that is asked for; `key` is its Idempotency-Key."""
    return Submission(
        type=ask.type,
        payload=orjson.dumps(ask.payload).decode(),
        tenant=tenant,
        queue=ask.queue,
        metadata=ask.metadata,
        tags=tuple(ask.tags),
        max_attempts=ask.max_attempts,
        delay_seconds=ask.delay_seconds,
        idempotency_key=key,
        traceparent=traceparent,
    )


def problem_of_rate(error: RateLimited) -> Problem:
    """The problem that says when it will be none, to programs in `retry_after` and in Retry-After."""
    seconds = math.ceil(error.retry_after)
    headers, members = {"Retry-After": str(seconds)}, {"retry_after": seconds}
    return Problem(Kind.RATE_LIMITED, str(error), headers=headers, members=members)


def problem_of_submission(error: CqworkerError, called: Mapping[str, str], at: str = "") -> Problem:
    """The problem with pointers into the body as the client wrote it; the job stands `at` this place in it."""
    match error:
        case UnknownType():
            return Problem(Kind.UNKNOWN_TYPE, str(error), errors=[Fault(f"{at}/{called['type']}", str(error))])
        case UnknownQueue():
            return Problem(Kind.UNKNOWN_QUEUE, str(error), errors=[Fault(f"{at}/queue", str(error))])
        case InvalidPayload(faults=faults):
            payload = f"{at}/{called['payload']}"
            errors = [Fault(payload + fault.pointer, fault.message) for fault in faults]
            detail = "; ".join(f"{error.pointer}: {error.detail}" for error in errors[:3])
            return Problem(Kind.INVALID_PAYLOAD, detail, errors=errors)
        case KeyReused():
            return Problem(Kind.KEY_REUSED, str(error))
        case MessageTooLarge():
            return Problem(Kind.TOO_LARGE, str(error))
        case RateLimited():
            return problem_of_rate(error)
        case SendUnanswered(job_id=job_id):
            return Problem(Kind.SEND_UNANSWERED, str(error), members={"job_id": job_id})
        case Unavailable(service=service):
            detail = f"{error} Nothing was accepted: send the job again."
            return Problem(Kind.UNAVAILABLE, detail, members={"service": service})
        case _:
            return Problem(Kind.INVALID, str(error))
