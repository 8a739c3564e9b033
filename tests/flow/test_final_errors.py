"""What no other attempt can mend ends the job at once, wherever its handler runs."""

from __future__ import annotations

from typing import Any

import pytest

from cqworker import Job, handler
from cqworker.model.record import Failure, JobRecord
from cqworker.model.status import FailureKind, Status
from cqworker.plugins.final_errors import is_final_error
from tests.flow.refusing import FORBIDDEN, refused_in_a_process, returning_in_a_process, unfit, unfit_in_a_process
from tests.flow.world import REAL, World, story


@handler
async def reading(payload: dict[str, Any], job: Job) -> int:
    return len((await job.artifacts.read(FORBIDDEN)).data)


@handler
def reading_in_a_thread(payload: dict[str, Any], job: Job) -> int:
    return len(job.artifacts.read_sync(FORBIDDEN).data)


@handler
async def returning(payload: dict[str, Any]) -> Any:
    return {"answer": {1, 2}}


@handler
def returning_in_a_thread(payload: dict[str, Any]) -> Any:
    return float("nan")


LARGEST = 2000
"""Bytes that are kept and served in the worlds below."""


@handler
async def writing(payload: int, job: Job) -> str:
    return await job.artifacts.write(b"x" * payload, extension="bin", content_type="image/png")


@handler
def writing_in_a_thread(payload: int, job: Job) -> str:
    return job.artifacts.write_sync(b"x" * payload, name="x.bin", content_type="image/png")


@handler
async def long_winded(payload: int) -> str:
    return "x" * (payload - 2)


@handler
async def unfit_inside(payload: dict[str, Any]) -> None:
    unfit(payload)


def failure_of(record: JobRecord) -> Failure:
    assert (record.status, record.failure is None) == (Status.FAILED, False)
    assert record.failure is not None
    return record.failure


async def first_end_of(world: World, payload: str = "{}") -> JobRecord:
    """The record of one job once its first attempt has an ending."""
    world.start()
    job_id = await world.submit("it", payload)
    record = await world.until(job_id, *(set(Status) - {Status.QUEUED, Status.RUNNING}), patience=30)
    await world.stop()
    return record


@story
async def test_a_source_that_a_job_may_not_read_is_asked_for_once() -> None:
    record = await first_end_of(World({"it": reading}))
    failure = failure_of(record)
    assert (failure.kind, failure.error, failure.stage) == (FailureKind.REJECTED, "SourceRefused", "handler")
    assert (record.attempt, "artifacts.sources" in failure.message) == (1, True)


@story
async def test_a_result_that_is_no_json_is_made_once() -> None:
    record = await first_end_of(World({"it": returning}))
    failure = failure_of(record)
    assert (failure.kind, failure.stage, record.attempt) == (FailureKind.REJECTED, "result", 1)
    assert failure.message.startswith("The result is not JSON")


@pytest.mark.parametrize(
    ("function", "stage"), [(writing, "handler"), (writing_in_a_thread, "handler"), (long_winded, "result")]
)
async def test_what_nobody_could_fetch_is_not_written(function: Any, stage: str) -> None:
    world = World({"it": function}, max_upload=LARGEST, inline_limit=100, real=REAL)
    failure = failure_of(record := await first_end_of(world, str(LARGEST + 1)))
    assert (failure.kind, failure.error, failure.stage) == (FailureKind.REJECTED, "ArtifactTooLarge", stage)
    assert "2,001 bytes; at most 2,000 are kept" in failure.message
    assert (record.attempt, dict(world.artifacts.objects)) == (1, {})


@pytest.mark.parametrize("function", [writing, writing_in_a_thread, long_winded])
async def test_what_can_just_be_fetched_is_written(function: Any) -> None:
    world = World({"it": function}, max_upload=LARGEST, inline_limit=100, real=REAL)
    record = await first_end_of(world, str(LARGEST))
    assert record.status is Status.SUCCEEDED
    assert [len(stored.data) for stored in world.artifacts.objects.values()] == [LARGEST]


@story
async def test_an_invalid_payload_met_inside_a_handler_is_met_once() -> None:
    failure = failure_of(await first_end_of(World({"it": unfit_inside})))
    assert (failure.kind, failure.message) == (FailureKind.INVALID_PAYLOAD, "/text: too short")


@pytest.mark.parametrize(
    ("function", "kind", "stage"),
    [
        (reading_in_a_thread, FailureKind.REJECTED, "handler"),
        (returning_in_a_thread, FailureKind.REJECTED, "result"),
        (refused_in_a_process, FailureKind.REJECTED, "handler"),
        (returning_in_a_process, FailureKind.REJECTED, "result"),
        (unfit_in_a_process, FailureKind.INVALID_PAYLOAD, "payload"),
    ],
)
async def test_the_same_holds_in_threads_and_in_processes(function: Any, kind: FailureKind, stage: str) -> None:
    record = await first_end_of(World({"it": function}, real=REAL))
    failure = failure_of(record)
    assert (failure.kind, failure.stage, record.attempt) == (kind, stage, 1)


@pytest.mark.parametrize("error", [ValueError("x"), TypeError("x"), KeyError("x"), OSError("x"), MemoryError()])
def test_what_a_handler_raises_otherwise_may_pass(error: Exception) -> None:
    assert not is_final_error(error, "handler")
    assert not is_final_error(error, "load")
