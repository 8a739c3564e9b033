"""The time of a job that waits, over HTTP: another one, or now."""

from __future__ import annotations

from aiohttp import web

from cqworker.jobs.reschedule_models import RescheduleAsk, read_reschedule
from cqworker.web.app_context import context_of, require
from cqworker.web.auth import LOCAL, caller_of
from cqworker.web.body_reader import json_body
from cqworker.web.job_routes import job_id_of, job_json
from cqworker.web.json_response import as_json
from cqworker.web.parameters import JOB_ID
from cqworker.web.problems import ProblemKind
from cqworker.web.response_models import JobView
from cqworker.web.route_definition import Route, RouteReply

MAX_BODY = 4096
"""Bytes of a body that has a time and a reason."""


async def reschedule_job(request: web.Request) -> web.StreamResponse:
    """POST /jobs/{job_id}/reschedule."""
    context = context_of(request)
    asked = read_reschedule(await json_body(request, MAX_BODY), context.clock.now())
    operator, tenant = require(context.operator), caller_of(request).tenant
    record = await operator.reschedule(job_id_of(request), tenant, asked.at, asker_of(request), asked.why)
    return as_json(job_json(record), 202)


async def run_job_now(request: web.Request) -> web.StreamResponse:
    """POST /jobs/{job_id}/run-now."""
    operator, tenant = require(context_of(request).operator), caller_of(request).tenant
    return as_json(job_json(await operator.reschedule(job_id_of(request), tenant, None, asker_of(request))), 202)


def asker_of(request: web.Request) -> str:
    """Who gave the job its time, as its history says it: a token by its name."""
    caller = caller_of(request)
    return "the local operator" if caller is LOCAL else caller.name


REFUSALS = (
    ProblemKind.JOB_NOT_FOUND,
    ProblemKind.NOT_ALLOWED_NOW,
    ProblemKind.NOT_PROVISIONED,
    ProblemKind.UNAVAILABLE,
)
SCHEDULE_ROUTES = (
    Route(
        method="POST",
        path="/jobs/{job_id}/reschedule",
        name="rescheduleJob",
        tag="jobs",
        summary="Give a job that waits another time",
        endpoint=reschedule_job,
        scope="operate",
        body=RescheduleAsk,
        parameters=(JOB_ID,),
        replies={202: RouteReply("The job will start at its new time.", JobView)},
        problems=(
            ProblemKind.MALFORMED,
            ProblemKind.TOO_SLOW,
            ProblemKind.TOO_LARGE,
            ProblemKind.MEDIA_TYPE,
            ProblemKind.INVALID,
            *REFUSALS,
        ),
    ),
    Route(
        method="POST",
        path="/jobs/{job_id}/run-now",
        name="runJobNow",
        tag="jobs",
        summary="Start a job that waits as soon as a worker is free",
        endpoint=run_job_now,
        scope="operate",
        parameters=(JOB_ID,),
        replies={202: RouteReply("The job waits for its time no more.", JobView)},
        problems=REFUSALS,
    ),
)
"""Their rows of the route table."""
