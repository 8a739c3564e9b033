"""A job reads what other jobs of its tenant wrote, and nothing of anybody else's."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from cqworker import Job, handler
from cqworker.jobs.submission import Submission
from cqworker.model.record import JobRecord
from cqworker.model.status import FailureKind, Status
from tests.flow.faults import refused
from tests.flow.world import REAL, World, story


@handler
async def make(payload: dict[str, Any], job: Job) -> dict[str, str]:
    written = job.artifacts.write(b"a;b", name="report.csv", content_type="text/csv")
    return {"output": await written, "padding": "x" * payload.get("padding", 0)}


@handler
async def take(payload: dict[str, Any], job: Job) -> str:
    return (await job.artifacts.read(payload["source"])).data.decode()


@handler
def take_in_a_thread(payload: dict[str, Any], job: Job) -> str:
    return job.artifacts.read_sync(payload["source"]).data.decode()


HANDLERS = {"make": make, "take": take, "thread": take_in_a_thread}


async def ended(world: World, job_type: str, tenant: str, **payload: Any) -> JobRecord:
    submission = Submission(type=job_type, payload=orjson.dumps(payload).decode(), tenant=tenant)
    accepted = await world.office.submitter.submit(submission)
    return await world.until(accepted.record.job_id)


async def output_of(world: World, tenant: str) -> str:
    """The reference that the result of a job of this tenant gives."""
    record = await ended(world, "make", tenant)
    return str(orjson.loads(record.result or "")["output"])


@story
async def test_what_a_job_of_the_tenant_wrote_is_read_by_the_reference_in_its_result() -> None:
    world = World(HANDLERS)
    world.start()
    record = await ended(world, "take", "acme", source=await output_of(world, "acme"))
    assert (record.status, record.result) == (Status.SUCCEEDED, '"a;b"')
    await world.stop()


async def test_a_thread_reads_it_as_well() -> None:
    world = World(HANDLERS, real=REAL)
    world.start()
    record = await ended(world, "thread", "acme", source=await output_of(world, "acme"))
    assert (record.status, record.result) == (Status.SUCCEEDED, '"a;b"')
    await world.stop()


@story
async def test_a_result_that_was_too_big_for_its_record_is_read_as_the_json_it_is() -> None:
    world = World(HANDLERS)
    world.start()
    made = await ended(world, "make", "acme", padding=10_000)
    assert made.result_ref is not None
    record = await ended(world, "take", "acme", source=made.result_ref)
    assert record.status is Status.SUCCEEDED
    await world.stop()


@story
async def test_what_another_tenants_job_wrote_is_refused_as_what_nobody_wrote_is() -> None:
    world = World(HANDLERS)
    world.start()
    theirs = await output_of(world, "rival")
    nobodys = theirs.replace(theirs.split("/")[3], "01a2059b-5a41-77d5-a090-f9b2886de7e0")
    reasons = []
    for source in (theirs, nobodys):
        record = await ended(world, "take", "acme", source=source)
        assert (record.status, record.attempt) == (Status.FAILED, 1)
        assert record.failure is not None
        assert (record.failure.kind, record.failure.error) == (FailureKind.REJECTED, "SourceRefused")
        reasons.append(record.failure.message.replace(source, "…"))
    assert len({reason.partition("is refused")[2] for reason in reasons}) == 1
    await world.stop()


@story
async def test_a_record_that_is_gone_leaves_nobody_to_ask() -> None:
    world = World(HANDLERS)
    world.start()
    source = await output_of(world, "acme")
    maker = world.store.records[source.split("/")[3]]
    world.store.records[maker.job_id] = replace(maker, purge_at=0)
    record = await ended(world, "take", "acme", source=source)
    assert (record.status, record.attempt) == (Status.FAILED, 1)
    assert record.failure is not None
    assert "record is gone" in record.failure.message
    await world.stop()


@story
async def test_a_store_that_is_away_while_the_tenant_is_looked_up_costs_no_attempt() -> None:
    world = World(HANDLERS)
    host = world.start()
    source = await output_of(world, "acme")
    host.store.on("get", refused, 2)
    record = await ended(world, "take", "acme", source=source)
    assert (record.status, record.attempt, host.store.calls.count("get")) == (Status.SUCCEEDED, 1, 3)
    await world.stop()


@story
async def test_what_the_job_itself_wrote_is_read_without_a_look_at_any_record() -> None:
    @handler
    async def own(payload: dict[str, Any], job: Job) -> str:
        reference = await job.artifacts.write(b"mine", extension="txt", content_type="text/plain")
        return (await job.artifacts.read(reference)).data.decode()

    world = World({"own": own})
    host = world.start()
    assert (await ended(world, "own", "acme")).result == '"mine"'
    assert "get" not in host.store.calls
    await world.stop()


@pytest.mark.parametrize("source", ["s3://artifacts/uploads/rival/1-1.png", "s3://artifacts/payloads/1-1.json"])
@story
async def test_uploads_and_payloads_are_no_jobs_writing(source: str) -> None:
    world = World(HANDLERS)
    world.start()
    record = await ended(world, "take", "acme", source=source)
    assert record.failure is not None
    assert "artifact:<id>" in record.failure.message
    await world.stop()
