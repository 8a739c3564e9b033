"""A payload too big for its message lies at one place, and nothing else is ever fetched in its stead."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from cqworker.errors import NotAllowedNow
from cqworker.events import ForeignMessage
from cqworker.model.record import envelope_of
from cqworker.model.status import FailureKind, Status
from cqworker.ports import Letter, StoredObject
from tests.flow.handlers import quick
from tests.flow.world import World, story

JOB = "01a2059b-5a41-77d5-a090-f9b2886de7e0"
OTHER = "01a2059b-5a41-77d5-a090-f9b2886de7e1"
BODY: dict[str, Any] = {"cqworker": 1, "job_id": JOB, "type": "quick"}
ELSEWHERE = [
    f"s3://artifacts/payloads/{OTHER}.json",
    f"s3://secrets/payloads/{JOB}.json",
    f"s3://artifacts/other/payloads/{JOB}.json",
    "s3://artifacts/uploads/rival/0123456789abcdef",
    f"s3://artifacts/{OTHER}/1-1.result.json",
    f"s3://artifacts/payloads/../payloads/{JOB}.json",
    f"s3://artifacts//payloads/{JOB}.json",
    f"s3://artifacts/payloads/{JOB}.json?versionId=1",
    f"s3://artifacts/payloads/{JOB}.JSON",
    f"s3://ARTIFACTS/payloads/{JOB}.json",
    f" s3://artifacts/payloads/{JOB}.json",
    f"s3://artifacts/payloads/{JOB}.json\n",
    f"https://artifacts.s3.amazonaws.com/payloads/{JOB}.json",
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data/",
    f"payloads/{JOB}.json",
    "{0}",
    "x" * 1000,
]


async def sent(world: World, **fields: Any) -> None:
    await world.queue.send(Letter(body=json.dumps(BODY | fields)))


@pytest.mark.parametrize("reference", ELSEWHERE)
@story
async def test_a_reference_to_anything_else_is_told_and_nothing_is_fetched(reference: str) -> None:
    world = World({"quick": quick})
    world.artifacts.objects[reference] = StoredObject(b'{"secret":1}', "application/json")
    host = world.start()
    await sent(world, payload_ref=reference)
    record = await world.until(JOB)
    assert record.failure is not None
    assert (record.status, record.failure.kind) == (Status.FAILED, FailureKind.INVALID_PAYLOAD)
    assert (record.attempt, record.result) == (1, None)
    assert "payload_ref" in record.failure.message
    assert f"payloads/{JOB}.json" in record.failure.message
    assert "get" not in host.artifacts.calls
    await world.until_empty()
    await world.stop()


@story
async def test_the_jobs_own_place_is_read_whoever_wrote_the_message() -> None:
    world = World({"quick": quick})
    own = world.artifacts.reference(f"payloads/{JOB}.json")
    world.artifacts.objects[own] = StoredObject(b'{"n":1}', "application/json")
    world.start()
    await sent(world, payload_ref=own)
    record = await world.until(JOB)
    assert (record.status, record.result) == (Status.SUCCEEDED, '{"n":1}')
    await world.stop()


@pytest.mark.parametrize("job_id", ["../uploads/rival/1", "a/b", "..", "a%2Fb", "{x}", "a b", "\u00e9", "a.b"])
@story
async def test_an_id_from_elsewhere_leads_to_one_step_below_payloads(job_id: str) -> None:
    world = World({"quick": quick})
    literal = world.artifacts.reference(f"payloads/{job_id}.json")
    world.artifacts.objects[literal] = StoredObject(b'{"n":1}', "application/json")
    host = world.start()
    await sent(world, job_id=job_id, payload_ref=literal)
    record = await world.until(job_id)
    is_plain = job_id in ("a.b", "..")
    assert (record.status is Status.SUCCEEDED) == is_plain
    assert ("get" in host.artifacts.calls) == is_plain
    await world.stop()


@story
async def test_a_dead_letter_with_a_strange_reference_is_fetched_neither_then_nor_when_it_is_retried() -> None:
    world = World({"quick": quick})
    reference = "s3://secrets/keys.json"
    world.artifacts.objects[reference] = StoredObject(b'{"secret":1}', "application/json")
    await world.dead.send(Letter(body=json.dumps(BODY | {"payload_ref": reference})))
    host = world.start()
    lost = await world.until(JOB)
    assert lost.failure is not None
    assert (lost.failure.kind, lost.queue) == (FailureKind.LOST, "jobs")
    await world.operator.retry(JOB, None)
    again = await world.until(JOB, Status.FAILED)
    await world.until_true(lambda: world.record(JOB).round == 2 and world.record(JOB).status is Status.FAILED)
    again = world.record(JOB)
    assert again.failure is not None
    assert again.failure.kind is FailureKind.INVALID_PAYLOAD
    assert "get" not in host.artifacts.calls
    await world.stop()


@pytest.mark.parametrize("wrong", [{"max_attempts": 1_000_000}, {"tenant": "a b"}, {"tags": ["t"] * 11}, {"queue": ""}])
@story
async def test_a_message_beyond_the_limits_is_told_with_its_field_and_left_to_the_redrive_policy(
    wrong: dict[str, Any],
) -> None:
    world = World({"quick": quick}, max_receives=2)
    host = world.start()
    await sent(world, payload={}, **wrong)
    await world.until_true(lambda: len(world.dead.bodies) == 1)
    told = host.seen(ForeignMessage)
    assert next(iter(wrong)) in told[0].reason
    assert world.store.records == {}
    await world.stop()


@story
async def test_a_minimal_message_runs_with_what_its_queue_and_its_type_say() -> None:
    world = World({"quick": quick})
    world.start()
    before = world.clock.now()
    await sent(world, payload={"n": 1})
    record = await world.until(JOB)
    assert (record.status, record.result) == (Status.SUCCEEDED, '{"n":1}')
    assert (record.queue, record.tenant, record.round) == ("jobs", "default", 1)
    assert record.max_attempts == world.registry.handlers["quick"].max_attempts
    assert before <= record.created_at <= world.clock.now()
    assert envelope_of(record).max_attempts == record.max_attempts
    await world.stop()


@story
async def test_a_record_that_no_message_may_say_is_not_sent_again() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick")
    old = world.record(job_id)
    world.store.records[job_id] = replace(old, status=Status.FAILED, max_attempts=1_000_000)
    before = list(world.queue.bodies)
    with pytest.raises(NotAllowedNow, match="max_attempts"):
        await world.operator.retry(job_id, None)
    assert world.queue.bodies == before
