"""Limits by a field of the payload, which a handler's author names."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from msgspec.structs import replace

from cqworker import InvalidPayload, Job, handler
from cqworker.model.envelope import read_envelope
from cqworker.model.limits import hashed_key
from cqworker.model.status import FailureKind, Status
from cqworker.ports import Letter
from cqworker.ports.fleet import Control
from cqworker.testing import run_handler
from tests.flow.slots import end_all
from tests.flow.world import World, story

ONE_OF_EACH = {"key:*": {"concurrency": 1}}


class Calls:
    """A handler that counts how many run at once for each customer."""

    def __init__(self) -> None:
        self.now: Counter[object] = Counter()
        self.most: Counter[object] = Counter()

        @handler(limits="customer")
        async def call(payload: dict[str, Any]) -> None:
            customer = payload.get("customer")
            self.now[customer] += 1
            self.most[customer] = max(self.most[customer], self.now[customer])
            await asyncio.sleep(5)
            self.now[customer] -= 1

        self.handler = call


def as_before_limits(world: World) -> None:
    for host in (*world.hosts.values(), world.office):
        host.ground.queue_control.note(Control(1, enabled=frozenset()))


@story
@pytest.mark.parametrize("enabled", [True, False])
async def test_jobs_are_limited_by_a_field_of_their_payload_whoever_reads_it(enabled: bool) -> None:
    calls = Calls()
    world = World({"call": calls.handler}, limits=ONE_OF_EACH)
    world.start()
    if not enabled:
        as_before_limits(world)
    payloads = ['{"customer": "a"}', '{"customer": "b"}', '{"customer": 7}']
    jobs = [await world.submit("call", payload) for payload in payloads for _ in range(3)]
    other = await world.submit("call", '{"customer": "a"}', **({"limit_key": "of its own"} if enabled else {}))
    await end_all(world, [*jobs, other])
    assert {world.record(job).limit_key for job in jobs} == ({"a", "b", "7"} if enabled else {None})
    assert calls.most == {"a": 2 if enabled else 1, "b": 1, 7: 1}
    await world.stop()


@story
async def test_a_payload_that_lies_in_s3_is_looked_into_by_the_worker() -> None:
    calls = Calls()
    world = World({"call": calls.handler}, limits=ONE_OF_EACH)
    world.start()
    as_before_limits(world)
    jobs = [await world.submit("call", f'{{"customer": "a", "text": "{"x" * 300_000}"}}') for _ in range(3)]
    await end_all(world, jobs)
    assert calls.most == {"a": 1}
    assert world.record(jobs[0]).payload_ref is not None
    await world.stop()


@story
@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ("{}", "/customer: is missing; limits count jobs of this type by it: a text of 1 to 128 characters"),
        ('{"customer": null}', "/customer: is neither;"),
        ('{"customer": true}', "/customer: is neither;"),
        ('{"customer": ""}', "/customer: has 0 characters;"),
        (f'{{"customer": "{"x" * 129}"}}', "/customer: has 129 characters;"),
    ],
)
async def test_a_payload_without_a_limit_key_is_refused_or_failed_and_told_why(payload: str, why: str) -> None:
    calls = Calls()
    world = World({"call": calls.handler}, limits=ONE_OF_EACH)
    with pytest.raises(InvalidPayload, match=why):
        await world.submit("call", payload)
    made = await world.submit("call", '{"customer": "a"}')
    [letter] = world.queues["jobs"].bodies
    strange = replace(read_envelope(letter), job_id="strange", payload=payload, limit_key=None)
    await world.queues["jobs"].send(Letter(body=strange.text()))
    world.start()
    record = await world.until("strange")
    assert record.failure is not None
    assert (record.status, record.failure.kind) == (Status.FAILED, FailureKind.INVALID_PAYLOAD)
    assert why in record.failure.message
    await end_all(world, [made])
    await world.stop()


@story
async def test_where_no_key_is_limited_nobody_looks_into_payloads() -> None:
    calls = Calls()
    world = World({"call": calls.handler}, limits={"tenant:*": {"concurrency": 5}})
    await world.queues["jobs"].send(
        Letter(body='{"cqworker":1,"job_id":"plain","type":"call","queue":"jobs","max_attempts":1,"created_at":1}')
    )
    world.start()
    record = await world.until("plain")
    assert record.failure is None or "customer" not in record.failure.message
    await world.stop()


@story
async def test_a_worker_that_dies_leaves_no_slot_behind() -> None:
    calls = Calls()
    world = World({"call": calls.handler}, limits=ONE_OF_EACH)
    world.start("w1")
    as_before_limits(world)
    jobs = [await world.submit("call", '{"customer": "a"}') for _ in range(2)]
    await world.until_true(lambda: bool(calls.now["a"]))
    assert world.limits.shards[hashed_key("default", "a"), 0].held
    world.kill("w1")
    world.start("w2")
    await end_all(world, jobs)
    await world.stop()


async def test_a_run_in_a_test_is_given_the_key_and_refused_without_one() -> None:
    @handler(limits="customer")
    async def call(payload: dict[str, Any], job: Job) -> str | None:
        return job.limit_key

    assert (await run_handler(call, {"customer": "a"})).result == "a"
    assert (await run_handler(call, {}, limit_key="b")).result == "b"
    with pytest.raises(InvalidPayload, match="/customer: is missing"):
        await run_handler(call, {})


@pytest.mark.parametrize("nonsense", ["", 3, ["customer"]])
def test_an_author_who_names_no_field_is_told_what_to_write(nonsense: Any) -> None:
    with pytest.raises(TypeError, match=r'limits takes the name of a payload field, such as "customer_id"'):
        handler(limits=nonsense)
