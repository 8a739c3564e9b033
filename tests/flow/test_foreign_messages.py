"""Messages that are not ours, or not yet, in the queue of jobs: never deleted, never run, never fatal."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest

from cqworker.events import BackgroundFailed, ForeignMessage, JobStarted
from cqworker.model.envelope import read_envelope
from cqworker.model.status import Status
from cqworker.ports import Letter
from tests.flow.handlers import quick
from tests.flow.world import VISIBILITY, World, story

FOREIGN = (
    "no JSON",
    "",
    "null",
    "[]",
    '{"Records":[{"eventSource":"aws:s3"}]}',
    '{"cqworker":1}',
    '{"cqworker":true}',
    "[" * 2000,
    '{"cqworker":1,"job_id":"x","round":1,"type":"quick","queue":"jobs","max_attempts":1,"created_at":1e400}',
)
NEWER = '{"cqworker":2,"job_id":"from-the-future"}'


def nested(depth: int) -> str:
    """An envelope of ours whose payload is nested deeper than the JSON writer goes."""
    head = '{"cqworker":1,"job_id":"deep","round":1,"type":"quick","queue":"jobs","max_attempts":1,"created_at":1,'
    return f'{head}"payload":{"[" * depth}{"]" * depth}}}'


@pytest.mark.parametrize("body", [*FOREIGN, nested(600)])
@story
async def test_a_foreign_message_is_left_to_the_redrive_policy(body: str) -> None:
    world = World({"quick": quick}, max_receives=3)
    await world.queue.send(Letter(body=body))
    host = world.start()
    job_id = await world.submit("quick")
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    await world.until_true(lambda: world.dead.bodies == [body])
    told = [event for event in host.seen(ForeignMessage) if event.queue == "jobs"]
    assert [event.receive_count for event in told] == [1, 2, 3]
    assert {event.sha256 for event in told} == {hashlib.sha256(body.encode()).hexdigest()}
    assert host.seen(BackgroundFailed) == []
    assert "send" not in host.queue.calls
    await world.stop()


@story
async def test_foreign_messages_do_not_harm_the_good_ones_received_with_them() -> None:
    world = World({"quick": quick})
    ids = []
    for number in range(30):
        ids.append(await world.submit("quick"))
        await world.queue.send(Letter(body=FOREIGN[number % len(FOREIGN)]))
    world.start()
    for job_id in ids:
        record = await world.until(job_id, patience=VISIBILITY)
        assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    await world.stop()


@story
async def test_a_newer_version_is_given_back_for_a_newer_worker_and_never_deleted_or_sent_afresh() -> None:
    world = World({"quick": quick}, max_receives=6)
    await world.queue.send(Letter(body=NEWER))
    host = world.start()
    await asyncio.sleep(40)
    assert world.queue.bodies == [NEWER]
    await world.until_true(lambda: world.dead.bodies == [NEWER])
    await asyncio.sleep(600)
    assert world.dead.bodies == [NEWER]
    assert "send" not in host.queue.calls
    assert host.seen(JobStarted) == []
    await world.stop()


@story
async def test_an_error_that_no_rule_foresaw_costs_its_own_delivery_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World({"quick": quick})
    cursed = await world.submit("quick")
    others = [await world.submit("quick") for _ in range(9)]

    def read(text: str, **unsaid: Any) -> object:
        if cursed in text:
            raise MemoryError("no rule foresaw this")
        return read_envelope(text, **unsaid)

    monkeypatch.setattr("cqworker.flow.poller.read_envelope", read)
    host = world.start()
    for job_id in others:
        await world.until(job_id, patience=5)
    assert len(host.seen(BackgroundFailed)) == 1
    assert world.record(cursed).status is Status.QUEUED
    await world.stop()
