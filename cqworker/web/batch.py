"""Many jobs in one request, each accepted or refused for itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from cqworker.errors import CqworkerError
from cqworker.flow.submit import Accepted, Submission, Submitter
from cqworker.model.view import job_view
from cqworker.web.asks import BatchAsk, BatchJobAsk, our_names, understood
from cqworker.web.bodies import read_json
from cqworker.web.jobs import traceparent_of
from cqworker.web.json_answer import as_json
from cqworker.web.mending import incident
from cqworker.web.parts import parts_of, present
from cqworker.web.problems import Fault, Kind, Problem
from cqworker.web.strict_json import MAX_DEPTH
from cqworker.web.submission import problem_of_submission, submission_of
from cqworker.web.tokens import caller_of

Shown = dict[str, object]
AROUND = 2
"""Levels of nesting that a batch puts around each of its jobs."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A job of a batch that could be read: what is asked for, in whose words, and where it stands."""

    submission: Submission
    called: Mapping[str, str]
    at: str


async def submit_batch(request: web.Request) -> web.StreamResponse:
    """POST /jobs/batch."""
    if "Idempotency-Key" in request.headers:
        raise Problem(Kind.MALFORMED, "A batch has no key of its own: give each job an idempotency_key.")
    parts = parts_of(request)
    body = await read_json(request, parts.settings.http.max_body, depth=MAX_DEPTH + AROUND)
    shown = await answers_to(
        understood(BatchAsk, body).jobs,
        present(parts.submitter),
        tenant=caller_of(request).own_tenant,
        traceparent=traceparent_of(request),
        unforeseen=lambda error: incident(error, request, parts.emit),
    )
    return as_json({"jobs": shown})


async def answers_to(
    asked: Sequence[object],
    submitter: Submitter,
    *,
    tenant: str,
    traceparent: str | None,
    unforeseen: Callable[[Exception], Problem],
) -> list[Shown]:
    """What became of each job, in order: `{"status", "job"}` or `{"status", "problem"}`.

    The status is what POST /jobs would have answered; `unforeseen` says what is told of an error that no rule foresaw.
    """
    read = [_read(one, f"/jobs/{place}", tenant, traceparent) for place, one in enumerate(asked)]
    entries = [entry for entry in read if isinstance(entry, Entry)]
    answers = iter(await submitter.submit_many([entry.submission for entry in entries]))
    return [
        _refused(entry) if isinstance(entry, Problem) else _answered(entry, next(answers), unforeseen) for entry in read
    ]


def _read(asked: object, at: str, tenant: str, traceparent: str | None) -> Entry | Problem:
    if not isinstance(asked, dict):
        return Problem(Kind.INVALID, f"{at}: a job is an object.", errors=[Fault(at, "is no object")])
    try:
        body, called = our_names(asked, at)
        ask = understood(BatchJobAsk, body, called, at)
    except Problem as problem:
        return problem
    submission = submission_of(ask, tenant=tenant, key=ask.idempotency_key, traceparent=traceparent)
    return Entry(submission, called, at)


def _answered(entry: Entry, answer: Accepted | Exception, unforeseen: Callable[[Exception], Problem]) -> Shown:
    match answer:
        case Accepted(record=record, replayed=replayed):
            return {"status": 200 if replayed else 202, "job": job_view(record)}
        case CqworkerError():
            return _refused(problem_of_submission(answer, entry.called, entry.at))
        case _:
            return _refused(unforeseen(answer))


def _refused(problem: Problem) -> Shown:
    return {"status": problem.kind.status, "problem": problem.body()}
