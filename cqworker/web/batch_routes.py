"""Many jobs in one request, each accepted or refused for itself."""

from __future__ import annotations

from aiohttp import web
from orjson import Fragment

from cqworker.errors import CqworkerError
from cqworker.jobs.intake import JobAnswer, Sender, count_later, submit_all
from cqworker.jobs.submission import Accepted
from cqworker.jobs.time_slices import in_slices
from cqworker.web.app_context import context_of, require
from cqworker.web.auth import caller_of, charge_later, charge_rate
from cqworker.web.body_reader import json_body
from cqworker.web.error_middleware import report_incident
from cqworker.web.job_routes import traceparent_of
from cqworker.web.json_response import as_json
from cqworker.web.parse_offload import PARSE_OFFLOAD
from cqworker.web.problems import Problem, ProblemKind
from cqworker.web.submission_problems import problem_of_submission


async def submit_batch(request: web.Request) -> web.StreamResponse:
    """POST /jobs/batch."""
    if "Idempotency-Key" in request.headers:
        raise Problem(ProblemKind.MALFORMED, "A batch has no key of its own: give each job an idempotency_key.")
    charge_rate(request)
    context = context_of(request)
    sender = Sender(caller_of(request).own_tenant, traceparent_of(request))
    read = await request.app[PARSE_OFFLOAD].parse_batch(
        await json_body(request, context.settings.http.max_body), sender
    )
    charge_rate(request, len(read) - 1, of=len(read))
    charge_later(request, count_later(read, context.clock.now()))
    answers = await submit_all(read, require(context.submitter))
    return as_json({"jobs": [_answer_json(answer, request) async for answer in in_slices(answers)]})


def _answer_json(answer: JobAnswer, request: web.Request) -> dict[str, object]:
    """`{"status", "job"}` or `{"status", "problem"}`; the status is what POST /jobs would have answered."""
    match answer.outcome:
        case Accepted() as accepted:
            return {"status": 202 if accepted.is_new else 200, "job": accepted.view(Fragment)}
        case CqworkerError() as error:
            problem = problem_of_submission(error, answer.pointer)
        case error:
            problem = report_incident(error, request, context_of(request).emit)
    return {"status": problem.kind.status, "problem": problem.body()}
