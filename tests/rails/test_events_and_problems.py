"""An event is told by somebody and seen in the log, the numbers and the counts; a problem comes back as its error."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any, ClassVar, get_args

import pytest

import cqworker
from cqworker import errors
from cqworker.client.client_errors import DaemonRefused
from cqworker.client.problem_errors import error_of, kind_of
from cqworker.errors import CqworkerError, InvalidPayload, PayloadFault, SendUnanswered, Unavailable
from cqworker.events import Event, JobEvent
from cqworker.model.json_pointer import JobPointer
from cqworker.observe.stats import Stats
from cqworker.web.error_middleware import _problem_of
from cqworker.web.problems import Problem, ProblemKind
from cqworker.web.submission_problems import problem_of_submission
from tests.observe.samples import EVENT_CLASSES, JOB, TurnedClock
from tests.rails.source import made_in

NOT_COUNTED = set(
    """
    AbandonedHandlerEnded CancelAsked CancelNoticed CopyDropped CopyHidden CopyRefreshed DuplicateMet EndingDiscarded
    HandlerAbandoned JobHandedOver JobLeftRunning JobReprioritised JobScheduled JobTakenOver JobUnsendable
    LeaseUnanswered RecordPostponed RetryAsked ReturnedAfterStop
    SubmissionReplayed
""".split()
)
"""Events of a job that are in the log and in /metrics, and too rare or too fine for the few counts of /status."""
NEVER_TOLD = {
    errors.ConfigurationError: "found before anything is served",
    errors.PluginConflict: "found before anything is served",
    errors.RecordUnreadable: "told as Unavailable, which it is",
    errors.SourceRefused: "an ending of a job's attempt",
    errors.ProcessNotStarted: "what a handler meets",
    errors.ProcessDied: "what a handler meets",
    errors.ProcessTimeout: "what a handler meets",
}
"""Errors that no request is answered with, and why."""
OTHERS_WORDS = (errors.CqworkerError, *NEVER_TOLD)
FULL: dict[type[CqworkerError], CqworkerError] = {
    InvalidPayload: InvalidPayload((PayloadFault("/text", "is missing"),)),
    Unavailable: Unavailable("sqs", "It is away.", "Wait."),
    SendUnanswered: SendUnanswered("job-1", Unavailable("sqs", "It is away.", "Wait.", ambiguous=True)),
}
"""Errors that say more than a text."""
ERRORS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, CqworkerError) and kind not in OTHERS_WORDS
]


def test_no_class_of_event_is_forgotten_by_the_samples() -> None:
    for module in pkgutil.iter_modules(cqworker.__path__, "cqworker."):
        if module.name.endswith("events"):
            importlib.import_module(module.name)
    found = {kind for kind in get_args(Event) if kind is not JobEvent} | _below(JobEvent)
    assert found == set(EVENT_CLASSES)


def _below(kind: type[Any]) -> set[type[Any]]:
    return {found for child in kind.__subclasses__() for found in (child, *_below(child))}


@pytest.mark.parametrize("kind", EVENT_CLASSES)
def test_every_event_is_told_by_somebody(kind: type[Any]) -> None:
    assert made_in(kind.__name__), f"nobody in cqworker emits {kind.__name__}"


def test_every_event_of_a_job_is_counted_for_status_or_is_left_out_on_purpose() -> None:
    stats = Stats([JOB.type], TurnedClock())
    silent = {kind.__name__ for kind in _below(JobEvent) if stats.action_on(kind) is None}
    assert silent == NOT_COUNTED


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_comes_back_over_http_as_the_error_it_was(kind: type[CqworkerError]) -> None:
    error = FULL.get(kind) or kind("It is so.")
    problem = _problem_of_request(error)
    back = error_of(problem.body())
    assert type(back) is kind, f"{problem.kind} is how it is told, {type(back).__name__} how a client reads it"


def _problem_of_request(error: CqworkerError) -> Problem:
    """As the submission of a job tells it, or whatever else is asked for."""
    told = problem_of_submission(error, JobPointer())
    return told if told.kind is not ProblemKind.INVALID else _problem_of(error, _Request()) or told  # type: ignore[arg-type]


class _Request:
    match_info: ClassVar[dict[str, str]] = {}


@pytest.mark.parametrize("kind", ProblemKind)
def test_a_client_knows_every_kind_of_problem_and_says_what_it_said(kind: ProblemKind) -> None:
    problem = Problem(kind, "It is so.", members={"job_id": "job-1", "service": "sqs"})
    assert kind_of(problem.body()) is kind
    assert isinstance(error_of(problem.body()), CqworkerError)


def test_a_kind_that_only_a_newer_daemon_knows_is_told_in_its_words() -> None:
    error = error_of({"type": "urn:cqworker:problem:dreaming", "title": "t", "detail": "It dreams."})
    assert (type(error), str(error)) == (DaemonRefused, "It dreams.")
