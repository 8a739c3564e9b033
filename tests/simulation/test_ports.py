"""What a process may say of an old message, and what it is accused of."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from msgspec.structs import replace as changed

from cqworker.events import JobRef
from cqworker.flow.lease import Lease
from cqworker.model.envelope import Envelope
from cqworker.ports import Letter
from cqworker.testing.virtual_time import EPOCH_MS
from tests.simulation.kernel import Kernel
from tests.simulation.machine import SkewedClock
from tests.simulation.network import Call, Link, Weather
from tests.simulation.ports import SimQueue
from tests.simulation.profile import DAY, profile_of
from tests.simulation.queue_service import QueueService
from tests.simulation.trace import Trace

PERIOD = 60
JOB = JobRef(job_id="j1", type="work", queue="jobs", tenant="default", round=1, attempt=1, trace_id="t1")
ENVELOPE = Envelope(job_id="j1", type="work", queue="jobs", max_attempts=3, created_at=EPOCH_MS)


def accused_of(seconds: int, *, age: float, is_kept: bool, made: float = 0.0) -> list[str]:
    """Of what a process is accused that says so of a message, with a lease in its keeper or without one.

    Its job was submitted `made` seconds before it was sent.
    """
    kernel = Kernel()
    world, trace, accused = kernel.guest("world"), Trace(kernel), list[str]()
    profile = replace(profile_of(1), rates={}, longest_hold=4 * PERIOD, retention_days=30)
    service = QueueService("jobs", world, profile, trace)

    def accuse(what: str, _call: Call) -> None:
        accused.append(what)

    link, clock, leases = (
        Link("w1", world, Weather(profile), trace, accuse),
        SkewedClock(world, kernel, 0),
        list[Lease](),
    )
    queue = SimQueue(service, link, clock, lambda: leases)

    async def story() -> None:
        letter = changed(ENVELOPE, created_at=EPOCH_MS - round(made * 1000))
        service.send(Letter(body=letter.text(), delay=0))
        await asyncio.sleep(age)
        (delivery,) = await queue.receive(1, 0, PERIOD)
        if is_kept:
            leases.append(Lease(delivery, JOB, "token", PERIOD, clock.monotonic()))
        await queue.change_visibility([(delivery.receipt, seconds)])

    kernel.run(world, story())
    kernel.bury()
    return accused


@pytest.mark.parametrize("seconds", [PERIOD, PERIOD - 4, 36])
def test_an_old_message_is_renewed_for_as_long_as_sqs_takes_it(seconds: int) -> None:
    assert accused_of(seconds, age=8 * DAY, is_kept=True) == []


@pytest.mark.parametrize("seconds", [0, 36, PERIOD])
def test_an_old_message_that_is_let_go_of_is_replaced(seconds: int) -> None:
    assert accused_of(seconds, age=8 * DAY, is_kept=False) == ["an old message was put off and not replaced:"]


def test_an_old_message_may_wait_where_its_copy_could_outlive_the_record_while_sqs_keeps_it() -> None:
    made = 20 * DAY
    assert accused_of(36, age=8 * DAY, is_kept=False, made=made) == []
    assert accused_of(36, age=13.5 * DAY, is_kept=False, made=made) == ["an old message was put off and not replaced:"]


def test_a_young_message_may_be_put_off() -> None:
    assert accused_of(36, age=6 * DAY, is_kept=False) == []
