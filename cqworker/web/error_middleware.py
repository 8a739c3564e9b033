"""Turns every error into a problem (RFC 9457) that says how to mend it."""

from __future__ import annotations

import secrets
import traceback
from collections.abc import Mapping

from aiohttp import hdrs, web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.typedefs import Middleware

from cqworker.errors import (
    ArtifactMissing,
    ArtifactTooLarge,
    CqworkerError,
    JobNotFound,
    LimitRefused,
    ListingRefused,
    MessageTooLarge,
    NotAllowedNow,
    NotProvisioned,
    PauseRefused,
    QueueDraining,
    RateLimited,
    Unavailable,
    UnknownQueue,
    WorkerNotFound,
)
from cqworker.events import Emit, RequestFailed
from cqworker.jobs.refused_field import FieldRefused
from cqworker.jobs.strict_json import NotStrictJson
from cqworker.jobs.submission_models import InvalidFields
from cqworker.model.json_pointer import ROOT
from cqworker.web.buffer_quota import BufferFull
from cqworker.web.host_guard import Endpoint
from cqworker.web.problems import Problem, ProblemKind
from cqworker.web.submission_problems import problem_of_submission

SAID_BY_ITSELF: Mapping[type[Exception], ProblemKind] = {
    NotAllowedNow: ProblemKind.NOT_ALLOWED_NOW,
    NotProvisioned: ProblemKind.NOT_PROVISIONED,
    PauseRefused: ProblemKind.PAUSE_REFUSED,
    LimitRefused: ProblemKind.LIMIT_REFUSED,
    UnknownQueue: ProblemKind.UNKNOWN_QUEUE,
    WorkerNotFound: ProblemKind.WORKER_NOT_FOUND,
}
"""Errors whose text is all that there is to say."""
NOTHING_HERE = "Nothing is served here. GET / lists what there is."


def error_middleware(emit: Emit) -> Middleware:
    """The outermost middleware: every error leaves as application/problem+json."""

    @web.middleware
    async def answer_errors(request: web.Request, handler: Endpoint) -> web.StreamResponse:
        try:
            return await handler(request)
        except Problem as problem:
            return problem.response()
        except web.HTTPException as error:
            return problem_of_http(error).response()
        except Exception as error:
            if isinstance(error, ConnectionError) and _has_left(request):
                raise  # there is no client to answer
            return (_problem_of(error, request) or report_incident(error, request, emit)).response()

    return answer_errors


def _has_left(request: web.Request) -> bool:
    """Whether the client left in the middle of its answer, or its connection was closed."""
    return request.transport is None or request.transport.is_closing()


def problem_of_http(error: web.HTTPException) -> Problem:
    """aiohttp's own errors: no such route, another method, an Expect it does not know."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return Problem(ProblemKind.METHOD_NOT_ALLOWED, f"{allowed} may be used here.", headers={hdrs.ALLOW: allowed})
    if isinstance(error, web.HTTPNotFound):
        return Problem(ProblemKind.NOT_FOUND, NOTHING_HERE)
    if isinstance(error, web.HTTPExpectationFailed):
        return Problem(ProblemKind.EXPECTATION_FAILED, "The only expectation that is met is 100-continue.")
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return Problem(ProblemKind.TOO_LARGE, "The body is larger than is taken here.")
    return Problem(ProblemKind.MALFORMED, "The request cannot be answered as it is.")


def problem_of_parse_error(error: BaseException | None) -> Problem:
    """The problem of a head, or of framing, that the HTTP parser cannot read."""
    if isinstance(error, LineTooLong):
        return Problem(ProblemKind.HEADERS_TOO_LARGE, "A line of the request's head is longer than 8190 bytes.")
    return Problem(ProblemKind.MALFORMED, "This is not HTTP/1.1 as RFC 9112 writes it.")


def _problem_of(error: Exception, request: web.Request) -> Problem | None:
    """The table of the errors that are raised on purpose; None for every other one."""
    named = {"job_id": request.match_info["job_id"]} if "job_id" in request.match_info else {}
    if (kind := SAID_BY_ITSELF.get(type(error))) is not None:
        return Problem(kind, str(error), members=named)
    match error:
        case JobNotFound():
            return Problem(ProblemKind.JOB_NOT_FOUND, "No such job is known here, or not any more.", members=named)
        case ArtifactMissing():
            return Problem(
                ProblemKind.ARTIFACT_NOT_FOUND, "No such artifact is stored, or not any more.", members=named
            )
        case ListingRefused():
            return Problem(ProblemKind.LISTING_REFUSED, str(error))
        case NotStrictJson() | InvalidFields() | FieldRefused() | RateLimited() | QueueDraining():
            return problem_of_submission(error, ROOT)
        case BufferFull():
            return Problem(ProblemKind.CROWDED, str(error))
        case ArtifactTooLarge():
            return Problem(ProblemKind.ARTIFACT_TOO_LARGE, f"{error} Fetch it from S3 directly.", members=named)
        case MessageTooLarge():
            return Problem(ProblemKind.TOO_LARGE, str(error), members=named)
        case Unavailable(service=service):
            return Problem(ProblemKind.UNAVAILABLE, str(error), members={"service": service} | named)
        case CqworkerError():
            return Problem(ProblemKind.INVALID, str(error), members=named)
        case _:
            return None


def report_incident(error: Exception, request: web.Request, emit: Emit) -> Problem:
    """Logs an error that no rule foresaw under an incident id, and returns the problem that names this id."""
    name = secrets.token_hex(8)
    resource = request.match_info.route.resource
    emit(
        RequestFailed(
            incident=name,
            method=request.method,
            route=resource.canonical if resource else "",
            error=f"{type(error).__name__}: {error}",
            traceback="".join(traceback.format_exception(error)),
        )
    )
    detail = f"This is not your fault. The worker's log has more under incident {name}."
    return Problem(ProblemKind.INTERNAL, detail, members={"incident": name})
