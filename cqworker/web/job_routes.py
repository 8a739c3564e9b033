"""Jobs over HTTP: submit, show, wait, retry, cancel."""

from __future__ import annotations

import re

from aiohttp import web
from orjson import Fragment

from cqworker.errors import JobNotFound
from cqworker.jobs.intake import Sender, count_later, submit_one
from cqworker.jobs.strict_json import read_object
from cqworker.jobs.submission_models import validate
from cqworker.model.ids import IDEMPOTENCY_KEY
from cqworker.model.job_limits import MAX_JOB_ID, MAX_WAIT
from cqworker.model.job_view import job_view
from cqworker.model.record import JobRecord
from cqworker.model.trace import parse_traceparent
from cqworker.web.app_context import LONG_POLLS, context_of, require
from cqworker.web.auth import caller_of, charge_later, charge_rate
from cqworker.web.body_reader import json_body
from cqworker.web.json_response import as_json
from cqworker.web.parse_offload import PARSE_OFFLOAD
from cqworker.web.problems import Problem, ProblemKind
from cqworker.web.request_models import RetryAsk
from cqworker.web.submission_problems import problem_of_submission

MAX_RETRY_BODY = 4096
"""Bytes of a body whose only field is a number."""
_SECONDS = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
"""A number as JSON writes it: what a program makes of 0.00001 is `1e-05`."""


async def submit_job(request: web.Request) -> web.StreamResponse:
    """POST /jobs: counts it against the caller's rates, reads and checks its body, and has jobs/submit.py send it."""
    key = _idempotency_key(request)
    charge_rate(request)
    sender = Sender(caller_of(request).own_tenant, traceparent_of(request), key)
    body = await json_body(request, context_of(request).settings.http.max_body)
    read = await request.app[PARSE_OFFLOAD].parse_one(body, sender)
    charge_later(request, count_later([read], context_of(request).clock.now()))
    answer = await submit_one(read, require(context_of(request).submitter))
    if isinstance(accepted := answer.outcome, Exception):
        raise problem_of_submission(accepted, answer.pointer)
    replayed = {"Idempotent-Replayed": "true"} if accepted.replayed else {}
    prefix = request.path.removesuffix("/jobs")
    headers = {"Location": f"{prefix}/jobs/{accepted.record.job_id}", **replayed}
    return as_json(accepted.view(Fragment), 202 if accepted.is_new else 200, headers)


async def show_job(request: web.Request) -> web.StreamResponse:
    """GET /jobs/{job_id}, with `?wait=` seconds until it is final."""
    seconds = _wait_seconds(request)
    operator, tenant, job_id = require(context_of(request).operator), caller_of(request).tenant, job_id_of(request)
    waited = None
    if seconds:
        waited = await request.app[LONG_POLLS].hold(request, operator.wait(job_id, tenant, seconds))
        if request.transport is None:
            return web.Response()  # the client has left
    record = waited or await operator.show(job_id, tenant)
    return as_json(job_json(record) | await _explained(request, record, tenant))


async def _explained(request: web.Request, record: JobRecord, tenant: str | None) -> dict[str, object]:
    explanations = require(context_of(request).limits).explanations
    why = await explanations.explain(record, sees_all=tenant is None)
    return {} if why is None else {"explanation": why}


async def retry_job(request: web.Request) -> web.StreamResponse:
    """POST /jobs/{job_id}/retry."""
    body = await json_body(request, MAX_RETRY_BODY)
    ask = validate(RetryAsk, read_object(body) if body else {})
    operator, tenant = require(context_of(request).operator), caller_of(request).tenant
    return as_json(job_json(await operator.retry(job_id_of(request), tenant, ask.round)), 202)


async def cancel_job(request: web.Request) -> web.StreamResponse:
    """POST /jobs/{job_id}/cancel."""
    operator, tenant = require(context_of(request).operator), caller_of(request).tenant
    return as_json(job_json(await operator.cancel(job_id_of(request), tenant)), 202)


def job_json(record: JobRecord) -> dict[str, object]:
    """The job as it is answered: payload and result as the texts that they are, for reading 256 KB takes 0.1 s."""
    return job_view(record, Fragment)


def job_id_of(request: web.Request) -> str:
    """The job id in the address; one that no job can have is a job that does not exist."""
    job_id = request.match_info["job_id"]
    if len(job_id) > MAX_JOB_ID:
        raise JobNotFound("The id is longer than any job's.")
    return job_id


def traceparent_of(request: web.Request) -> str | None:
    """The caller's trace; a broken one is ignored, as W3C Trace Context wants it."""
    traceparent = request.headers.get("traceparent")
    return traceparent if parse_traceparent(traceparent) else None


def _idempotency_key(request: web.Request) -> str | None:
    keys = request.headers.getall("Idempotency-Key", [])
    if not keys:
        return None
    if len(keys) > 1 or not re.fullmatch(IDEMPOTENCY_KEY, keys[0]):
        raise Problem(
            ProblemKind.MALFORMED, "The Idempotency-Key must be one header of 1 to 128 printable ASCII characters."
        )
    return keys[0]


def _wait_seconds(request: web.Request) -> float:
    values = request.query.getall("wait", ["0"])
    seconds = float(values[0]) if len(values) == 1 and _SECONDS.fullmatch(values[0]) else MAX_WAIT + 1
    if not 0 <= seconds <= MAX_WAIT:
        raise Problem(
            ProblemKind.MALFORMED, f"wait must be one number of seconds from 0 to {MAX_WAIT:.0f}, as in ?wait=20."
        )
    return seconds
