"""Whatever a handler's run comes to, the job leaves the worker's hands: in its history, in the log, in the numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, get_args

import pytest

from cqworker import Reject, Retry, handler
from cqworker.errors import InvalidPayload, PayloadFault, ProcessDied, ProcessNotStarted, Unavailable
from cqworker.events import JobEvent, JobStarted, JobTakenOver
from cqworker.flow import outcomes as o
from cqworker.flow.perform import outcome_of
from cqworker.model.history import CLAIMED
from cqworker.model.status import Status
from cqworker.observe.metrics import Metrics
from cqworker.observe.wording import WORDING
from cqworker.plugins.registry import registry_from
from tests.flow.world import World, story
from tests.rails.jobs import TYPE

RAISED: dict[type[Any], BaseException] = {
    o.Raised: ValueError("broken"),
    o.Hindered: Unavailable("s3", "It is away.", "Wait."),
    o.Died: ProcessDied("It crashed."),
    o.AskedRetry: Retry("again", after=60),
    o.AskedReject: Reject("never"),
    o.PayloadRefused: InvalidPayload((PayloadFault("/text", "is missing"),)),
    o.NeverStarted: ProcessNotStarted("No memory."),
}
"""What a handler raises to come to this outcome."""
OTHERWISE = {
    o.Returned: "it returns",
    o.Stopped: "its timeout is over",
    o.UnknownTypeMet: "its worker has no such handler",
}
"""Outcomes that nothing raises, and how they come about."""


def test_every_outcome_has_a_way_to_it() -> None:
    assert RAISED.keys() | OTHERWISE.keys() == set(get_args(o.Outcome))
    assert {kind: type(outcome_of(error)) for kind, error in RAISED.items()} == {kind: kind for kind in RAISED}


@pytest.mark.parametrize("kind", get_args(o.Outcome))
@story
async def test_a_job_leaves_the_workers_hands_with_a_word_and_a_number(kind: type[Any]) -> None:
    world = World({TYPE: handler(timeout=5.0)(ending_in(kind))})
    world.start(registry=registry_from({}) if kind is o.UnknownTypeMet else None)
    job_id = await world.submit(TYPE)
    await world.until_true(lambda: is_out_of_hand(world, job_id))
    started = next((n for n, event in enumerate(world.events) if isinstance(event, JobStarted)), 0)
    later = [event for event in world.events[started + 1 :] if isinstance(event, JobEvent)]
    assert any(type(event) in WORDING for event in later), "the log says nothing of it"
    metrics = Metrics([TYPE])
    for event in world.events:
        metrics(event)
    assert f'cqworker_jobs_in_flight{{type="{TYPE}"}} 1.0' not in metrics.render()[0].decode(), "it is counted for ever"
    await world.until_true(lambda: has_gone_on(world, job_id))
    assert world.seen(JobTakenOver) == [], "the next start takes this one for one that came to no end"
    await world.stop()


def is_out_of_hand(world: World, job_id: str) -> bool:
    """Somebody had the job, and nobody has it; its history says so, and it has a message unless it is final."""
    record = world.store.records.get(job_id)
    events = [] if record is None else [entry.event for entry in record.history]
    if record is None or CLAIMED not in events or record.status is Status.RUNNING:
        return False
    assert events[-1] != CLAIMED, "the history does not say how it went"
    assert record.lease_expires_at is None
    assert record.status.is_final or any(job_id in body for body in world.queue.bodies)
    return True


def has_gone_on(world: World, job_id: str) -> bool:
    """It has ended, or it started again."""
    record = world.record(job_id)
    return record.status.is_final or [entry.event for entry in record.history].count(CLAIMED) > 1


def ending_in(kind: type[Any]) -> Callable[..., Any]:
    async def end(payload: dict[str, Any]) -> None:
        if kind in RAISED:
            raise RAISED[kind]
        if kind is o.Stopped:
            await asyncio.sleep(60)

    return end
