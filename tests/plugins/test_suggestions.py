"""What people write who come from another job system is answered with the word that is right here."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cqworker import Backoff, Job, Reject, Retry, Snooze, handler
from cqworker.plugins.handler import options_of
from cqworker.plugins.job import PlainJob
from cqworker.plugins.registry import registry_of
from cqworker.suggestions.handler_terms import ATTRIBUTES, HANDLER, RUN
from cqworker.testing import JobFacts


def greet(payload: dict[str, str]) -> int:
    return len(payload)


@pytest.mark.parametrize(
    ("options", "meant"),
    [
        ({"retries": 3}, "max_attempts="),
        ({"max_retries": 3}, "3 retries are max_attempts=4"),
        ({"retry": True}, "max_attempts="),
        ({"retry_backoff": True}, "Backoff("),
        ({"default_retry_delay": 30}, "Backoff("),
        ({"autoretry_for": (OSError,)}, "Reject"),
        ({"throws": KeyError}, "Reject"),
        ({"time_limit": 30}, "timeout="),
        ({"soft_time_limit": 30}, "timeout="),
        ({"job_timeout": 30}, "timeout="),
        ({"name": "acme.greet"}, "entry point"),
        ({"actor_name": "greet"}, "entry point"),
        ({"queue": "mail"}, "submit(…, queue=…)"),
        ({"queue_name": "mail"}, "submit(…, queue=…)"),
        ({"bind": True}, "job: Job"),
        ({"acks_late": True}, "leave it out"),
        ({"ignore_result": True}, "retention_days"),
        ({"rate_limit": "10/m"}, "concurrency="),
        ({"priority": 3}, "gives priority="),
        ({"cron": "0 * * * *"}, "EventBridge Scheduler"),
        ({"unique_for": 60}, "unique=Unique"),
        ({"timeot": 3}, "did you mean timeout?"),
        ({"zzz": 3}, "there is timeout, max_attempts, backoff, concurrency, executor, memory, lifespan"),
    ],
)
def test_an_option_of_another_system_is_answered_with_the_word_for_it(options: dict[str, Any], meant: str) -> None:
    with pytest.raises(TypeError) as caught:
        handler(**options)
    assert f"@handler has no {next(iter(options))}: " in str(caught.value)
    assert meant in str(caught.value)


def test_all_mistakes_of_a_decorator_are_told_at_once() -> None:
    with pytest.raises(TypeError, match=r"no bind: .*no max_retries: .*no queue: "):
        handler(bind=True, timeout=3, max_retries=3, queue="mail")  # type: ignore[call-overload]


def test_no_word_of_others_hides_an_option_of_ours() -> None:
    assert not HANDLER.others.keys() & inspect.signature(handler).parameters.keys()


def test_no_word_of_others_hides_what_a_job_has() -> None:
    assert not ATTRIBUTES.keys() & {*dir(Job)}, "ATTRIBUTES in cqworker/suggestions/handler_terms.py"
    assert not RUN.others.keys() & JobFacts.__annotations__.keys(), "RUN in cqworker/suggestions/handler_terms.py"


@pytest.mark.parametrize("name", ["acme.greet", "greet"])
def test_a_name_in_the_decorator_is_sent_to_the_entry_point(name: str) -> None:
    with pytest.raises(TypeError, match=rf'entry point in pyproject.toml, "{name}" = '):
        handler(name)  # type: ignore[call-overload]


def test_options_by_position_are_refused_with_the_way_to_write_them() -> None:
    with pytest.raises(TypeError, match=r"too many positional arguments\. Write it like @handler\(timeout=30"):
        handler(greet, 30)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        (lambda: Backoff(base=1), "it is first="),  # type: ignore[call-arg]
        (lambda: Backoff(multiplier=3), "it is factor="),  # type: ignore[call-arg]
        (lambda: Backoff(max=60), "it is cap="),  # type: ignore[call-arg]
        (lambda: Backoff(1.0), "Write it like Backoff(first=1.0"),  # type: ignore[call-arg]
        (Retry, "missing a required argument: 'reason'"),
        (lambda: Retry("busy", countdown=5), "it is after=, in seconds"),  # type: ignore[call-arg]
        (lambda: Retry("busy", 5), 'raise Retry("why", after=30)'),  # type: ignore[call-arg]
        (lambda: Retry(exc=OSError(), countdown=5), "from error"),  # type: ignore[call-arg]
        (Snooze, "missing a required argument: 'after'"),
        (lambda: Snooze(60), 'Write `raise Snooze("why", after=3600)`'),  # type: ignore[arg-type, call-arg]
        (lambda: Snooze("early", 60), 'raise Snooze("why", after=3600)'),  # type: ignore[call-arg]
        (lambda: Snooze(countdown=5), "Snooze has no countdown: it is after="),  # type: ignore[call-arg]
        (lambda: Snooze(hours=5), "after=timedelta(hours=3)"),  # type: ignore[call-arg]
        (lambda: Snooze("early", eta=datetime.now(UTC)), "then - datetime.now(UTC)"),  # type: ignore[call-arg]
        (Reject, 'raise Reject("why")'),
        (lambda: Reject("no", requeue=True), "asks for another attempt"),  # type: ignore[call-arg]
    ],
)
def test_endings_and_pauses_say_how_they_are_written(wrong: Any, meant: str) -> None:
    with pytest.raises(TypeError) as caught:
        wrong()
    assert meant in str(caught.value)


def test_a_type_error_from_within_is_left_as_it_is() -> None:
    with pytest.raises(TypeError, match=r"^backoff takes a cqworker\.Backoff, such as Backoff\(first=2\.0\), not 3\.$"):
        handler(backoff=3)  # type: ignore[call-overload]


def test_a_span_of_time_goes_wherever_seconds_do() -> None:
    found = options_of(handler(timeout=timedelta(minutes=5))(greet))
    assert found is not None
    assert found.timeout == 300.0
    assert Backoff(first=timedelta(seconds=2), cap=timedelta(hours=1)) == Backoff(first=2.0, cap=3600.0)
    assert Retry("busy", after=timedelta(minutes=1)).after == 60.0
    assert Snooze(after=timedelta(minutes=1)).after == 60.0


@pytest.mark.parametrize("wrong", [timedelta(0), timedelta(days=1), timedelta(seconds=-1)])
def test_a_span_of_time_has_the_limits_of_seconds(wrong: timedelta) -> None:
    with pytest.raises(ValueError, match="timeout takes seconds"):
        handler(timeout=wrong)


@pytest.mark.parametrize("sender", ["delay", "apply_async", "s", "send", "enqueue", "kiq", "perform_async"])
def test_a_handler_that_is_called_like_a_task_says_how_jobs_are_submitted(sender: str) -> None:
    def own(payload: dict[str, str]) -> None: ...

    with pytest.raises(TypeError, match=r"plain function: .*await client\.submit\("):
        getattr(handler(own), sender)("Ada", countdown=3)


def test_what_the_author_put_on_his_function_stays() -> None:
    def own(payload: dict[str, str]) -> None: ...

    own.delay = 3  # type: ignore[attr-defined]
    assert handler(own).delay == 3  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("request", "job.id"),
        ("retry", "cqworker.Retry"),
        ("snooze", "cqworker.Snooze"),
        ("update_state", "job.progress"),
        ("payload", "first parameter"),
    ],
)
def test_what_a_job_is_asked_for_elsewhere_is_named(name: str, meant: str) -> None:
    job = Job(PlainJob(id="1", type="t", attempt=1, max_attempts=1, deadline=datetime.now(UTC)))
    assert not hasattr(job, name)
    with pytest.raises(AttributeError, match=f"A job has no {name}: .*{meant}"):
        getattr(job, name)
    with pytest.raises(AttributeError, match=r"A job has no zzz\.$"):
        job.zzz  # type: ignore[attr-defined]  # noqa: B018


class Greeter:
    """A class, where a function is meant."""


@pytest.mark.parametrize("first", ["self", "ctx", "job"])
def test_what_others_give_first_is_not_taken_for_the_payload(first: str) -> None:
    space: dict[str, Any] = {}
    exec(f"def bound({first}, name): ...", space)
    [broken] = registry_of(bound=handler(space["bound"])).broken
    assert broken.cause == f"bound takes {first} first."
    assert "f(payload: Model, job: Job)" in broken.remedy


def test_a_class_is_not_told_to_be_decorated() -> None:
    [broken] = registry_of(greeter=Greeter).broken
    assert "is a class without @handler" in broken.cause
    assert broken.remedy.startswith("A handler is a function")
