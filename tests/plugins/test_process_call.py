"""A handler in a process of its own."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import CapturingLogger

from cqworker import Reject, Retry
from cqworker.children.calls import call
from cqworker.children.child_pool import ChildPool, open_child_pool
from cqworker.plugins.job import PlainJob
from cqworker.plugins.process_call import ChildFailure, ChildOutcome, run_in_child

SAMPLES = "tests.plugins.samples"
JOB = PlainJob(id="j", type="it", attempt=2, max_attempts=3, deadline=datetime(2030, 1, 1, tzinfo=UTC), tags=("a",))


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def children() -> AsyncIterator[ChildPool]:
    """One child for all tests here: starting one is what takes long."""
    async with open_child_pool(1) as pool:
        yield pool


async def run(children: ChildPool, name: str, payload: str) -> ChildOutcome:
    return await call(children, run_in_child, f"{SAMPLES}:{name}", payload, JOB)


async def ended(children: ChildPool, how: str) -> ChildFailure:
    outcome = await run(children, "ending_in_a_process", f'"{how}"')
    with pytest.raises(ChildFailure) as failure:
        outcome.unwrap()
    return failure.value


async def test_a_handler_runs_elsewhere_and_its_result_comes_back(children: ChildPool) -> None:
    import orjson

    told = orjson.loads((await run(children, "in_a_process", "{}")).unwrap())
    assert told["pid"] != os.getpid()
    assert (told["attempt"], told["tags"], told["ignores_sigint"]) == (2, ["a"], True)


async def test_a_coroutine_function_runs_there_too(children: ChildPool) -> None:
    assert (await run(children, "a_coroutine_in_a_process", "41")).unwrap() == "42"


async def test_what_is_logged_there_is_written_here(children: ChildPool) -> None:
    outcome = await run(children, "in_a_process", '{"a": [1]}')
    log: Any = CapturingLogger()
    outcome.replay(log)
    [call] = log.calls
    assert (call.method_name, call.args, call.kwargs) == ("info", ("at work",), {"payload": "{'a': [1]}", "count": 1})


async def test_retry_and_reject_come_back_as_they_were_raised(children: ChildPool) -> None:
    retry = await run(children, "ending_in_a_process", '"retry"')
    with pytest.raises(Retry) as asked:
        retry.unwrap()
    assert (asked.value.reason, asked.value.after) == ("busy", 3)
    assert [line.event for line in retry.lines] == ["about to end"]
    with pytest.raises(Reject, match="never"):
        (await run(children, "ending_in_a_process", '"reject"')).unwrap()


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ("error", "KeyError", "'lost'"),
        ("stubborn", "Stubborn", ""),
        ("exit", "SystemExit", "7"),
        ("interrupt", "KeyboardInterrupt", ""),
        ("memory", "MemoryError", ""),
    ],
)
async def test_whatever_is_raised_is_described(children: ChildPool, how: str, error: str, message: str) -> None:
    failure = await ended(children, how)
    assert (failure.error, failure.message, failure.stage) == (error, message, "handler")
    assert "ending_in_a_process" in failure.traceback


@pytest.mark.parametrize("how", ["artifacts", "state", "stopping", "check()", "progress", "run_in_process"])
async def test_what_a_plain_job_does_not_have_says_so(children: ChildPool, how: str) -> None:
    failure = await ended(children, how)
    assert failure.error == "RuntimeError"
    assert f"job.{how}" in failure.message
    assert "executor='process'" in failure.message


@pytest.mark.parametrize(("how", "error"), [("set", "TypeError"), ("nan", "ValueError")])
async def test_a_result_that_is_no_json_is_told_apart(children: ChildPool, how: str, error: str) -> None:
    failure = await ended(children, how)
    assert (failure.error, failure.stage, failure.traceback) == (error, "result", "")


async def test_a_payload_that_does_not_fit_is_told_apart(children: ChildPool) -> None:
    failure = await run(children, "a_coroutine_in_a_process", '"x"')
    assert (failure.error, failure.stage) == ("InvalidPayload", "payload")


async def test_a_handler_that_cannot_be_loaded_is_told_apart(children: ChildPool) -> None:
    outcome = await run(children, "nothing", "1")
    assert (outcome.error, outcome.stage) == ("Unusable", "load")
    assert "tests.plugins.samples has no nothing" in outcome.message


async def test_it_starts_without_what_only_the_worker_needs(children: ChildPool) -> None:
    await run(children, "in_a_process", "{}")
    loaded = await call(children, eval, "set(__import__('sys').modules)")
    assert "tests.plugins.samples" in loaded
    assert {"cqworker.settings", "cqworker.flow", "aiohttp", "botocore"} & loaded == set()
