"""Reads the jobs that a body asks for: all of the work that grows with what a stranger sends, and nothing that waits.

It asks nothing of the process it runs in, so that web/parse_offload.py can have it done in another one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cqworker.errors import InvalidPayload
from cqworker.jobs.submit import Checked, Submission, checked
from cqworker.plugins.loaded_handlers import Handler
from cqworker.web.problems import Fault, Kind, Problem
from cqworker.web.request_models import MAX_FAULTS, BatchAsk, BatchJobAsk, SubmitAsk, our_names, understood
from cqworker.web.strict_json import MAX_DEPTH, NotStrictJson, read_object
from cqworker.web.submission import problem_of_submission, submission_of

Find = Callable[[str], Handler | None]
"""The handler of a job type; None leaves it to the submitter to say that there is none, or to check the payload."""
AROUND = 2
"""Levels of nesting that a batch puts around each of its jobs."""
FAULTS_OF_A_BATCH = 200
"""Once so many faults of a batch are told, each further job is told one of its own."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a request says of its jobs beside its body; `key` is the Idempotency-Key of a single one."""

    tenant: str
    traceparent: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A job that could be read: what is asked for, in whose words, and where it stands in the body."""

    submission: Submission | Checked
    called: Mapping[str, str]
    at: str = ""


def object_in(body: bytes, depth: int = MAX_DEPTH) -> dict[str, object]:
    """The JSON object in the body; raises Problem 400."""
    try:
        return read_object(body, depth)
    except NotStrictJson as error:
        raise Problem(Kind.MALFORMED, str(error)) from None


def read_one(body: bytes, said: Said, find: Find) -> Entry:
    """The job in the body of POST /jobs; raises Problem."""
    fields, called = our_names(object_in(body))
    ask = understood(SubmitAsk, fields, called)
    return _checked(
        submission_of(ask, tenant=said.tenant, key=said.key, traceparent=said.traceparent), called, "", find
    )


def read_batch(body: bytes, said: Said, find: Find) -> list[Entry | Problem]:
    """Each job in the body of POST /jobs/batch, or what is wrong with it; raises Problem where it is no batch."""
    batch = understood(BatchAsk, object_in(body, MAX_DEPTH + AROUND))
    return read_jobs(batch.jobs, said, find)


def read_jobs(asked: Sequence[object], said: Said, find: Find) -> list[Entry | Problem]:
    """Each of these jobs, or what is wrong with it."""
    read: list[Entry | Problem] = []
    told = 0
    for place, one in enumerate(asked):
        most = MAX_FAULTS if told < FAULTS_OF_A_BATCH else 1
        try:
            read.append(_read(one, f"/jobs/{place}", said, find, most))
        except Problem as problem:
            problem.errors = problem.errors[:most]
            told += len(problem.errors)
            read.append(problem)
    return read


def _read(asked: object, at: str, said: Said, find: Find, most: int) -> Entry:
    if not isinstance(asked, dict):
        raise Problem(Kind.INVALID, f"{at}: a job is an object.", errors=[Fault(at, "is no object")])
    fields, called = our_names(asked, at)
    ask = understood(BatchJobAsk, fields, called, at, most)
    submission = submission_of(ask, tenant=said.tenant, key=ask.idempotency_key, traceparent=said.traceparent)
    return _checked(submission, called, at, find)


def _checked(submission: Submission, called: Mapping[str, str], at: str, find: Find) -> Entry:
    handler = find(submission.type)
    try:
        return Entry(submission if handler is None else checked(submission, handler), called, at)
    except InvalidPayload as error:
        raise problem_of_submission(error, called, at) from None
