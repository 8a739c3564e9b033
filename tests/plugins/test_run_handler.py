"""run_handler(): the author's worker in a line."""

from __future__ import annotations

import os
import threading
from datetime import timedelta
from typing import Any

import pytest

from cqworker import Reject, Retry, Snooze, SourceRefused
from cqworker.errors import ArtifactMissing, InvalidPayload
from cqworker.plugins.process_call import ChildFailure
from cqworker.testing import MemoryArtifacts, run_handler
from tests.plugins import samples
from tests.plugins.shop import GOOD, Shop


async def test_a_coroutine_function_runs_on_the_loop_with_the_job_it_asks_for() -> None:
    run = await run_handler(samples.on_the_loop, {"a": 1}, id="j-7", attempt=4)
    main = threading.current_thread().name
    assert run.result == {"thread": main, "id": "j-7", "attempt": 4, "payload": {"a": 1}}
    assert [(step.done, step.total, step.note) for step in run.progress] == [(1, 2, "half")]


async def test_a_plain_function_runs_in_a_thread_and_reaches_the_artifacts() -> None:
    artifacts = MemoryArtifacts("results", "out/")
    source = await artifacts.put("uploads/default/7f", b"hello", "text/plain")
    run = await run_handler(samples.in_a_thread, {"source": "artifact:7f"}, artifacts=artifacts, id="j", round=2)
    assert run.result["thread"] != threading.current_thread().name
    assert (run.result["read"], run.result["wrote"]) == ("hello", "s3://results/out/j/2-1.bin")
    assert run.artifacts.objects[run.result["wrote"]].data == b"data"
    assert source in run.artifacts.objects
    assert [step.done for step in run.progress] == [2]


async def test_a_handler_for_a_process_runs_in_one() -> None:
    run = await run_handler(samples.in_a_process, {}, attempt=3, tags=("x",))
    assert run.result["pid"] != os.getpid()
    assert (run.result["attempt"], run.result["tags"]) == (3, ["x"])


async def test_the_lifespan_is_entered_before_and_left_after() -> None:
    samples.entered.clear()
    run = await run_handler(samples.with_a_lifespan, 1)
    assert run.result == {"state": "the pool", "entered": ["opened"]}
    assert samples.entered == ["opened", "closed"]


async def test_the_timeout_of_the_handler_holds() -> None:
    with pytest.raises(TimeoutError):
        await run_handler(samples.too_slow, 1)


async def test_the_word_that_a_result_is_whole_is_harmless_in_a_process() -> None:
    assert (await run_handler(samples.ending_in_a_process, "finished")).result == "whole"


@pytest.mark.parametrize(
    ("ending", "error"), [("retry", Retry), ("snooze", Snooze), ("reject", Reject), ("error", ChildFailure)]
)
async def test_the_endings_of_the_handler_are_raised(ending: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await run_handler(samples.ending_in_a_process, ending)


async def test_the_payload_goes_through_the_model() -> None:
    with pytest.raises(InvalidPayload):
        await run_handler(samples.with_a_lifespan, "no number")


async def test_the_result_has_to_be_json() -> None:
    with pytest.raises(TypeError, match="set is no JSON"):
        await run_handler(samples.returning, 1)


async def test_a_source_has_to_be_allowed_and_there() -> None:
    with pytest.raises(SourceRefused):
        await run_handler(samples.in_a_thread, {"source": "s3://photos/in/x"})
    with pytest.raises(ArtifactMissing):
        await run_handler(samples.in_a_thread, {"source": "s3://photos/in/x"}, sources=("s3://photos/in",))


async def test_an_upload_and_an_object_of_another_bucket_are_read() -> None:
    artifacts, pictures = MemoryArtifacts(), MemoryArtifacts("pictures", "in/")
    await artifacts.put("uploads/default/7f", b"upload", "text/plain")
    await pictures.put("x", b"picture", "text/plain")
    artifacts.objects.update(pictures.objects)
    for source, data in [("artifact:7f", "upload"), ("s3://pictures/in/x", "picture")]:
        run = await run_handler(
            samples.in_a_thread, {"source": source}, artifacts=artifacts, sources=("s3://pictures/in",)
        )
        assert run.result["read"] == data


async def test_what_one_run_wrote_the_next_one_of_its_tenant_reads() -> None:
    artifacts = MemoryArtifacts("results", "out/")
    await artifacts.put("uploads/default/7f", b"upload", "text/plain")
    first = await run_handler(samples.in_a_thread, {"source": "artifact:7f"}, artifacts=artifacts, id="j-1")
    source = {"source": first.result["wrote"]}
    assert (await run_handler(samples.in_a_thread, source, artifacts=artifacts, id="j-2")).result["read"] == "data"
    with pytest.raises(SourceRefused, match="no job of this tenant"):
        await run_handler(samples.in_a_thread, source, artifacts=artifacts, id="j-3", tenant="rival")


async def test_an_installed_handler_is_run_by_its_type(shop: Shop) -> None:
    shop.module("acme", GOOD)
    shop.offer("acme-handlers", numbers__add="acme:work")
    assert (await run_handler("numbers.add", {"a": 1, "b": 2})).result == 3


async def test_a_handler_that_is_not_there_is_a_lookup_error_that_says_why(shop: Shop) -> None:
    shop.offer("acme-handlers", numbers__add="acme:work")
    with pytest.raises(LookupError, match="There is no module acme"):
        await run_handler("numbers.add", {})
    with pytest.raises(LookupError, match="without @handler"):
        await run_handler(lambda payload: payload, {})


async def test_a_state_of_the_tests_own_takes_the_place_of_the_lifespan() -> None:
    samples.entered.clear()
    for state in ("a fake", None):
        assert (await run_handler(samples.with_a_lifespan, 1, state=state)).result["state"] == state
    assert samples.entered == []


@pytest.mark.parametrize("timeout", [0.05, timedelta(milliseconds=50)])
async def test_a_timeout_of_the_tests_own_takes_the_place_of_the_handlers(timeout: float | timedelta) -> None:
    with pytest.raises(TimeoutError, match=r"its timeout of 0\.05 s"):
        await run_handler(samples.with_a_long_timeout, 1, timeout=timeout)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"job_id": "x"}, "it is id="),
        ({"args": (1,)}, "the payload comes second"),
        ({"ctx": {}}, "state= takes the place"),
        ({"max_retries": 3}, "it is max_attempts="),
        ({"attmept": 3}, "did you mean attempt?"),
        ({"zzz": 3}, "there is artifacts, sources"),
    ],
)
async def test_what_no_job_has_is_answered_with_what_there_is(said: dict[str, Any], meant: str) -> None:
    with pytest.raises(TypeError) as caught:
        await run_handler(samples.on_the_loop, {"a": 1}, **said)
    assert f"run_handler() has no {next(iter(said))}: " in str(caught.value)
    assert meant in str(caught.value)


async def test_a_run_without_a_payload_says_how_it_is_written() -> None:
    with pytest.raises(TypeError, match=r"missing a required argument: 'payload'\. Write it like `await run_handler\("):
        await run_handler(samples.on_the_loop, attempt=2)  # type: ignore[call-arg]


async def test_a_type_that_nobody_offers_is_told_with_those_that_are_installed() -> None:
    with pytest.raises(LookupError, match=r"No installed distribution offers acme\.none; there is .*text\.transform"):
        await run_handler("acme.none", {})
