"""Many jobs in one request, each accepted or refused for itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from aiohttp import web

from cqworker.errors import CqworkerError
from cqworker.jobs.submit import Accepted, Submitter
from cqworker.model.record import JobRecord
from cqworker.web.app_context import parts_of, present
from cqworker.web.auth import caller_of
from cqworker.web.body_reader import json_body
from cqworker.web.error_middleware import incident
from cqworker.web.job_parser import Entry, Said
from cqworker.web.job_routes import shown_job, traceparent_of
from cqworker.web.json_response import as_json
from cqworker.web.parse_offload import READERS
from cqworker.web.problems import Kind, Problem
from cqworker.web.submission import problem_of_submission
from cqworker.web.submission_limits import admit

Shown = dict[str, object]
SLICE = 0.005
"""Seconds after which the others on the loop have their turn."""


async def submit_batch(request: web.Request) -> web.StreamResponse:
    """POST /jobs/batch."""
    if "Idempotency-Key" in request.headers:
        raise Problem(Kind.MALFORMED, "A batch has no key of its own: give each job an idempotency_key.")
    admit(request)
    parts = parts_of(request)
    said = Said(caller_of(request).own_tenant, traceparent_of(request))
    read = await request.app[READERS].batch(await json_body(request, parts.settings.http.max_body), said)
    admit(request, len(read) - 1, of=len(read))
    shown = await answers_to(
        read, present(parts.submitter), unforeseen=lambda error: incident(error, request, parts.emit)
    )
    return as_json({"jobs": shown})


async def answers_to(
    read: Sequence[Entry | Problem],
    submitter: Submitter,
    *,
    unforeseen: Callable[[Exception], Problem],
    show: Callable[[JobRecord], Shown] = shown_job,
) -> list[Shown]:
    """What became of each job, in order: `{"status", "job"}` or `{"status", "problem"}`.

    The status is what POST /jobs would have answered; `unforeseen` says what is told of an error that no rule foresaw.
    """
    entries = [entry for entry in read if isinstance(entry, Entry)]
    answers = iter(await submitter.submit_many([entry.submission for entry in entries]))
    shown: list[Shown] = []
    clock = asyncio.get_running_loop().time
    until = clock() + SLICE
    for entry in read:
        shown.append(
            _refused(entry) if isinstance(entry, Problem) else _answered(entry, next(answers), unforeseen, show)
        )
        if clock() > until:
            await asyncio.sleep(0)
            until = clock() + SLICE
    return shown


def _answered(
    entry: Entry,
    answer: Accepted | Exception,
    unforeseen: Callable[[Exception], Problem],
    show: Callable[[JobRecord], Shown],
) -> Shown:
    match answer:
        case Accepted(record=record, replayed=replayed):
            return {"status": 200 if replayed else 202, "job": show(record)}
        case CqworkerError():
            return _refused(problem_of_submission(answer, entry.called, entry.at))
        case _:
            return _refused(unforeseen(answer))


def _refused(problem: Problem) -> Shown:
    return {"status": problem.kind.status, "problem": problem.body()}
