"""@handler: what it takes and what it refuses."""

from __future__ import annotations

import copy
import pickle
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from cqworker import Backoff, Job, Reject, Retry, Snooze, handler
from cqworker.model.job_limits import MAX_ATTEMPTS, MAX_PAUSE, MAX_TIMEOUT
from cqworker.plugins.handler import options_of
from cqworker.settings import TypeSettings
from cqworker.settings.handler_settings import BackoffSettings


def plain(payload: dict[str, int], job: Job) -> int:
    return len(payload)


async def coroutine(payload: dict[str, int]) -> int:
    return len(payload)


def test_a_decorated_function_is_the_function_itself() -> None:
    def own(payload: dict[str, int]) -> int:
        return len(payload)

    assert handler(own) is own
    assert own({"a": 1}) == 1


def test_without_options_the_defaults_hold() -> None:
    options = options_of(handler(plain))
    assert options is not None
    assert (options.timeout, options.max_attempts, options.concurrency) == (300.0, 10, None)
    assert options.backoff == Backoff(first=1.0, factor=2.0, cap=900.0)


@pytest.mark.parametrize(
    ("function", "asked", "place"),
    [
        (plain, {}, "thread"),
        (coroutine, {}, "loop"),
        (plain, {"executor": "thread"}, "thread"),
        (plain, {"executor": "process"}, "process"),
        (coroutine, {"executor": "process"}, "process"),
    ],
)
def test_where_a_handler_runs_follows_from_its_def_and_its_executor(
    function: Any, asked: dict[str, Any], place: str
) -> None:
    options = options_of(handler(**asked)(function))
    assert options is not None
    assert options.executor == place


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        ("timeout", 0),
        ("timeout", MAX_TIMEOUT + 1),
        ("timeout", float("nan")),
        ("timeout", "10"),
        ("timeout", True),
        ("max_attempts", 0),
        ("max_attempts", MAX_ATTEMPTS + 1),
        ("max_attempts", 2.0),
        ("max_attempts", True),
        ("concurrency", 0),
        ("concurrency", "4"),
        ("backoff", 3),
        ("executor", "loop"),
        ("lifespan", "pool"),
        ("memory", 0),
        ("memory", 1.5),
        ("memory", "1 GiB"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_by_name(option: str, wrong: object) -> None:
    with pytest.raises((TypeError, ValueError), match=option):
        handler(**{option: wrong})  # type: ignore[call-overload]


@pytest.mark.parametrize("wrong", [{"first": 0}, {"first": -1}, {"factor": 0.5}, {"cap": 0}, {"cap": float("inf")}])
def test_a_backoff_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Backoff(**wrong)


def test_a_lifespan_is_out_of_reach_for_a_process() -> None:
    @asynccontextmanager
    async def pool() -> Any:
        yield None

    with pytest.raises(ValueError, match="leave one out"):
        handler(executor="process", lifespan=pool)


def test_what_needs_a_processor_runs_as_often_at_once_as_there_are_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqworker.plugins.handler.processor_count", lambda: 7)

    def most(**options: Any) -> int | None:
        found = options_of(handler(**options)(plain))
        assert found is not None
        return found.concurrency

    assert most(executor="process") == 7
    assert most(executor="process", concurrency=20) == 20
    assert most(concurrency="processors") == 7
    assert most() is None


@pytest.mark.parametrize("executor", [None, "thread"])
def test_memory_cannot_be_bounded_where_the_worker_itself_would_be(executor: Any) -> None:
    with pytest.raises(ValueError, match=r"memory bounds .* executor='process'"):
        handler(executor=executor, memory=256)


def test_a_process_may_be_given_a_bound_for_its_memory() -> None:
    options = options_of(handler(executor="process", memory=256)(plain))
    assert options is not None
    assert options.memory == 256


def test_a_coroutine_function_cannot_run_in_a_thread() -> None:
    with pytest.raises(ValueError, match="async def"):
        handler(executor="thread")(coroutine)


@pytest.mark.parametrize("wrong", [print, dict, object(), len])
def test_only_functions_are_handlers(wrong: Any) -> None:
    with pytest.raises(TypeError, match="function"):
        handler(timeout=1)(wrong)


def test_a_generator_is_no_handler() -> None:
    def counting(payload: int) -> Any:
        yield payload

    async def streaming(payload: int) -> Any:
        yield payload

    for wrong in (counting, streaming):
        with pytest.raises(TypeError, match="yields"):
            handler(wrong)


def test_author_and_operator_have_the_same_limits() -> None:
    assert TypeSettings(timeout=MAX_TIMEOUT, max_attempts=MAX_ATTEMPTS).timeout == MAX_TIMEOUT
    for beyond in ({"timeout": MAX_TIMEOUT + 1}, {"max_attempts": MAX_ATTEMPTS + 1}):
        with pytest.raises(ValueError, match="less than or equal"):
            TypeSettings.model_validate(beyond)


def test_the_endings_keep_what_they_say_on_their_way_between_processes() -> None:
    retry = pickle.loads(pickle.dumps(Retry("busy", after=2.5)))
    for snooze in (Snooze("early", after=5), Snooze(after=timedelta(days=366))):
        snooze.add_note("a traceback from elsewhere")
        for same in (pickle.loads(pickle.dumps(snooze)), copy.copy(snooze)):
            assert (vars(same), str(same), same.args) == (vars(snooze), str(snooze), snooze.args)
    reject = pickle.loads(pickle.dumps(Reject("never")))
    assert (retry.reason, retry.after, str(retry)) == ("busy", 2.5, "busy")
    assert (reject.reason, str(reject)) == ("never", "never")


@pytest.mark.parametrize("after", [-1, float("nan"), float("inf"), "5", True, 1.8e12, MAX_PAUSE + 1])
def test_a_retry_cannot_wait_for_a_time_that_never_comes(after: Any) -> None:
    with pytest.raises(ValueError, match=r"after=….*0 to 31,622,400 \(366 days\), not "):
        Retry("busy", after=after)


@pytest.mark.parametrize("after", [0, -1, timedelta(0), float("nan"), float("inf"), "5", True, None, MAX_PAUSE + 1])
def test_a_snooze_says_for_how_long(after: Any) -> None:
    with pytest.raises(ValueError, match=r"after=….*above 0 up to 31,622,400 \(366 days\), not "):
        Snooze("early", after=after)


def test_a_job_may_be_put_off_for_366_days_by_its_author_and_by_its_operator() -> None:
    year = timedelta(days=366)
    assert year.total_seconds() == MAX_PAUSE
    assert (Retry("busy", after=year).after, Snooze(after=year).after) == (MAX_PAUSE, MAX_PAUSE)
    assert Backoff(first=year, cap=year).cap == BackoffSettings(first=MAX_PAUSE, cap=MAX_PAUSE).cap
    for beyond in ({"cap": MAX_PAUSE + 1}, {"first": MAX_PAUSE + 1}):
        with pytest.raises(ValueError, match="366 days at most"):
            Backoff(**beyond)
        with pytest.raises(ValueError, match="less than or equal"):
            BackoffSettings.model_validate(beyond)
