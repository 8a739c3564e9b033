"""The level of a job that waits, over HTTP."""

from __future__ import annotations

from aiohttp import web

from cqworker.jobs.reprioritise_models import ReprioritiseAsk, read_reprioritise
from cqworker.web.app_context import context_of, require
from cqworker.web.auth import caller_of
from cqworker.web.body_reader import json_body
from cqworker.web.job_routes import job_id_of, job_json
from cqworker.web.json_response import as_json
from cqworker.web.parameters import JOB_ID
from cqworker.web.problems import ProblemKind
from cqworker.web.response_models import JobView
from cqworker.web.route_definition import Route, RouteReply
from cqworker.web.schedule_routes import MAX_BODY, asker_of


async def reprioritise_job(request: web.Request) -> web.StreamResponse:
    """POST /jobs/{job_id}/priority."""
    asked = read_reprioritise(await json_body(request, MAX_BODY))
    operator, tenant = require(context_of(request).operator), caller_of(request).tenant
    record = await operator.reprioritise(job_id_of(request), tenant, asked.asked, asker_of(request), asked.why)
    return as_json(job_json(record), 202)


PRIORITY_ROUTES = (
    Route(
        method="POST",
        path="/jobs/{job_id}/priority",
        name="reprioritiseJob",
        tag="jobs",
        summary="Give a job that waits another level of its queue",
        endpoint=reprioritise_job,
        scope="operate",
        body=ReprioritiseAsk,
        parameters=(JOB_ID,),
        replies={202: RouteReply("The job waits at its new level, too.", JobView)},
        problems=(
            ProblemKind.MALFORMED,
            ProblemKind.TOO_SLOW,
            ProblemKind.TOO_LARGE,
            ProblemKind.MEDIA_TYPE,
            ProblemKind.INVALID,
            ProblemKind.JOB_NOT_FOUND,
            ProblemKind.NOT_ALLOWED_NOW,
            ProblemKind.UNAVAILABLE,
        ),
    ),
)
"""Its row of the route table."""
