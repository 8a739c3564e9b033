"""A job is accepted with its message: what that carries, where it goes, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cqworker import Job, handler
from cqworker.errors import InvalidPayload, Unavailable, UnknownQueue, UnknownType
from cqworker.events import JobStarted, JobSubmitted
from cqworker.model.status import FailureKind, Status
from cqworker.settings import HandlerSettings, TypeSettings
from tests.flow.faults import refused, unheard
from tests.flow.handlers import quick
from tests.flow.world import World, story

BIG = json.dumps({"text": "x" * 5000})


@handler
async def strict(payload: dict[str, int]) -> int:
    return sum(payload.values())


@story
async def test_what_was_submitted_reaches_the_handler() -> None:
    seen: list[Job] = []

    @handler
    async def look(payload: dict[str, Any], job: Job) -> None:
        seen.append(job)

    world = World({"look": look})
    world.start()
    more: dict[str, Any] = {"metadata": {"a": "b"}, "tags": ("t",), "tenant": "acme", "max_attempts": 4}
    job_id = await world.submit("look", '{"n":1}', traceparent=f"00-{'a' * 32}-{'b' * 16}-01", **more)
    record = await world.until(job_id)
    await world.stop()
    [job] = seen
    assert (job.id, job.type, job.attempt, job.max_attempts, job.round) == (job_id, "look", 1, 4, 1)
    assert (job.tenant, job.metadata, job.tags) == ("acme", {"a": "b"}, ("t",))
    assert (record.tenant, record.metadata, record.tags, record.trace_id) == ("acme", {"a": "b"}, ("t",), "a" * 32)
    assert (job.traceparent or "").split("-")[1] == "a" * 32


@story
async def test_the_message_alone_is_enough_to_run_the_job_and_to_write_its_record() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick", '{"n":1}', metadata={"a": "b"}, tags=("t",), tenant="acme")
    put = world.store.records.pop(job_id)
    world.start()
    record = await world.until(job_id)
    await world.stop()
    same = ("type", "queue", "tenant", "payload", "metadata", "tags", "max_attempts", "created_at", "trace_id")
    assert [getattr(record, name) for name in same] == [getattr(put, name) for name in same]
    assert record.result == '{"n":1}'


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"job_type": "nothing"}, UnknownType),
        ({"job_type": "strict", "queue": "nowhere"}, UnknownQueue),
        ({"job_type": "strict", "payload": '{"a":"x"}'}, InvalidPayload),
        ({"job_type": "strict", "payload": "{"}, InvalidPayload),
    ],
)
@story
async def test_a_request_that_is_wrong_leaves_nothing_behind(wrong: dict[str, Any], error: type[Exception]) -> None:
    world = World({"strict": strict})
    with pytest.raises(error):
        await world.accept(**wrong)
    assert (world.queue.bodies, world.store.records, world.artifacts.objects) == ([], {}, {})
    assert world.office.seen(JobSubmitted) == []


@story
async def test_a_job_goes_to_the_queue_that_is_asked_for_then_the_types_then_the_first() -> None:
    types = HandlerSettings(types={"routed": TypeSettings(queue="slow")})
    world = World({"quick": quick, "routed": quick}, types=types, more_queues=["slow", "other"])
    asked = await world.accept("routed", queue="other")
    routed = await world.accept("routed")
    first = await world.accept("quick")
    assert [accepted.record.queue for accepted in (asked, routed, first)] == ["other", "slow", "jobs"]
    world.start()
    for accepted in (asked, routed, first):
        assert (await world.until(accepted.record.job_id)).status is Status.SUCCEEDED
    await world.until_empty()
    await world.stop()


@story
async def test_a_payload_too_big_to_carry_is_stored_and_read_back() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick", BIG)
    record = world.record(job_id)
    assert (record.payload, len(world.queue.bodies[0]) < 1000) == (None, True)
    assert record.payload_ref is not None
    assert world.artifacts.objects[record.payload_ref].data.decode() == BIG
    world.start()
    done = await world.until(job_id)
    assert (done.status, done.result) == (Status.SUCCEEDED, None)
    assert done.result_ref is not None
    assert json.loads(world.artifacts.objects[done.result_ref].data) == json.loads(BIG)
    await world.stop()


@story
async def test_a_payload_that_cannot_be_stored_is_not_accepted() -> None:
    world = World({"quick": quick})
    world.office.artifacts.on("put", refused)
    with pytest.raises(Unavailable):
        await world.accept("quick", BIG)
    assert (world.queue.bodies, world.store.records) == ([], {})


@story
async def test_a_payload_that_cannot_be_read_now_costs_no_attempt() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick", BIG)
    host = world.start(before=lambda host: host.artifacts.on("get", unheard, 3))
    record = await world.until(job_id)
    await world.stop()
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    assert [entry.event for entry in record.history].count("handed_back") == 3
    assert len(host.seen(JobStarted)) == 1


@story
async def test_a_payload_that_is_gone_fails_the_job() -> None:
    world = World({"quick": quick})
    job_id = await world.submit("quick", BIG)
    world.artifacts.objects.clear()
    world.start()
    record = await world.until(job_id)
    await world.stop()
    assert record.failure is not None
    assert (record.failure.kind, record.attempt) == (FailureKind.INVALID_PAYLOAD, 1)


@story
async def test_a_result_that_cannot_be_stored_costs_no_attempt() -> None:
    @handler
    async def big(payload: dict[str, Any]) -> str:
        return "x" * 5000

    world = World({"big": big})
    host = world.start(before=lambda host: host.artifacts.on("put", refused, 7))
    record = await world.until(await world.submit("big"))
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    assert record.result_ref is not None
    assert record.result_ref.endswith(f"{record.job_id}/1-1.result.json")
    assert len(host.seen(JobStarted)) == 2
    await world.stop()


@pytest.mark.parametrize("delay", [1, 60, 900])
@story
async def test_a_delayed_job_waits_for_its_time_even_if_a_copy_comes_sooner(delay: int) -> None:
    world = World({"quick": quick})
    host = world.start()
    accepted = await world.accept("quick", delay_seconds=delay)
    assert accepted.record.scheduled_at == accepted.record.created_at + delay * 1000
    await world.copy(accepted.record.job_id)
    record = await world.until(accepted.record.job_id)
    await world.until_empty()
    assert delay - 2 <= ((record.started_at or 0) - record.created_at) / 1000 <= delay + 1
    assert (record.status, record.attempt, len(host.seen(JobStarted))) == (Status.SUCCEEDED, 1, 1)
    await world.stop()


@story
async def test_jobs_of_a_tenant_travel_as_a_group_of_their_own() -> None:
    world = World({"quick": quick})
    await world.submit("quick", tenant="acme")
    await world.submit("quick")
    groups = [message.letter.group for message in world.queue._messages.values()]
    assert groups == ["acme", None]


@story
async def test_without_handlers_every_type_is_unknown() -> None:
    with pytest.raises(UnknownType, match="known types: none"):
        await World({}).accept("quick")
