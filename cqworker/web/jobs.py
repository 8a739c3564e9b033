"""Jobs over HTTP: submit, show, wait, retry, cancel."""

from __future__ import annotations

import re

import orjson
from aiohttp import web

from cqworker.errors import (
    InvalidPayload,
    JobNotFound,
    KeyReused,
    MessageTooLarge,
    SubmissionRefused,
    Unavailable,
    UnknownQueue,
    UnknownType,
)
from cqworker.flow.submit import Submission
from cqworker.model.ids import MAX_JOB_ID
from cqworker.model.trace import parse
from cqworker.model.view import job_view
from cqworker.web.asks import RetryAsk, SubmitAsk, our_names, understood
from cqworker.web.bodies import read_json
from cqworker.web.json_answer import as_json
from cqworker.web.parts import WAITING_ROOM, parts_of, present
from cqworker.web.problems import Fault, Kind, Problem
from cqworker.web.tokens import caller_of

MAX_WAIT = 20.0
"""Seconds that `?wait=` may hold a request: below the 30 and 60 s after which proxies give up."""
_KEY = re.compile(r"[\x20-\x7e]{1,128}")
_SECONDS = re.compile(r"[0-9]{1,2}(\.[0-9]+)?")


async def submit_job(request: web.Request) -> web.StreamResponse:
    """POST /jobs."""
    key = _idempotency_key(request)
    body, called = our_names(await read_json(request, parts_of(request).settings.http.max_body))
    submission = _submission(understood(SubmitAsk, body, called), request, key)
    try:
        accepted = await present(parts_of(request).submitter).submit(submission)
    except SubmissionRefused as refusal:
        raise _refused(refusal, called) from None
    except Unavailable as error:
        detail = f"{error} Nothing was accepted: send the job again."
        raise Problem(Kind.UNAVAILABLE, detail, members={"service": error.service}) from None
    replayed = {"Idempotent-Replayed": "true"} if accepted.replayed else {}
    prefix = request.path.removesuffix("/jobs")
    headers = {"Location": f"{prefix}/jobs/{accepted.record.job_id}", **replayed}
    return as_json(job_view(accepted.record), 200 if accepted.replayed else 202, headers)


async def show_job(request: web.Request) -> web.StreamResponse:
    """GET /jobs/{job_id}, with `?wait=` seconds until it is final."""
    seconds = _seconds_to_wait(request)
    desk, tenant, job_id = present(parts_of(request).desk), caller_of(request).tenant, job_id_of(request)
    waited = None
    if seconds:
        waited = await request.app[WAITING_ROOM].hold(request, desk.wait(job_id, tenant, seconds))
        if request.transport is None:
            return web.Response()  # nobody is left to read it
    return as_json(job_view(waited or await desk.show(job_id, tenant)))


async def retry_job(request: web.Request) -> web.StreamResponse:
    """POST /jobs/{job_id}/retry."""
    ask = understood(RetryAsk, await read_json(request, parts_of(request).settings.http.max_body, may_be_empty=True))
    desk, tenant = present(parts_of(request).desk), caller_of(request).tenant
    return as_json(job_view(await desk.retry(job_id_of(request), tenant, ask.round)), 202)


async def cancel_job(request: web.Request) -> web.StreamResponse:
    """POST /jobs/{job_id}/cancel."""
    desk, tenant = present(parts_of(request).desk), caller_of(request).tenant
    return as_json(job_view(await desk.cancel(job_id_of(request), tenant)), 202)


def job_id_of(request: web.Request) -> str:
    """The job id in the address; one that no job can have is a job that does not exist."""
    job_id = request.match_info["job_id"]
    if len(job_id) > MAX_JOB_ID:
        raise JobNotFound("The id is longer than any job's.")
    return job_id


def _submission(ask: SubmitAsk, request: web.Request, key: str | None) -> Submission:
    traceparent = request.headers.get("traceparent")
    return Submission(
        type=ask.type,
        payload=orjson.dumps(ask.payload).decode(),
        tenant=caller_of(request).own_tenant,
        queue=ask.queue,
        metadata=ask.metadata,
        tags=tuple(ask.tags),
        max_attempts=ask.max_attempts,
        delay_seconds=ask.delay_seconds,
        idempotency_key=key,
        traceparent=traceparent if parse(traceparent) else None,
    )


def _refused(refusal: SubmissionRefused, called: dict[str, str]) -> Problem:
    """The refusal with pointers into the body as the client wrote it."""
    payload = f"/{called.get('payload', 'payload')}"
    match refusal:
        case UnknownType():
            fault = Fault(f"/{called.get('type', 'type')}", str(refusal))
            return Problem(Kind.UNKNOWN_TYPE, str(refusal), errors=[fault])
        case UnknownQueue():
            return Problem(Kind.UNKNOWN_QUEUE, str(refusal), errors=[Fault("/queue", str(refusal))])
        case InvalidPayload(faults=faults):
            errors = [Fault(payload + fault.pointer, fault.message) for fault in faults]
            detail = "; ".join(f"{error.pointer}: {error.detail}" for error in errors[:3])
            return Problem(Kind.INVALID_PAYLOAD, detail, errors=errors)
        case KeyReused():
            return Problem(Kind.KEY_REUSED, str(refusal))
        case MessageTooLarge():
            return Problem(Kind.TOO_LARGE, str(refusal))
        case _:
            return Problem(Kind.INVALID, str(refusal))


def _idempotency_key(request: web.Request) -> str | None:
    keys = request.headers.getall("Idempotency-Key", [])
    if not keys:
        return None
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        raise Problem(Kind.MALFORMED, "The Idempotency-Key must be one header of 1 to 128 printable ASCII characters.")
    return keys[0]


def _seconds_to_wait(request: web.Request) -> float:
    said = request.query.getall("wait", ["0"])
    seconds = float(said[0]) if len(said) == 1 and _SECONDS.fullmatch(said[0]) else MAX_WAIT + 1
    if seconds > MAX_WAIT:
        raise Problem(Kind.MALFORMED, f"wait must be one number of seconds from 0 to {MAX_WAIT:.0f}, as in ?wait=20.")
    return seconds
