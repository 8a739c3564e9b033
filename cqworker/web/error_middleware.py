"""Turns whatever went wrong behind the desk into a problem that says how to mend it."""

from __future__ import annotations

import secrets
import traceback

from aiohttp import hdrs, web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.typedefs import Middleware

from cqworker.errors import (
    ArtifactMissing,
    ArtifactTooLarge,
    CqworkerError,
    JobNotFound,
    MessageTooLarge,
    NotAllowedNow,
    RateLimited,
    Unavailable,
)
from cqworker.events import Emit, RequestFailed
from cqworker.jobs.strict_json import NotStrictJson
from cqworker.jobs.submission_models import InvalidFields
from cqworker.model.json_pointer import JobPointer
from cqworker.web.buffer_quota import BufferFull
from cqworker.web.host_guard import Answer
from cqworker.web.problems import Kind, Problem
from cqworker.web.submission_problems import problem_of_rate, problem_of_submission

NOTHING_HERE = "Nothing is served here. GET / lists what there is."


def mending(emit: Emit) -> Middleware:
    """The outermost middleware: every error leaves as application/problem+json."""

    @web.middleware
    async def mend(request: web.Request, handler: Answer) -> web.StreamResponse:
        try:
            return await handler(request)
        except Problem as problem:
            return problem.response()
        except web.HTTPException as error:
            return problem_of_http(error).response()
        except Exception as error:
            if isinstance(error, ConnectionError) and _is_left(request):
                raise  # nobody is to be told
            return (_problem_of(error, request) or incident(error, request, emit)).response()

    return mend


def _is_left(request: web.Request) -> bool:
    """Whether the client left in the middle of its answer, or was sent away: the transport is gone, or about to be."""
    return request.transport is None or request.transport.is_closing()


def problem_of_http(error: web.HTTPException) -> Problem:
    """aiohttp's own errors: no such route, another method, an Expect it does not know."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return Problem(Kind.METHOD_NOT_ALLOWED, f"{allowed} may be used here.", headers={hdrs.ALLOW: allowed})
    if isinstance(error, web.HTTPNotFound):
        return Problem(Kind.NOT_FOUND, NOTHING_HERE)
    if isinstance(error, web.HTTPExpectationFailed):
        return Problem(Kind.EXPECTATION_FAILED, "The only expectation that is met is 100-continue.")
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return Problem(Kind.TOO_LARGE, "The body is larger than is taken here.")
    return Problem(Kind.MALFORMED, "The request cannot be answered as it is.")


def problem_of_what_is_no_http(error: BaseException | None) -> Problem:
    """What the parser says of a head or of framing that it does not understand."""
    if isinstance(error, LineTooLong):
        return Problem(Kind.HEADERS_TOO_LARGE, "A line of the request's head is longer than 8190 bytes.")
    return Problem(Kind.MALFORMED, "This is not HTTP/1.1 as RFC 9112 writes it.")


def _problem_of(error: Exception, request: web.Request) -> Problem | None:
    """The table of what the rooms behind the desk raise on purpose; None for everything else."""
    named = {"job_id": request.match_info["job_id"]} if "job_id" in request.match_info else {}
    match error:
        case JobNotFound():
            return Problem(Kind.JOB_NOT_FOUND, "No such job is known here, or not any more.", members=named)
        case NotAllowedNow():
            return Problem(Kind.NOT_ALLOWED_NOW, str(error), members=named)
        case ArtifactMissing():
            return Problem(Kind.ARTIFACT_NOT_FOUND, "No such artifact is stored, or not any more.", members=named)
        case NotStrictJson() | InvalidFields():
            return problem_of_submission(error, JobPointer())
        case BufferFull():
            return Problem(Kind.CROWDED, str(error))
        case ArtifactTooLarge():
            return Problem(Kind.ARTIFACT_TOO_LARGE, f"{error} Fetch it from S3 directly.", members=named)
        case MessageTooLarge():
            return Problem(Kind.TOO_LARGE, str(error), members=named)
        case RateLimited():
            return problem_of_rate(error)
        case Unavailable(service=service):
            return Problem(Kind.UNAVAILABLE, str(error), members={"service": service} | named)
        case CqworkerError():
            return Problem(Kind.INVALID, str(error), members=named)
        case _:
            return None


def incident(error: Exception, request: web.Request, emit: Emit) -> Problem:
    """What a client is told of an error that no rule foresaw, and a line in the log to find it by."""
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
    return Problem(Kind.INTERNAL, detail, members={"incident": name})
