"""Whatever a handler's run comes to, the job leaves the worker's hands: in its history, in the log, in the numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, get_args

import pytest

from cqworker import Job, Reject, Retry, Snooze, handler
from cqworker.errors import InvalidPayload, PayloadFault, ProcessDied, ProcessNotStarted, Unavailable
from cqworker.events import JobEvent, JobStarted, JobTakenOver
from cqworker.execution import outcome as o
from cqworker.execution.invoke import outcome_of
from cqworker.model.attempt_writes import Claim
from cqworker.model.history import CLAIMED, Entry, unfinished_claim
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.observe.event_wording import WORDING
from cqworker.observe.metrics_observer import MetricsObserver
from cqworker.plugins.registry import registry_from
from cqworker.testing.host import Host
from tests.flow.world import World, story
from tests.rails.jobs import TYPE

RAISED: dict[type[Any], BaseException] = {
    o.Raised: ValueError("broken"),
    o.Hindered: Unavailable("s3", "It is away.", "Wait."),
    o.Died: ProcessDied("It crashed."),
    o.AskedRetry: Retry("again", after=60),
    o.AskedSnooze: Snooze("too early", after=60),
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
    host = world.start(registry=registry_from({}) if kind is o.UnknownTypeMet else None)
    starts = 1 if kind is o.UnknownTypeMet else 2
    job_id = await world.submit(TYPE)
    await world.until_true(lambda: claims_of(host) == starts and is_out_of_hand(world.record(job_id)))
    record = world.record(job_id)
    assert record.history[-1].event != CLAIMED, "the history does not say how it went"
    assert record.status.is_final or any(job_id in body for body in world.queue.bodies), "nothing will start it again"
    assert record.status.is_final or is_missed_if_it_dies(record), (
        "unfinished_claim() in model/history.py miscounts its attempt"
    )
    last = max((number for number, event in enumerate(world.events) if isinstance(event, JobStarted)), default=0)
    later = [event for event in world.events[last + 1 :] if isinstance(event, JobEvent)]
    assert any(type(event) in WORDING for event in later), "the log says nothing of it"
    metrics = MetricsObserver([TYPE])
    for event in world.events:
        metrics(event)
    assert f'cqworker_jobs_in_flight{{type="{TYPE}"}} 1.0' not in metrics.render()[0].decode(), "it is counted for ever"
    await world.until_true(lambda: world.record(job_id).status.is_final or claims_of(host) > starts)
    assert world.seen(JobTakenOver) == [], "the next start takes this one for one that came to no end"
    await world.stop()


def is_missed_if_it_dies(record: JobRecord) -> bool:
    """Whether the next start, if nothing is heard of it, is known as one that came to no end."""
    claim = Entry(record.created_at, CLAIMED)
    return unfinished_claim((*record.history, claim, claim), record.attempt + 2) is not None


def claims_of(host: Host) -> int:
    return host.store.calls.count(Claim.__name__)


def is_out_of_hand(record: JobRecord) -> bool:
    return record.status is not Status.RUNNING and record.lease_expires_at is None


def ending_in(kind: type[Any]) -> Callable[..., Any]:
    """What comes to this outcome in its second attempt, and in every one after a refund."""

    async def end(payload: dict[str, Any], job: Job) -> None:
        if job.attempt == 1:
            raise Retry("the second attempt will tell", after=1)
        if kind in RAISED:
            raise RAISED[kind]
        if kind is o.Stopped:
            await asyncio.sleep(60)

    return end
